"""Writing: whole files or none, the old one kept, every name; JPEG quality, chroma and names as promised."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from helpers.support import smooth_noise
from lib_facerestore.engine import pixels
from lib_facerestore.engine.data import Metadata, Picture
from lib_facerestore.engine.pixels.decode import ReadLimits, decode
from lib_facerestore.engine.pixels.encode import losses
from lib_facerestore.errors import PictureError, SettingsError

WRITER = Path(__file__).resolve().parents[2] / "helpers" / "pixel_files" / "write_in_child.py"
NAMES = ["äöü ß.png", "東京 写真.png", "👩‍👧 family.png", "-o.png", "two\nlines.png", "'\"$HOME`*.png", ".png.png"]
NAMES += ["a" * 251 + ".png", os.fsdecode(b"latin-\xe9.png")]
SMALL = Picture(smooth_noise(42, 60))


def start_writer(grey: int, overwrite: bool, paths: list[Path], go: Path, most_bytes: int = 0) -> subprocess.Popen:
    command = [sys.executable, WRITER, str(grey), str(int(overwrite)), str(most_bytes), go, *paths]
    return subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[bool]:
    """A tmpfs with these options at the folder; False where this user may not mount."""
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True)
    try:
        yield done.returncode == 0
    finally:
        if done.returncode == 0:
            subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_keeps_the_old_file_and_leaves_no_other(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    with mounted(disk, "size=1m") as is_mounted:
        old = disk / "a.png"
        old.write_bytes(b"precious")
        child = start_writer(1, True, [old, disk / "b.png"], tmp_path, 0 if is_mounted else 1_000_000)
        said = child.communicate(timeout=120)[0].splitlines()

        reason = "No space left on device" if is_mounted else "File too large"
        assert said == [f"{disk / name} cannot be written: {reason}." for name in ("a.png", "b.png")]
        assert [path.name for path in disk.iterdir()] == ["a.png"]
        assert old.read_bytes() == b"precious"


def test_a_read_only_folder_is_named(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o555)
    with mounted(folder, "size=1m,ro") as is_mounted:
        # A superuser who may not mount still cannot create files in /proc.
        place = folder if is_mounted or os.geteuid() else Path("/proc")

        with pytest.raises(PictureError, match=r"a\.png cannot be written: .+\."):
            pixels.write(SMALL, place / "a.png")

        assert not list(folder.iterdir())


def test_a_file_removed_while_it_is_read_is_said(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(b"soon gone")
    read_bytes = Path.read_bytes

    def removed_just_now(self: Path) -> bytes:
        self.unlink()
        return read_bytes(self)

    monkeypatch.setattr(Path, "read_bytes", removed_just_now)

    with pytest.raises(PictureError, match=r"a\.png does not exist\."):
        pixels.read(path)


@pytest.mark.parametrize("overwrite", [False, True])
def test_of_two_processes_that_write_the_same_files_none_loses_anything(overwrite, tmp_path):
    go = tmp_path / "go"
    out = tmp_path / "out"
    out.mkdir()
    paths = [out / f"{i}.bmp" for i in range(30)]
    children = [start_writer(grey, overwrite, paths, go) for grey in (50, 200)]

    go.touch()
    first, second = (child.communicate(timeout=120)[0].splitlines() for child in children)

    for path, one, other in zip(paths, first, second, strict=True):
        winner = np.asarray(Image.open(path))  # whole, or Pillow raises
        assert set(np.unique(winner[..., 0])) in ({50}, {200})
        if overwrite:
            assert (one, other) == ("written", "written")
        else:
            said = {
                "written": winner[0, 0, 0] == 50,
                f"{path} is there already; choose another folder or --overwrite.": 0,
            }
            assert sorted((one, other)) == sorted(said)
            assert (one == "written") == (winner[0, 0, 0] == 50)
    assert sorted(out.iterdir()) == sorted(paths)


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_every_name_that_a_file_can_have_is_written_and_read(name, tmp_path):
    pixels.write(SMALL, tmp_path / name)

    assert np.array_equal(pixels.read(tmp_path / name).pixels, SMALL.pixels)
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("name", ["a" * 252 + ".png", "zero\0byte.png", "no/folder.png"])
def test_a_name_that_no_file_can_have_is_said(name, tmp_path):
    for overwrite in (False, True):
        with pytest.raises(PictureError, match=r"cannot be written: .+\."):
            pixels.write(SMALL, tmp_path / name, overwrite)
    with pytest.raises(PictureError, match=r"cannot be read: .+\.|does not exist\."):
        pixels.read(tmp_path / name)


def jpeg(quality: int, chroma: str = "4:2:0") -> Picture:
    """A smooth picture that has been a JPEG."""
    buffer = io.BytesIO()
    Image.fromarray(smooth_noise(384, 512)).save(buffer, "JPEG", quality=quality, subsampling=chroma)
    return decode(buffer.getvalue(), "a.jpg", ReadLimits())


def saved_again(picture: Picture, **options: Any) -> Picture:
    return decode(pixels.encode(picture, Path("a.jpg"), pixels.WriteOptions(**options)), "a.jpg", ReadLimits())


@pytest.mark.parametrize("quality", [30, 75, 95, 100])
@pytest.mark.parametrize("chroma", ["4:4:4", "4:2:2", "4:2:0"])
def test_a_second_save_is_at_least_as_fine_and_keeps_the_chroma(quality, chroma):
    before = jpeg(quality, chroma)

    after = saved_again(before)

    for coarse, fine in zip(before.metadata.jpeg_tables, after.metadata.jpeg_tables, strict=True):
        assert all(b <= a for a, b in zip(coarse, fine))
    assert before.metadata.jpeg_sampling == after.metadata.jpeg_sampling == chroma


@pytest.mark.parametrize("quality", [75, 90, 95])
def test_at_equal_quality_the_error_is_that_of_encoding_again(quality):
    before = jpeg(quality)
    buffer = io.BytesIO()
    Image.fromarray(before.pixels).save(buffer, "JPEG", quality=quality, subsampling="4:2:0")
    pillows = np.abs(np.asarray(Image.open(buffer)).astype(int) - before.pixels)

    ours = np.abs(saved_again(before, quality=quality).pixels.astype(int) - before.pixels)

    assert ours.mean() <= pillows.mean()
    assert ours.max() <= pillows.max()


def test_quality_and_chroma_are_obeyed():
    fine = jpeg(95)

    coarse = saved_again(fine, quality=40, chroma="4:4:4")

    assert coarse.metadata.jpeg_tables == jpeg(40).metadata.jpeg_tables
    assert coarse.metadata.jpeg_sampling == "4:4:4"


@pytest.mark.parametrize("name", ["../{name}", "a/{name}", "..", "{name}\0", "a\\{name}", "", "C:{name}"])
def test_a_name_template_that_leaves_the_folder_is_refused(name):
    with pytest.raises(SettingsError, match="a file name with"):
        pixels.WriteOptions(name=name)


def test_what_jpeg_cannot_hold_is_left_out_and_said():
    exif = b"MM\0*\0\0\0\x08" + bytes(6) + bytes(70_000)
    picture = Picture(SMALL.pixels, metadata=Metadata("PNG", exif, xmp=b"x" * 70_000))

    data = pixels.encode(picture, Path("a.jpg"), pixels.WriteOptions())

    assert np.abs(decode(data, "a.jpg", ReadLimits()).pixels.astype(int) - SMALL.pixels).mean() < 2
    assert losses(picture, Path("a.jpg")) == (
        "JPEG holds 64 KB of EXIF; the picture's 68 KB were left out.",
        "JPEG holds 64 KB of XMP; the picture's 68 KB were left out.",
    )
    assert losses(picture, Path("a.png")) == ()
