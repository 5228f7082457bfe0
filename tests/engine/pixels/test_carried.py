"""Colours, captions, sizes and second pictures: kept where the result can hold them, else said."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from helpers.pixel_files import hostile
from helpers.pixel_files.format_rows import ICC
from helpers.pixel_files.raw_tiff import KINDS, tiff, with_tag
from helpers.support import smooth_noise
from lib_facerestore.engine import pixels
from lib_facerestore.engine.data import Metadata, Picture
from lib_facerestore.engine.pixels.carried import exif as carried_exif
from lib_facerestore.engine.pixels.carried import xmp as carried_xmp
from lib_facerestore.engine.pixels.decode import ReadLimits, decode
from lib_facerestore.engine.pixels.encode import losses
from lib_facerestore.engine.pixels.formats import iptc, jpeg

PIXELS = smooth_noise(42, 60)
CAPTION = b"\x1c\x02\x00\x00\x02\x00\x04\x1c\x02\x78\x00\x0bA red boat."
GREY_ICC = ICC[:16] + b"GRAY" + ICC[20:]
SRGB_PRIMARIES = struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
COLOUR_CHUNKS = (
    ("cICP", bytes((9, 16, 0, 1))),
    ("mDCV", bytes(range(24))),
    ("cLLI", struct.pack(">II", 10_000_000, 4_000_000)),
    ("gAMA", struct.pack(">I", 100_000)),
    ("cHRM", struct.pack(">8I", 31270, 32900, 70800, 29200, 17000, 79700, 13100, 4600)),
)


def again(picture: Picture, suffix: str) -> Picture:
    return decode(pixels.encode(picture, Path("a" + suffix), pixels.WriteOptions()), "a" + suffix, ReadLimits())


def with_metadata(dtype: type = np.uint8, **blocks: Any) -> Picture:
    colour = PIXELS if dtype == np.uint8 else PIXELS.astype(np.uint16) * 257
    return Picture(colour, metadata=Metadata(**blocks))


def saved_jpeg(**options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, "JPEG", **options)
    return buffer.getvalue()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_what_a_png_says_of_its_colours_stays_in_a_png(dtype):
    picture = with_metadata(dtype, colour_chunks=COLOUR_CHUNKS)

    data = pixels.encode(picture, Path("a.png"), pixels.WriteOptions())

    assert sorted(decode(data, "a.png", ReadLimits()).metadata.colour_chunks) == sorted(COLOUR_CHUNKS)
    assert all(data.index(name.encode()) < data.index(b"IDAT") for name, _ in COLOUR_CHUNKS)
    assert losses(picture, Path("a.png")) == ()


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".tif", ".avif", ".bmp"])
def test_other_formats_say_that_colours_will_look_different(suffix):
    said = " ".join(losses(with_metadata(colour_chunks=COLOUR_CHUNKS), Path("a" + suffix)))

    assert "its colours" in said


@pytest.mark.parametrize(
    "chunks",
    [
        (("sRGB", b"\x00"), ("gAMA", struct.pack(">I", 45455))),
        (("gAMA", struct.pack(">I", 45455)), ("cHRM", SRGB_PRIMARIES)),
        (("cICP", bytes((1, 13, 0, 1))),),
    ],
)
def test_a_png_that_says_it_is_srgb_loses_nothing(chunks):
    assert losses(with_metadata(colour_chunks=chunks), Path("a.jpg")) == ()
    assert (
        losses(with_metadata(colour_chunks=COLOUR_CHUNKS[3:], icc=ICC), Path("a.jpg")) == ()
    )  # the profile stands above


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_captions_come_along(suffix, dtype):
    kept = again(with_metadata(dtype, iptc=CAPTION), suffix)

    assert kept.metadata.iptc == CAPTION


def test_captions_written_by_pillow_into_a_jpeg_are_seen_by_pillow_in_the_result():
    source = jpeg.with_segment(saved_jpeg(), iptc.jpeg_segment(CAPTION))

    result = pixels.encode(decode(source, "a.jpg", ReadLimits()), Path("a.jpg"), pixels.WriteOptions())

    with Image.open(io.BytesIO(result)) as image:
        assert image.info["photoshop"][0x0404] == CAPTION


@pytest.mark.parametrize("suffix", [".webp", ".avif", ".bmp"])
def test_formats_without_captions_say_so(suffix):
    assert "IPTC" in " ".join(losses(with_metadata(iptc=CAPTION), Path("a" + suffix)))


def test_captions_too_long_for_a_jpeg_are_said_and_kept_elsewhere():
    picture = with_metadata(iptc=b"\x1c" + bytes(70_000))

    assert again(picture, ".jpg").metadata.iptc == b""
    assert "JPEG does not hold its IPTC captions" in " ".join(losses(picture, Path("a.jpg")))
    assert again(picture, ".png").metadata.iptc == picture.metadata.iptc


def exif_block(order: str, width_type: int = 4, has_thumbnail: bool = True, is_last: bool = True) -> bytes:
    """EXIF with a size in its directory and a thumbnail in its second one, which stands last or in the middle."""
    thumbnail = b"\xff\xd8old picture\xff\xd9"
    size = struct.pack(order + "I", 60) if width_type == 4 else struct.pack(order + "HH", 60, 0)
    first, below, second = 8, 38, 68
    after = second + 30
    start = after if is_last else after + 6
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, first)
    one = struct.pack(order + "HHHIIHHIHH", 2, 0x8769, 4, 1, below, 0x0112, 3, 1, 1, 0)
    one += struct.pack(order + "I", second if has_thumbnail else 0)
    two = struct.pack(order + "H", 2)
    two += struct.pack(order + "HHI", 0xA002, width_type, 1) + size
    two += struct.pack(order + "HHII", 0xA003, 4, 1, 42) + bytes(4)
    three = struct.pack(order + "HHHIIHHII", 2, 0x0201, 4, 1, start, 0x0202, 4, 1, len(thumbnail)) + bytes(4)
    tail = thumbnail if is_last else b"middle" + thumbnail + b"more behind it"
    return head + one + two + three + tail


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("width_type", [3, 4])
@pytest.mark.parametrize("is_last", [True, False])
def test_exif_states_the_new_size_and_shows_no_old_thumbnail(order, width_type, is_last):
    source = exif_block(order, width_type, is_last=is_last)
    larger = Picture(np.zeros((84, 120, 3), np.uint8), metadata=Metadata(exif=source))

    block = again(larger, ".jpg").metadata.exif

    found = Image.Exif()
    found.load(b"Exif\0\0" + block)
    below = found.get_ifd(0x8769)
    assert (below[0xA002], below[0xA003]) == (120, 84)
    assert found.get_ifd(1) == {}
    assert b"old picture" not in block
    assert is_last or b"more behind it" in block


def test_a_width_beyond_sixteen_bits_becomes_a_long():
    block = carried_exif.for_result(exif_block(">", 3), (42, 70_000))

    found = Image.Exif()
    found.load(b"Exif\0\0" + block)
    assert found.get_ifd(0x8769)[0xA002] == 70_000


@pytest.mark.parametrize("cut", range(8, 120, 3))
def test_damaged_exif_is_left_as_it_is_or_mended_and_never_an_error(cut):
    block = exif_block("<")[:cut]

    assert len(carried_exif.for_result(block, (1, 2))) <= len(block)


XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/"'
    ' xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/"'
    ' xmlns:Container="http://ns.google.com/photos/1.0/container/"'
    ' xmlns:Item="http://ns.google.com/photos/1.0/container/item/"'
    ' tiff:ImageWidth="60" exif:PixelXDimension="60" xmp:Rating="5" hdrgm:Version="1.0">'
    "<exif:PixelYDimension>42</exif:PixelYDimension><xmp:Thumbnails><rdf:Alt/></xmp:Thumbnails>"
    '<Container:Directory><rdf:Seq><rdf:li><Container:Item Item:Semantic="GainMap"/></rdf:li></rdf:Seq>'
    "</Container:Directory><xmp:Label>größer</xmp:Label></rdf:Description></rdf:RDF></x:xmpmeta>"
)
PACKET = f'<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n{XMP}\n<?xpacket end="w"?>'.encode()


@pytest.mark.parametrize("packet", [XMP.encode(), PACKET])
def test_xmp_follows_the_result_and_announces_no_picture_that_is_gone(packet):
    after = carried_xmp.for_result(packet, (84, 120)).decode()

    assert 'tiff:ImageWidth="120"' in after
    assert 'exif:PixelXDimension="120"' in after
    assert "<exif:PixelYDimension>84</exif:PixelYDimension>" in after
    assert 'xmp:Rating="5"' in after
    assert "größer" in after
    assert not any(word in after for word in ("Thumbnails", "hdrgm", "hdr-gain-map", "Container", "GainMap"))
    assert carried_xmp.for_result(after.encode(), (84, 120)).decode() == after


def test_xmp_of_other_things_is_kept_byte_for_byte_and_what_cannot_be_edited_is_said():
    plain, broken = b"<x:xmpmeta><a  b = 'c'/></x:xmpmeta>", XMP.encode()[:-20]
    bomb = b'<!DOCTYPE a [<!ENTITY b "cc">]>' + XMP.encode()

    assert carried_xmp.for_result(plain, (1, 2)) == plain
    for packet in (broken, bomb):
        picture = with_metadata(xmp=packet)
        assert again(picture, ".png").metadata.xmp == b""
        assert "cannot be edited" in " ".join(losses(picture, Path("a.png")))


def test_a_gain_map_is_said_and_announced_no_more():
    gain_map = saved_jpeg(quality=50)
    data = saved_jpeg(xmp=XMP.encode()) + gain_map

    picture = decode(data, "a.jpg", ReadLimits())

    assert picture.notes == ("Its gain map, which makes bright parts brighter on HDR screens, was left out.",)
    result = again(picture, ".jpg")
    assert result.notes == ()
    assert b"GainMap" not in result.metadata.xmp


def test_a_gain_map_in_a_block_of_its_own_is_said():
    block = b"urn:iso:std:iso:ts:21496:-1\0" + bytes(4)
    segment = b"\xff\xe2" + struct.pack(">H", len(block) + 2) + block

    assert "gain map" in decode(jpeg.with_segment(saved_jpeg(), segment), "a.jpg", ReadLimits()).notes[0]


def test_a_motion_photo_and_bytes_behind_the_picture_are_said():
    motion = XMP.replace('xmp:Rating="5"', 'xmlns:c="http://ns.google.com/photos/1.0/camera/" c:MotionPhoto="1"')
    motion = motion.replace('hdrgm:Version="1.0"', "").replace("GainMap", "MotionPhoto")

    video = decode(saved_jpeg(xmp=motion.encode()) + bytes(range(1, 256)) * 40, "a.jpg", ReadLimits())
    stray = decode(saved_jpeg() + b"\x01" * 20_000 + bytes(500), "a.jpg", ReadLimits())

    assert video.notes == ("The video that belongs to it, a motion photo's, was left out.",)
    assert stray.notes == ("0.02 MB behind the picture's end, which no standard describes, were left out.",)
    assert decode(saved_jpeg(progressive=True), "a.jpg", ReadLimits()).notes == ()


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_a_grey_profile_stays_with_grey_pixels_and_never_lands_on_rgb(suffix):
    grey = Picture(np.repeat(PIXELS[..., :1], 3, 2), is_grey=True, metadata=Metadata(icc=GREY_ICC))
    coloured = replace(grey, pixels=PIXELS, is_grey=False)

    assert suffix == ".webp" or again(grey, suffix).metadata.icc == GREY_ICC
    assert again(coloured, suffix).metadata.icc == b""
    assert losses(coloured, Path("a" + suffix)) == (
        "Its colour profile is one of grey, not of these pixels; it was left out.",
    )


@pytest.mark.parametrize("depth", [8, 16])
def test_inks_of_either_depth_go_through_their_profile(depth):
    profile = hostile.profile_that_prints_cyan_as_red()
    inks = np.zeros((5, 7, 4), np.uint8)
    inks[:, 3:, 0] = 255
    kind = next(kind for kind in KINDS if kind.name == "CMYK")
    values = inks.astype(np.uint16) * (257 if depth == 16 else 1)
    data = with_profile(tiff(values, kind, depth), profile)

    picture = decode(data, "a.tif", ReadLimits())

    assert picture.pixels.dtype == (np.uint16 if depth == 16 else np.uint8)
    shown = picture.pixels / np.iinfo(picture.pixels.dtype).max
    assert shown[2, 1].min() > 0.95
    assert (shown[2, 5, 0] > 0.75, shown[2, 5, 1] < 0.25, shown[2, 5, 2] < 0.25) == (True, True, True)
    assert picture.metadata.icc == b""
    assert picture.notes[0] == "CMYK was converted to RGB through its ICC profile."


def with_profile(data: bytes, profile: bytes) -> bytes:
    """The little-endian TIFF with that profile in tag 34675."""
    padded = data + bytes(len(data) % 2)
    tagged = bytearray(with_tag(padded + profile, 34675, len(padded)))
    place = tagged.rindex(struct.pack("<HHI", 34675, 4, 1))
    struct.pack_into("<HHI", tagged, place, 34675, 7, len(profile))
    return bytes(tagged)


@pytest.mark.parametrize("is_grey", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_without_transparency_the_picture_lies_on_white_and_shows_nothing_hidden(dtype, is_grey):
    largest = np.iinfo(dtype).max
    hidden = np.full((40, 56, 3), 0 if is_grey else (largest, 0, 0), dtype)
    alpha = np.zeros((40, 56), dtype)
    alpha[:, 28:] = largest
    picture = Picture(hidden, alpha, is_grey)

    shown = again(picture, ".jpg").pixels.astype(int)

    assert shown[:, :16].min() >= 250
    assert np.abs(shown[:, 44:] - hidden[:, 44:] / (largest / 255)).max() <= 6
    assert "laid on white" in " ".join(losses(picture, Path("a.jpg")))


@pytest.mark.parametrize("suffix", [".jpg", ".JPG", ".jpe", ".jfif", ".JFIF", ".jif", ".tif", ".TIFF", ".Tif", ".tiff"])
def test_a_suffix_that_can_be_written_stays(suffix):
    source = Path("a" + suffix)

    assert pixels.output_suffix(source, pixels.WriteOptions()) == suffix
    with Image.open(io.BytesIO(pixels.encode(with_metadata(), source, pixels.WriteOptions()))) as image:
        assert image.format == ("JPEG" if "j" in suffix.lower() else "TIFF")


def test_a_damaged_packed_caption_is_no_caption():
    text = b"Raw profile type iptc\0\0" + zlib.compress(b"\niptc\n 8\nzz not hex\n")

    data = hostile.png(3, 2, extra=hostile.chunk(b"zTXt", text))

    assert decode(data, "a.png", ReadLimits()).metadata.iptc == b""


def test_the_profile_of_the_test_is_one():
    assert ImageCms.ImageCmsProfile(io.BytesIO(ICC)).profile.xcolor_space == "RGB "
