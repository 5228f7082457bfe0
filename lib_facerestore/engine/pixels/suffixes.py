"""How names of picture files end: the one list, for what is looked for in folders, what is read and what is written.

Reading goes by what a file holds and not by its name; a name only says that somebody may want it read.
"""

from __future__ import annotations

# Suffix → Pillow's name of the format that is written under it.
WRITTEN_AS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".jif": "JPEG",
    ".jfi": "JPEG",
    ".webp": "WEBP",
    ".bmp": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".avif": "AVIF",
}
_ONLY_READ = ".apng .avifs .dib .gif .j2c .j2k .jp2 .jpc .jpf .jpx .mpo .pbm .pgm .pnm .ppm".split()
# Listed all the same: that a photograph or a picture of floats cannot be read is said, and it is not passed over.
REFUSED = frozenset([".heic", ".heif", ".hif", ".pfm"])
SUFFIXES = frozenset([*WRITTEN_AS, *_ONLY_READ]) | REFUSED
"""All in lower case, with the dot."""
