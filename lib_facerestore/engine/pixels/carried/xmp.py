"""XMP that still speaks of what the result has no more: sizes, thumbnails, gain maps, videos behind the picture.

Source: Adobe XMP specification part 2; Google's and Adobe's namespaces of gain maps, containers and motion photos.
"""

from __future__ import annotations

import re
from xml.dom import minidom
from xml.parsers.expat import ExpatError

_EXIF = "http://ns.adobe.com/exif/1.0/"
_TIFF = "http://ns.adobe.com/tiff/1.0/"
_XMP = "http://ns.adobe.com/xap/1.0/"
_NOTE = "http://ns.adobe.com/xmp/note/"
_GAIN_MAP = "http://ns.adobe.com/hdr-gain-map/1.0/"
_APPLE_GAIN_MAP = "http://ns.apple.com/HDRGainMap/1.0/"
_CONTAINER = "http://ns.google.com/photos/1.0/container/"
_ITEM = "http://ns.google.com/photos/1.0/container/item/"
_DECLARATION = "http://www.w3.org/2000/xmlns/"
_CAMERA = "http://ns.google.com/photos/1.0/camera/"
# Namespaces whose every entry speaks of a second picture or a video behind the first one.
_GONE = frozenset({_GAIN_MAP, _APPLE_GAIN_MAP, _CONTAINER, _ITEM})
_GONE_NAMES = frozenset({(_XMP, "Thumbnails"), (_NOTE, "HasExtendedXMP")})
_SIZES = {
    (_EXIF, "PixelXDimension"): 1,
    (_EXIF, "PixelYDimension"): 0,
    (_TIFF, "ImageWidth"): 1,
    (_TIFF, "ImageLength"): 0,
}
# What any of the above would be called by; a packet without these words is left alone, byte for byte.
_WORDS = (
    b"PixelXDimension", b"PixelYDimension", b"ImageWidth", b"ImageLength", b"Thumbnails", b"HasExtendedXMP",
    b"hdr-gain-map", b"HDRGainMap", b"photos/1.0/container", b"photos/1.0/camera",
)  # fmt: skip
_PACKET = re.compile(rb"(<\?xpacket begin.*?\?>\s*)?(.*?)(\s*<\?xpacket end.*?\?>)?\s*", re.DOTALL)


def announces_gain_map(xmp: bytes) -> bool:
    """Whether the packet says that a gain map belongs to the picture; a namespace alone says nothing."""
    is_version = re.search(rb"\b(hdrgm|HDRGainMap):\w*Version", xmp) is not None
    return is_version or (b"photos/1.0/container" in xmp and re.search(rb"Semantic\W+GainMap", xmp) is not None)


def announces_motion(xmp: bytes) -> bool:
    """Whether the packet says that a video stands behind the picture."""
    return b"photos/1.0/camera" in xmp and (b"MotionPhoto" in xmp or b"MicroVideo" in xmp)


def for_result(xmp: bytes, size_hw: tuple[int, int]) -> bytes:
    """The packet with the result's size, and without entries on pictures, thumbnails and videos that it has no more.

    b"" for a packet that holds such entries and cannot be parsed.
    """
    if not any(word in xmp for word in _WORDS):
        return xmp
    found = _PACKET.fullmatch(xmp.strip(b"\x00"))
    if found is None or b"<!DOCTYPE" in xmp or b"<!ENTITY" in xmp:
        return b""
    try:
        document = minidom.parseString(found[2])
    except (ExpatError, ValueError, LookupError):
        return b""
    root = document.documentElement
    assert root is not None, "a document that was parsed has a root"
    _clean(root, size_hw)
    return (found[1] or b"") + root.toxml().encode() + (found[3] or b"")


def _clean(element: minidom.Element, size_hw: tuple[int, int]) -> None:
    for attribute in list(element.attributes.values()):
        name = (attribute.namespaceURI, attribute.localName)
        if _is_gone(name) or (attribute.namespaceURI == _DECLARATION and attribute.value in _GONE):
            element.removeAttributeNode(attribute)
        elif name in _SIZES:
            attribute.value = str(size_hw[_SIZES[name]])
    for child in list(element.childNodes):
        if not isinstance(child, minidom.Element):
            continue
        name = (child.namespaceURI, child.localName)
        if _is_gone(name):
            element.removeChild(child)
        elif name in _SIZES:
            for text in list(child.childNodes):
                child.removeChild(text)
            child.appendChild(minidom.Document().createTextNode(str(size_hw[_SIZES[name]])))
        else:
            _clean(child, size_hw)


def _is_gone(name: tuple[str | None, str | None]) -> bool:
    namespace, local = name
    is_motion = namespace == _CAMERA and str(local).startswith(("MotionPhoto", "MicroVideo"))
    return namespace in _GONE or name in _GONE_NAMES or is_motion
