"""Installed but not asked for, we leave no trace: files and API pictures are equal to those without us."""

import base64
import hashlib
import os
from typing import Any

import pytest

from helpers.running_host import REAL_FOLDER, STUBS, start_real, start_stub

STEALTH = "stealth_pnginfo_option"
JOBS: list[tuple[str, dict[str, Any]]] = [
    ("txt2img", {"batch_size": 2, "n_iter": 2, "save_images": True}),
    ("txt2img", {"save_images": False}),
]


def digests(host, portrait):
    """SHA-256 of all files that the jobs wrote, by name without running number, and of all pictures of the answers."""
    found = []
    # Forge hides the text in alpha packed by gzip, which writes the time of day into it.
    has_time = STEALTH in host.call("/sdapi/v1/options")
    for tab, fields in JOBS:
        before = host.files()
        body: dict[str, Any] = {
            "prompt": "a portrait", "seed": 11, "steps": 1, "cfg_scale": 1, "width": 192, "height": 160,
            "sampler_name": "Euler", "alwayson_scripts": {"Photograph": {"args": [str(portrait)]}}, **fields,
            "override_settings": {STEALTH: "None"} if has_time else {},
        }  # fmt: skip
        answer = host.call(f"/sdapi/v1/{tab}", body)
        found += [hashlib.sha256(base64.b64decode(picture)).hexdigest() for picture in answer["images"]]
        written = sorted(host.files() - before, key=lambda path: path.stem)
        found += [hashlib.sha256(path.read_bytes()).hexdigest() for path in written]
    return found


@pytest.mark.parametrize("kind", ["real"] if os.environ.get(REAL_FOLDER) else STUBS)
def test_switched_off_every_file_is_equal_to_one_made_without_us(kind, portrait, tmp_path):
    found = []
    for with_us in (False, True):
        folder = tmp_path / f"{with_us}"
        host = (
            start_real(os.environ[REAL_FOLDER], with_us=with_us)
            if kind == "real"
            else start_stub(kind, folder, with_us=with_us)
        )
        try:
            scripts = host.call("/sdapi/v1/scripts")["txt2img"]
            assert ("face restore" in scripts) == with_us
            found.append(digests(host, portrait))
        finally:
            host.stop()

    assert len(found[0]) == 5 + 5 + 1
    assert found[0] == found[1]
