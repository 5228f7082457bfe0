"""Every format × mode × depth through read, a painted face, write and read again; the table in docs/formats.md.

Run `python tests/pixels/test_format_table.py` to write the table anew.
"""

from __future__ import annotations

import dataclasses
import io
import struct
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from depth_table import lines as depth_lines
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from lib_facerestore.engine import pixels
from lib_facerestore.engine.data import Picture

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "formats.md"
HEIGHT, WIDTH = 42, 60
FACE = (slice(10, 30), slice(20, 40))
EXIF = (
    b"MM\x00*\x00\x00\x00\x08\x00\x02"
    + struct.pack(">HHII", 0x010F, 2, 4, int.from_bytes(b"Us.\0", "big"))
    + struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0)
    + b"\x00\x00\x00\x00"
)
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6">\xc3\xa9</rdf:Description></x:xmpmeta>'
)
ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
TEXT = (("parameters", "a face, Steps: 20"), ("title", "Größe → 東京"))


def noise(channels: int, dtype: type = np.uint8) -> np.ndarray:
    """Pixels that no two formats would confuse: every channel differs and every bit is used."""
    high = np.iinfo(dtype).max
    return np.random.default_rng(7).integers(0, high, (HEIGHT, WIDTH, channels), dtype, endpoint=True)


def pillow(mode: str, file_format: str, **options: object) -> bytes:
    """A file that Pillow writes, with all the metadata that its format takes."""
    image = Image.fromarray(noise(len(mode)) if mode in ("RGB", "RGBA", "LA") else noise(1)[..., 0])
    if mode in ("1", "P", "CMYK"):
        image = Image.fromarray(noise(3)).quantize(64) if mode == "P" else Image.fromarray(noise(3)).convert(mode)
    extra: dict = {}
    if file_format in ("PNG", "JPEG", "WEBP", "TIFF", "AVIF"):
        extra = {"exif": b"Exif\0\0" + EXIF, "icc_profile": ICC}
    if file_format in ("JPEG", "WEBP", "AVIF"):
        extra["xmp"] = XMP
    if file_format == "PNG":
        extra["pnginfo"] = info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", XMP.decode())
        for key, value in TEXT:
            info.add_text(key, value)
    if mode == "CMYK":
        extra.pop("icc_profile")
    buffer = io.BytesIO()
    image.save(buffer, file_format, **(extra | options))
    return buffer.getvalue()


def sixteen(channels: int, suffix: str) -> bytes:
    """A 16-bit file of our own encoder; test_sixteen_bit.py holds it against files of other encoders."""
    values = noise(channels, np.uint16)
    colour = np.repeat(values[..., :1], 3, 2) if channels < 3 else values[..., :3]
    alpha = values[..., -1] if channels in (2, 4) else None
    metadata = dataclasses.replace(Picture(colour[:1]).metadata, exif=EXIF, icc=ICC, xmp=XMP, text=TEXT)
    picture = Picture(colour, alpha, channels < 3, metadata)
    return pixels.encode(picture, Path("x" + suffix), pixels.WriteOptions())


ROWS: list[tuple[str, str, Callable[[], bytes]]] = [
    ("PNG grey 8", ".png", lambda: pillow("L", "PNG")),
    ("PNG grey+alpha 8", ".png", lambda: pillow("LA", "PNG")),
    ("PNG RGB 8", ".png", lambda: pillow("RGB", "PNG")),
    ("PNG RGBA 8", ".png", lambda: pillow("RGBA", "PNG")),
    ("PNG 1-bit", ".png", lambda: pillow("1", "PNG")),
    ("PNG palette", ".png", lambda: pillow("P", "PNG")),
    ("PNG palette, transparent", ".png", lambda: pillow("P", "PNG", transparency=3)),
    ("PNG grey 16", ".png", lambda: sixteen(1, ".png")),
    ("PNG RGB 16", ".png", lambda: sixteen(3, ".png")),
    ("PNG RGBA 16", ".png", lambda: sixteen(4, ".png")),
    ("TIFF grey 8", ".tif", lambda: pillow("L", "TIFF")),
    ("TIFF RGB 8", ".tif", lambda: pillow("RGB", "TIFF")),
    ("TIFF RGBA 8", ".tif", lambda: pillow("RGBA", "TIFF")),
    ("TIFF CMYK 8", ".tif", lambda: pillow("CMYK", "TIFF")),
    ("TIFF grey 16", ".tif", lambda: sixteen(1, ".tif")),
    ("TIFF RGB 16", ".tif", lambda: sixteen(3, ".tif")),
    ("TIFF RGBA 16", ".tif", lambda: sixteen(4, ".tif")),
    ("JPEG grey", ".jpg", lambda: pillow("L", "JPEG", quality=90)),
    ("JPEG RGB 4:4:4", ".jpg", lambda: pillow("RGB", "JPEG", quality=98, subsampling=0)),
    ("JPEG RGB 4:2:0", ".jpg", lambda: pillow("RGB", "JPEG", quality=75, subsampling=2)),
    ("JPEG CMYK", ".jpg", lambda: pillow("CMYK", "JPEG", quality=90)),
    ("WebP RGB lossless", ".webp", lambda: pillow("RGB", "WEBP", lossless=True)),
    ("WebP RGBA lossless", ".webp", lambda: pillow("RGBA", "WEBP", lossless=True, exact=True)),
    ("WebP RGB lossy", ".webp", lambda: pillow("RGB", "WEBP", quality=80)),
    ("AVIF RGB", ".avif", lambda: pillow("RGB", "AVIF", quality=90)),
    ("BMP RGB", ".bmp", lambda: pillow("RGB", "BMP")),
    ("GIF palette", ".gif", lambda: pillow("P", "GIF")),
]
LOSSY = ("JPEG", "WebP RGB lossy", "AVIF")


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    read_as: str
    written_as: str
    outside: str
    alpha: str
    carried: str
    notes: str


def row(name: str, suffix: str, data: bytes, folder: Path) -> Row:
    """One line of the table, measured."""
    source = folder / f"source{suffix}"
    source.write_bytes(data)
    before = pixels.read(source)
    canvas = before.pixels.copy()
    canvas[FACE] = np.iinfo(canvas.dtype).max // 2
    target = folder / f"result{pixels.output_suffix(source, pixels.WriteOptions())}"
    pixels.write(dataclasses.replace(before, pixels=canvas), target, overwrite=True)
    after = pixels.read(target)
    outside = np.ones(before.size_hw, bool)
    outside[FACE] = False
    error = np.abs(after.pixels.astype(int) - before.pixels)[outside]
    same_alpha = "–" if before.alpha is None else _yes(np.array_equal(before.alpha, after.alpha))
    carried = [
        label
        for label, kept in (
            ("EXIF", b"Us." in before.metadata.exif and b"Us." in after.metadata.exif),
            ("ICC", before.metadata.icc and before.metadata.icc == after.metadata.icc),
            ("XMP", before.metadata.xmp and before.metadata.xmp == after.metadata.xmp),
            ("text", before.metadata.text and before.metadata.text == after.metadata.text),
        )
        if kept
    ]
    return Row(
        name,
        _shape(before),
        f"{after.metadata.format} {_shape(after)}",
        "identical" if error.max() == 0 else f"mean {error.mean():.1f} levels",
        same_alpha,
        ", ".join(carried) or "–",
        " ".join(before.notes) or "–",
    )


def _shape(picture: Picture) -> str:
    channels = ("grey" if picture.is_grey else "RGB") + ("+alpha" if picture.alpha is not None else "")
    return f"{channels} {8 * picture.pixels.dtype.itemsize}"


def _yes(value: bool) -> str:
    return "identical" if value else "CHANGED"


def table(folder: Path) -> str:
    """The whole document."""
    head = [field.name.replace("_", " ") for field in dataclasses.fields(Row)]
    lines = [
        "# What goes in and what comes out",
        "",
        "Written by `python tests/pixels/test_format_table.py`; the test of that name fails when this page is out of "
        "date.",
        "Every source carries what its format can of EXIF (orientation 6), ICC, XMP and text. A rectangle is painted "
        "over",
        "in place of a face; *outside* compares all other decoded pixels of the result with those of the source, at "
        "the",
        "default quality. HEIC is read where the installed Pillow has a plugin for it.",
        "",
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
    ]
    for name, suffix, make in ROWS:
        values = dataclasses.astuple(row(name, suffix, make(), folder))
        lines.append("| " + " | ".join(values) + " |")
    return "\n".join([*lines, "", *depth_lines(folder)]) + "\n"


@pytest.mark.parametrize(("name", "suffix", "make"), ROWS, ids=[name for name, _, _ in ROWS])
def test_a_format_comes_back_as_it_came(name, suffix, make, tmp_path):
    found = row(name, suffix, make(), tmp_path)

    assert found.outside == "identical" or name.startswith(LOSSY)
    assert found.alpha in ("–", "identical")
    assert found.read_as == found.written_as.split(" ", 1)[1]


@pytest.mark.parametrize("name", ["PNG RGB 8", "PNG RGBA 16", "TIFF RGB 16", "JPEG RGB 4:4:4", "WebP RGB lossless"])
def test_metadata_is_carried_and_orientation_applied(name, tmp_path):
    suffix, make = next((suffix, make) for row_name, suffix, make in ROWS if row_name == name)
    source, target = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    source.write_bytes(make())

    pixels.write(pixels.read(source), target)

    again = pixels.read(target)
    assert again.size_hw == (WIDTH, HEIGHT)
    assert b"Us." in again.metadata.exif
    assert again.metadata.icc == ICC
    assert cv2.imread(str(target), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION).shape[:2] == again.size_hw
    with Image.open(target) as image:
        assert image.getexif().get(0x0112, 1) == 1


def test_the_committed_table_is_what_is_measured(tmp_path):
    assert DOCUMENT.read_text(encoding="utf-8") == table(tmp_path)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        DOCUMENT.write_text(table(Path(name)), encoding="utf-8")
    sys.stdout.write(f"{DOCUMENT} written\n")
