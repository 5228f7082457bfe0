"""The host's command line with our flags."""

from __future__ import annotations

import importlib.util
from argparse import ArgumentParser
from pathlib import Path

import pytest

PATH = Path(__file__).resolve().parents[1] / "preload.py"


@pytest.fixture
def preload():
    spec = importlib.util.spec_from_file_location("preload", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.preload


@pytest.mark.parametrize("in_a_group", [False, True])
def test_flags_have_plain_defaults(preload, in_a_group):
    parser = ArgumentParser()

    preload(parser.add_argument_group("facerestore") if in_a_group else parser)

    # the host's API makes a model of all flags from the types of their defaults
    assert vars(parser.parse_args([])) == {
        "facerestore_models_path": "",
        "no_facerestore": False,
        "no_facerestore_upscale": False,
    }


def test_flags_are_read(preload):
    parser = ArgumentParser()
    preload(parser)

    given = parser.parse_args(["--facerestore-models-path", "/models", "--no-facerestore", "--no-facerestore-upscale"])

    assert given.facerestore_models_path == "/models"
    assert given.no_facerestore
    assert given.no_facerestore_upscale
