"""Folders of this user, from the environment."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lib_facerestore.runtime import default_data_folder


@pytest.fixture(autouse=True)
def home(monkeypatch) -> Path:
    """A user without settings, at home in /home/ada."""
    for name in ("FACERESTORE_HOME", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("USERPROFILE", "/home/ada")
    return Path("/home/ada")


@pytest.mark.parametrize(
    ("platform", "variable", "value", "folder"),
    [
        ("linux", "XDG_CACHE_HOME", None, "/home/ada/.cache/facerestore"),
        ("linux", "XDG_CACHE_HOME", "", "/home/ada/.cache/facerestore"),
        ("linux", "XDG_CACHE_HOME", "/fast", "/fast/facerestore"),
        ("linux", "XDG_CACHE_HOME", "~/fast", "/home/ada/fast/facerestore"),
        ("linux", "XDG_CACHE_HOME", "fast/cache", "/home/ada/.cache/facerestore"),
        ("linux", "FACERESTORE_HOME", "", "/home/ada/.cache/facerestore"),
        ("linux", "FACERESTORE_HOME", "~/weights", "/home/ada/weights"),
        ("linux", "FACERESTORE_HOME", "~", "/home/ada"),
        ("linux", "FACERESTORE_HOME", "here", "here"),
        ("darwin", "XDG_CACHE_HOME", "/fast", "/home/ada/Library/Caches/facerestore"),
        ("win32", "LOCALAPPDATA", "/local", "/local/facerestore"),
        ("win32", "LOCALAPPDATA", "", "/home/ada/facerestore"),
    ],
)
def test_weights_are_kept_where_the_environment_says(platform, variable, value, folder, monkeypatch):
    monkeypatch.setattr(sys, "platform", platform)
    if value is not None:
        monkeypatch.setenv(variable, value)

    assert default_data_folder() == Path(folder)


def test_a_user_without_a_home_gets_no_folder_named_tilde(monkeypatch):
    monkeypatch.setattr("os.path.expanduser", lambda path: path)

    assert default_data_folder().is_absolute()
