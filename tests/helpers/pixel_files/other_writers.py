"""Programs that write pictures and are not what reads them here: libtiff's tools, OpenJPEG, libavif, netpbm."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

_PACKAGES = {
    "tiffcp": "libtiff-tools",
    "opj_compress": "libopenjp2-tools",
    "avifenc": "libavif-bin",
    "pamtopnm": "netpbm",
}


def run(program: str, *arguments: object, stdin: bytes | None = None) -> bytes:
    """What the program writes to its output. Fails the test where the program is missing or fails."""
    done = _run(program, arguments, stdin)
    assert done.returncode == 0, f"{program} {arguments}: {done.stderr.decode(errors='replace')}"
    return done.stdout


def _run(program: str, arguments: tuple[object, ...], stdin: bytes | None) -> subprocess.CompletedProcess[bytes]:
    if shutil.which(program) is None:
        package = _PACKAGES.get(program, "netpbm")
        pytest.fail(f"{program} is missing; install it with: apt-get install {package}", pytrace=False)
    return subprocess.run([program, *map(str, arguments)], input=stdin, capture_output=True, timeout=60, check=False)


def written(program: str, target: Path, *arguments: object) -> bytes:
    """The bytes of the file that the program writes to `target`, which its arguments name."""
    run(program, *arguments)
    return target.read_bytes()
