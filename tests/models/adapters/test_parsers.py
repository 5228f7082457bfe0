"""Face parsers: their classes, facexlib's own recipe, what the mask takes of them, and when a session uses one."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest
import torch
from facexlib.parsing.bisenet import BiSeNet
from facexlib.parsing.parsenet import ParseNet
from torchvision.transforms.functional import normalize

from helpers.stock import oval_labels
from helpers.support import smooth_noise
from lib_facerestore.engine.faces.mask import KEPT_PARTS, parsing_mask
from lib_facerestore.errors import WeightsMissing, WeightsUnreachable
from lib_facerestore.models import weights
from lib_facerestore.models.adapters.parsers import BISENET_CLASSES, PARSENET_CLASSES, FaceParser
from lib_facerestore.models.weights import resolving
from lib_facerestore.runtime import Runtime
from lib_facerestore.session.session import Session
from lib_facerestore.settings import RestoreSettings

CPU = torch.device("cpu")
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
HALVES = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)


def random_network(kind: str) -> torch.nn.Module:
    """facexlib's network whose labels differ from place to place and hang on small differences of its input."""
    torch.manual_seed(7)
    return BiSeNet(num_class=19) if kind == "bisenet" else ParseNet(in_size=512, out_size=512, parsing_ch=19)


def facexlib_labels(network: torch.nn.Module, face: np.ndarray, mean: tuple, deviation: tuple) -> np.ndarray:
    """The steps of FaceRestoreHelper.paste_faces_to_input_image of facexlib 0.3.0, with the normalisation given."""
    resized = cv2.resize(face, (512, 512), interpolation=cv2.INTER_LINEAR)
    batch = normalize(torch.from_numpy(resized.transpose(2, 0, 1).copy()), mean, deviation)[None]
    with torch.no_grad():
        return network.eval()(batch)[0].argmax(dim=1).squeeze().numpy()


@pytest.mark.parametrize(
    ("part", "in_parsenet", "in_bisenet"),
    [("background", 0, 0), ("skin", 1, 1), ("hair", 13, 17), ("nose", 2, 10), ("glasses", 3, 6), ("hat", 14, 18),
     ("neck", 17, 14), ("necklace", 16, 15), ("cloth", 18, 16), ("left_eye", 4, 4), ("left_brow", 6, 2),
     ("earring", 15, 9), ("mouth", 10, 11), ("lower_lip", 12, 13)],
)  # fmt: skip
def test_a_part_has_its_own_number_in_each_parser(part, in_parsenet, in_bisenet):
    assert PARSENET_CLASSES.index(part) == in_parsenet
    assert BISENET_CLASSES.index(part) == in_bisenet


def test_both_parsers_name_the_same_nineteen_parts():
    assert len(PARSENET_CLASSES) == len(BISENET_CLASSES) == 19
    assert set(PARSENET_CLASSES) == set(BISENET_CLASSES)
    assert set(PARSENET_CLASSES) - KEPT_PARTS == {"background", "hat", "necklace", "neck", "cloth"}


@pytest.mark.parametrize(("kind", "own"), [("parsenet", HALVES), ("bisenet", IMAGENET)])
def test_labels_are_facexlibs_with_the_parsers_own_normalisation(kind, own):
    network = random_network(kind)
    # The side of a restored crop of an upscaler; facexlib resizes to 512 as we do.
    face = (smooth_noise(384, 384, 5, sigma=8) / 255).astype(np.float32)

    (ours,) = FaceParser(kind, kind, "0" * 64, network.state_dict(), CPU).parse([face])

    expected = facexlib_labels(network, face, *own)
    assert ours.shape == (512, 512)
    assert len(np.unique(expected)) > 1
    # A score that is equal to another in all but its last bit may fall to either side.
    assert (ours == expected).mean() > 0.9999


@pytest.mark.parametrize("kind", ["parsenet", "bisenet"])
def test_loading_a_parser_leaves_the_random_state_alone(kind):
    weights = random_network(kind).state_dict()
    before = torch.get_rng_state()

    FaceParser(kind, kind, "0" * 64, weights, CPU)

    assert torch.equal(torch.get_rng_state(), before)


def test_the_labels_above_would_show_another_normalisation():
    network = random_network("bisenet")
    face = (smooth_noise(384, 384, 5, sigma=8) / 255).astype(np.float32)

    right, wrong = (facexlib_labels(network, face, *recipe) for recipe in (IMAGENET, HALVES))

    assert (right == wrong).mean() < 0.99


def test_the_mask_takes_parts_by_name_whatever_their_number():
    labels = oval_labels()
    in_bisenets_order = np.array([BISENET_CLASSES.index(name) for name in PARSENET_CLASSES], np.uint8)[labels]

    masks = [
        parsing_mask(labels, PARSENET_CLASSES, 512, 0.06),
        parsing_mask(in_bisenets_order, BISENET_CLASSES, 512, 0.06),
    ]

    assert not np.array_equal(labels, in_bisenets_order)
    np.testing.assert_array_equal(masks[0], masks[1])
    assert masks[0][300, 256] == 1  # the nose
    assert masks[0][60, 256] > 0.5  # hair
    assert masks[0][500, 200] < 0.05  # the neck, where nothing of the chin's soft edge is left


@pytest.fixture(scope="module")
def with_bisenet(tmp_path_factory) -> Runtime:
    folder = tmp_path_factory.mktemp("parsers")
    torch.save(random_network("bisenet").state_dict(), folder / "79999_iter.pth")  # a name that hosts give the file
    return Runtime(device="cpu", models_folder=folder, cache_folder=folder / "converted")


@pytest.mark.parametrize("mask", ["auto", "parsing"])
def test_a_parser_whose_file_is_there_is_used(with_bisenet, mask):
    tools = Session(with_bisenet).tools(RestoreSettings(mask=mask, aligned_input=True))

    assert tools.parser.used.name == "BiSeNet"
    assert tools.parser.classes == BISENET_CLASSES


@pytest.mark.parametrize("mask", ["landmarks", "feather"])
def test_a_mask_that_needs_no_parser_loads_none(with_bisenet, mask):
    assert Session(with_bisenet).tools(RestoreSettings(mask=mask, aligned_input=True)).parser is None


def test_without_a_file_auto_takes_the_oval_and_parsing_says_what_to_fetch(runtime, with_bisenet):
    empty = dataclasses.replace(runtime, models_folder=with_bisenet.models_folder / "nothing")
    session = Session(empty)

    tools = session.tools(RestoreSettings(mask="auto", aligned_input=True))

    assert tools.parser is None
    with pytest.raises(WeightsMissing, match=r"face parser are missing.* facerestore fetch parsenet") as caught:
        session.tools(RestoreSettings(mask="parsing", aligned_input=True))
    assert str(caught.value).endswith(".")


def test_where_downloads_are_allowed_parsing_fetches_a_parser(runtime, with_bisenet, monkeypatch):
    empty = dataclasses.replace(runtime, models_folder=with_bisenet.models_folder / "nothing", downloads_allowed=True)
    resolve_others = resolving.resolve

    def resolve(spec, *more):
        if "parser" in spec.kinds:
            raise WeightsUnreachable(spec.name, "the network is away", "Run again.")
        return resolve_others(spec, *more)

    for place in (weights, resolving):  # the session asks at the door, `resolve_and_load` in its own module
        monkeypatch.setattr(place, "resolve", resolve)

    with pytest.raises(WeightsUnreachable, match="ParseNet could not be downloaded"):
        Session(empty).tools(RestoreSettings(mask="parsing", aligned_input=True))
