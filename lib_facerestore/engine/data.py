"""The values that flow through the pipeline. All frozen; arrays handed on are read-only.

Conventions: pixels are (height, width, 3) RGB; points are (x, y) in px with pixel centres at integers; boxes are
(left, top, right, bottom) in px with right and bottom exclusive; an affine is 2×3 and leads from picture to crop.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Pixels: TypeAlias = NDArray[Any]
"""(H, W, 3) RGB, uint8 or uint16."""
FloatPixels: TypeAlias = NDArray[np.float32]
"""(..., 3) RGB float32 in [0, 1]."""
Mask: TypeAlias = NDArray[np.float32]
"""(H, W) float32 in [0, 1]; 1 shows the restored pixel."""
Affine: TypeAlias = NDArray[np.float64]
"""(2, 3) float64; maps (x, y, 1) of the picture to (x, y) of the crop."""
Box: TypeAlias = tuple[float, float, float, float]
"""left, top, right, bottom in px; right and bottom exclusive."""
Outcome = Literal["restored", "skipped", "failed"]


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """A view of the array that nobody can write through."""
    view = array.view()
    view.flags.writeable = False
    return view


def to_unit_float(pixels: Pixels) -> FloatPixels:
    """Integer pixels as float32 in [0, 1], scaled by the range of their type, never by their own maximum."""
    return np.asarray(pixels, np.float32) * np.float32(1.0 / np.iinfo(pixels.dtype).max)


@dataclass(frozen=True)
class Metadata:
    """What a file carries beside its pixels, as far as it can be written back.

    format: Pillow's name of the file format ("PNG", "JPEG", …), "" when the picture came from memory.
    exif: raw EXIF block without the "Exif" prefix, its orientation already 1; icc, xmp: raw blocks; text: PNG text;
    iptc: raw IPTC record. colour_chunks: name and body of PNG chunks that say what the colours mean (gAMA, cICP, …).
    comment: a JPEG's. jpeg_tables, jpeg_sampling: the source's quantisation tables and "4:2:0" or the like.
    is_lossless: False for a lossy WebP.
    """

    format: str = ""
    exif: bytes = b""
    icc: bytes = b""
    xmp: bytes = b""
    text: tuple[tuple[str, str], ...] = ()
    comment: bytes = b""
    jpeg_tables: tuple[tuple[int, ...], ...] = ()
    jpeg_sampling: str = ""
    dots_per_inch: tuple[float, float] | None = None
    is_lossless: bool = True
    iptc: bytes = b""
    colour_chunks: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, eq=False)
class Picture:
    """A whole decoded picture.

    pixels: (H, W, 3) RGB in the depth it came in, uint8 or uint16, read-only.
    alpha: (H, W) of the same dtype, or None. is_grey: the file had one colour channel; all three are equal.
    notes: sentences on what reading had to change, for the report.
    """

    pixels: Pixels
    alpha: NDArray[Any] | None = None
    is_grey: bool = False
    metadata: Metadata = Metadata()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        pixels = self.pixels
        if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype not in (np.uint8, np.uint16):
            raise ValueError(f"pixels must be (H, W, 3) uint8 or uint16, not {pixels.shape} {pixels.dtype}")
        object.__setattr__(self, "pixels", read_only(pixels))
        if self.alpha is not None:
            if self.alpha.shape != pixels.shape[:2] or self.alpha.dtype != pixels.dtype:
                raise ValueError(f"alpha {self.alpha.shape} {self.alpha.dtype} does not fit pixels {pixels.shape}")
            object.__setattr__(self, "alpha", read_only(self.alpha))

    @property
    def size_hw(self) -> tuple[int, int]:
        """(height, width) in px."""
        return int(self.pixels.shape[0]), int(self.pixels.shape[1])


@dataclass(frozen=True, eq=False)
class Face:
    """One detected face.

    landmarks: (5, 2) float32 (x, y) px: left eye, right eye, nose, left and right mouth corner as seen in the upright
    face. Never sorted by x, because a face may stand on its head. score: the detector's own, in [0, 1].
    """

    index: int
    box: Box
    landmarks: NDArray[np.float32]
    score: float

    def __post_init__(self) -> None:
        if self.landmarks.shape != (5, 2):
            raise ValueError(f"landmarks must be (5, 2), not {self.landmarks.shape}")
        object.__setattr__(self, "landmarks", read_only(np.asarray(self.landmarks, np.float32)))

    @property
    def size_px(self) -> float:
        """The longer side of the box; a profile's box is narrow, its height stays."""
        return max(self.box[2] - self.box[0], self.box[3] - self.box[1])


@dataclass(frozen=True, eq=False)
class Crop:
    """A face warped to the template.

    pixels: (S, S, 3) float32 in [0, 1]. affine: picture → crop. is_restored: the pixels come from an earlier pass, and
    may hold more than the picture has at the face's size there.
    """

    face: Face
    pixels: FloatPixels
    affine: Affine
    is_restored: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "pixels", read_only(self.pixels))
        object.__setattr__(self, "affine", read_only(self.affine))

    @property
    def side_px(self) -> int:
        """S, the side of the square crop."""
        return int(self.pixels.shape[0])

    @property
    def scale(self) -> float:
        """Crop pixels per picture pixel; above 1 the face was enlarged."""
        return float(np.sqrt(abs(np.linalg.det(self.affine[:, :2]))))

    @property
    def native_side_px(self) -> float:
        """Side of the crop's square measured in the picture."""
        return self.side_px / self.scale


@dataclass(frozen=True, eq=False)
class RestoredCrop:
    """A crop after its network, ready to paste.

    pixels: (kS, kS, 3) float32 in [0, 1]. mask: (kS, kS) float32 in [0, 1].
    """

    crop: Crop
    pixels: FloatPixels
    mask: Mask
    model: str
    fidelity: float | None

    def __post_init__(self) -> None:
        if self.pixels.shape[:2] != self.mask.shape or self.pixels.shape[0] != self.pixels.shape[1]:
            raise ValueError(f"restored pixels {self.pixels.shape} and mask {self.mask.shape} must be equal squares")
        object.__setattr__(self, "pixels", read_only(self.pixels))
        object.__setattr__(self, "mask", read_only(self.mask))


@dataclass(frozen=True)
class FaceChoice:
    """What to do with one face."""

    face_index: int
    model: str
    fidelity: float
    visibility: float


@dataclass(frozen=True)
class FaceReport:
    """What happened to one face; `reason` says why for the skipped and the failed."""

    index: int
    box: Box
    score: float
    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True, eq=False)
class Prepared:
    """All that is needed to finish a picture, again and again with other choices.

    crops: one for each face to restore. reports: one for each face that will not be restored. warnings: what finding
    them had to do otherwise.
    """

    picture: Picture
    faces: tuple[Face, ...]
    crops: tuple[Crop, ...]
    reports: tuple[FaceReport, ...]
    seconds: tuple[tuple[str, float], ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelUsed:
    """A network that took part, with the SHA-256 of its weights."""

    role: str
    name: str
    sha256: str


@dataclass(frozen=True)
class Report:
    """What was done to one picture. Status line, log, infotext and API answer are written from it alone.

    toned_faces: faces that were brought to the tone of their own place in the picture, grey or sepia. toned_part: how
    much of the upscaled picture was, 0 … 1.
    """

    faces: tuple[FaceReport, ...] = ()
    models: tuple[ModelUsed, ...] = ()
    restorer: str = ""
    fidelity: float | None = None
    visibility: float = 1.0
    mask: str = ""
    looked_for_faces: bool = True
    second_restorer: str = ""
    upscaler: str = ""
    size_hw: tuple[int, int] = (0, 0)
    scale: float = 1.0
    tiles: int = 0
    toned_faces: int = 0
    toned_part: float = 0.0
    device: str = ""
    seconds: tuple[tuple[str, float], ...] = ()
    warnings: tuple[str, ...] = ()

    def count(self, outcome: Outcome) -> int:
        """Number of faces with that outcome."""
        return sum(face.outcome == outcome for face in self.faces)


@dataclass(frozen=True, eq=False)
class Result:
    """A finished picture, what was done, and the crops as pasted."""

    picture: Picture
    report: Report
    restored: tuple[RestoredCrop, ...] = field(default=())
