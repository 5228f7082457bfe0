"""16 bits per channel stay 16 bits, whoever wrote the file; orientation and EXIF of all depths come back right."""

from __future__ import annotations

import io
import re
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngImageFile

from helpers.pixel_files.format_rows import EXIF, ICC, XMP, noise
from lib_facerestore.engine import pixels
from lib_facerestore.engine.data import Metadata, Picture
from lib_facerestore.engine.pixels.carried.metadata import with_upright_orientation
from lib_facerestore.engine.pixels.decode import ReadLimits, decode
from lib_facerestore.engine.tone import tone_of

COLOUR = noise(3, np.uint16)
MAKER_NOTE = bytes(range(256)) * 3


def orientation_exif(value: int, maker_note: bytes = b"") -> bytes:
    """Big-endian EXIF with that orientation and, if given, a MakerNote in a directory of its own."""
    entries = [struct.pack(">HHIHH", 0x0112, 3, 1, value, 0)]
    if maker_note:
        entries.append(struct.pack(">HHII", 0x8769, 4, 1, 38))
    first = struct.pack(">H", len(entries)) + b"".join(entries) + bytes(4)
    if not maker_note:
        return b"MM\x00*\x00\x00\x00\x08" + first
    second = struct.pack(">HHHII", 1, 0x927C, 7, len(maker_note), 56) + bytes(4)
    return b"MM\x00*\x00\x00\x00\x08" + first + second + maker_note


def foreign(suffix: str, array: np.ndarray, *options: int) -> bytes:
    """A file of OpenCV's encoder; RGB or RGBA in, as everywhere in the tests."""
    if array.ndim == 3:
        array = cv2.cvtColor(array, cv2.COLOR_RGBA2BGRA if array.shape[2] == 4 else cv2.COLOR_RGB2BGR)
    return cv2.imencode(suffix, array, options)[1].tobytes()


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_file_of_a_foreign_encoder_is_read_exactly(suffix, channels):
    values = noise(channels, np.uint16)

    picture = decode(foreign(suffix, values[..., 0] if channels == 1 else values), "a", ReadLimits())

    assert picture.pixels.dtype == np.uint16
    assert picture.is_grey == (channels == 1)
    assert np.array_equal(picture.pixels, np.repeat(values, 3, 2) if channels == 1 else values[..., :3])
    assert (picture.alpha is None) == (channels != 4)
    assert channels != 4 or np.array_equal(picture.alpha, values[..., 3])


@pytest.mark.parametrize("compression", [1, 5, 8, 32946])  # none, LZW, two of deflate
def test_every_compression_of_a_foreign_tiff_is_read(compression):
    data = foreign(".tif", COLOUR, cv2.IMWRITE_TIFF_COMPRESSION, compression)

    assert np.array_equal(decode(data, "a", ReadLimits()).pixels, COLOUR)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("is_grey", [False, True])
def test_our_files_are_read_by_opencv_and_their_metadata_by_pillow(suffix, is_grey):
    colour = np.repeat(COLOUR[..., :1], 3, axis=2) if is_grey else COLOUR
    exif = with_upright_orientation(EXIF)
    metadata = Metadata("PNG", exif, ICC, XMP, (("title", "Größe"),), dots_per_inch=(300.0, 300.0))

    data = pixels.encode(Picture(colour, None, is_grey, metadata), Path("a" + suffix), pixels.WriteOptions())

    array = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
    assert np.array_equal(array if is_grey else array[..., ::-1], colour[..., 0] if is_grey else colour)
    with Image.open(io.BytesIO(data)) as image:
        assert image.getexif()[0x010F] == "Us."
        assert image.info["icc_profile"] == ICC
        assert image.info["xmp"] == XMP
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.01)  # PNG counts whole dots per metre
        assert not isinstance(image, PngImageFile) or image.text["title"] == "Größe"
        assert isinstance(image, PngImageFile) == (suffix == ".png")


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_dark_picture_keeps_its_depth(suffix):
    dark = (COLOUR % 201).astype(np.uint16)

    picture = decode(foreign(suffix, dark), "a", ReadLimits())

    assert picture.pixels.dtype == np.uint16
    assert picture.pixels.max() == 200
    assert np.array_equal(picture.pixels, dark)


def test_a_transparent_colour_of_a_sixteen_bit_png_becomes_alpha():
    data = foreign(".png", COLOUR)
    key = b"tRNS" + COLOUR[0, 0].astype(">u2").tobytes()
    chunk = struct.pack(">I", 6) + key + struct.pack(">I", zlib.crc32(key))

    picture = decode(data[:33] + chunk + data[33:], "a", ReadLimits())

    assert picture.alpha[0, 0] == 0
    assert (picture.alpha == 0).sum() == 1
    assert np.array_equal(picture.pixels, COLOUR)


def test_sixteen_bit_sepia_has_a_tone_and_colour_has_none():
    brightness = np.linspace(0, 1, 60 * 42, dtype=np.float32).reshape(42, 60, 1)
    sepia = np.rint(65535 * brightness ** np.array([0.8, 1.0, 1.3], np.float32)).astype(np.uint16)

    tone = tone_of(Picture(sepia), "auto")

    assert np.allclose(tone.apply((sepia / 65535).astype(np.float32)), sepia / 65535, atol=2 / 255)  # 256 brightnesses
    assert tone_of(Picture(COLOUR), "auto") is None


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["PNG", "TIFF", "JPEG", "WEBP"])
def test_eight_bit_orientation_is_pillows(file_format, orientation):
    buffer = io.BytesIO()
    Image.fromarray(noise(3)).save(buffer, file_format, exif=b"Exif\0\0" + orientation_exif(orientation))

    picture = decode(buffer.getvalue(), "a", ReadLimits())

    with Image.open(buffer) as image:
        assert np.array_equal(picture.pixels, np.asarray(ImageOps.exif_transpose(image).convert("RGB")))
    assert b"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x01" in picture.metadata.exif or file_format == "TIFF"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bit_orientation_is_pillows(suffix, orientation):
    upright = pixels.encode(Picture(COLOUR, metadata=Metadata(exif=EXIF)), Path("a" + suffix), pixels.WriteOptions())
    # Our encoder writes what it is given; here the one entry of orientation in the file is turned.
    order, place = (">", b"\x01\x12\x00\x03") if suffix == ".png" else ("<", b"\x12\x01\x03\x00")
    turned = bytearray(upright)
    struct.pack_into(order + "H", turned, turned.rindex(place) + 8, orientation)
    data = _with_checksum(turned) if suffix == ".png" else bytes(turned)

    picture = decode(data, "a", ReadLimits())

    eight = Image.fromarray((COLOUR >> 8).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    eight.info["exif"] = exif.tobytes()
    assert np.array_equal(picture.pixels >> 8, np.asarray(ImageOps.exif_transpose(eight)))


def _with_checksum(data: bytearray) -> bytes:
    start = data.index(b"eXIf")
    (length,) = struct.unpack_from(">I", data, start - 4)
    struct.pack_into(">I", data, start + 4 + length, zlib.crc32(data[start : start + 4 + length]))
    return bytes(data)


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP"])
def test_a_maker_note_survives_byte_for_byte(file_format):
    block = orientation_exif(6, MAKER_NOTE)
    buffer = io.BytesIO()
    Image.fromarray(noise(3)).save(buffer, file_format, exif=b"Exif\0\0" + block)
    picture = decode(buffer.getvalue(), "a", ReadLimits())

    again = decode(pixels.encode(picture, Path("a." + file_format), pixels.WriteOptions()), "a", ReadLimits())

    assert again.metadata.exif == picture.metadata.exif == orientation_exif(1, MAKER_NOTE)


@pytest.mark.parametrize("text", [b'tiff:Orientation="6"', b"<tiff:Orientation>6</tiff:Orientation>"])
def test_the_orientation_in_xmp_is_reset_and_nothing_else(text):
    xmp = b'<x:xmpmeta exif:Flash="6">' + text + b"</x:xmpmeta>"
    buffer = io.BytesIO()
    Image.fromarray(noise(3)).save(buffer, "JPEG", xmp=xmp)

    picture = decode(buffer.getvalue(), "a", ReadLimits())

    assert picture.metadata.xmp == re.sub(rb"(Orientation\W+)6", rb"\g<1>1", xmp)
