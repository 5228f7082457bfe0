"""The values that flow through the pipeline. All frozen; arrays handed on are read-only.

Conventions: pixels are (height, width, 3) RGB; points are (x, y) in px with pixel centres at integers; boxes are
(left, top, right, bottom) in px with right and bottom exclusive; an affine is 2×3 and leads from picture to crop.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lib_facerestore.engine.sizes import SizePlan

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
    """A view of the array that nobody can write through. Shapes: any → the same, no copy."""
    view = array.view()
    view.flags.writeable = False
    return view


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


@dataclass(frozen=True)
class FaceReport:
    """What happened to one face; `reason` says why it was skipped or failed, or why a restored one is not seen."""

    index: int
    box: Box
    score: float
    outcome: Outcome
    reason: str = ""


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

    def report(self, outcome: Outcome, reason: str = "") -> FaceReport:
        """That outcome as this face's."""
        return FaceReport(self.index, self.box, self.score, outcome, reason)


@dataclass(frozen=True, eq=False)
class Crop:
    """A face warped to the template.

    pixels: (S, S, 3) float32 in [0, 1]. affine: picture → crop. is_restored: a restorer made the pixels already, and
    they may hold more than the picture has at the face's size there.
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
    fidelity: float
    visibility: float


@dataclass(frozen=True)
class ModelUsed:
    """A network that took part, with the SHA-256 of its weights."""

    role: str
    name: str
    sha256: str


@dataclass(frozen=True)
class Ran:
    """What one stage ran for one picture. `engine.ran.Notes` makes it while the stage runs."""

    models: tuple[ModelUsed, ...] = ()
    """Each network once: the restorers that were called at least once, of all others those that gave a result."""
    devices: tuple[str, ...] = ()
    """Where networks gave their results, each device once, in the order of the first result."""
    tiles: int = 0
    masks: tuple[str, ...] = ()
    """The kinds of mask that were made, each once."""
    warnings: tuple[str, ...] = ()
    """One sentence for each thing that was done otherwise than asked for."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """All that is needed to finish a picture, again and again with other choices."""

    picture: Picture
    faces: tuple[Face, ...]
    crops: tuple[Crop, ...]
    """One for each face to restore."""
    reports: tuple[FaceReport, ...]
    """One for each face that will not be restored."""
    seconds: tuple[tuple[str, float], ...] = ()
    ran: Ran = Ran()
    """What finding the faces ran."""
    looked_for_faces: bool = False
    """Whether a detector looked, or the whole picture was taken for one aligned face."""


@dataclass(frozen=True)
class Report:
    """What ran on one picture. Status line, log, infotext and API answer are written from it.

    It is folded from what the stages gave (`engine.fold`), never from the settings; only `asked_restorer` says what
    was asked for.
    """

    faces: tuple[FaceReport, ...] = ()
    models: tuple[ModelUsed, ...] = ()
    """Networks that ran: see `Ran.models`; an upscaler where it ran a tile for the picture or for a large face."""
    restorer: str = ""
    """The restorer that restored at least one face; "" where none did."""
    fidelity: float | None = None
    """Fidelity weight of the first face that was restored; None where none was, or the restorer has none."""
    visibility: float = 1.0
    """Visibility of the first face that was restored."""
    mask: str = ""
    """Kinds of mask that were made, "parsing" or "parsing, landmarks"; "" where none was."""
    looked_for_faces: bool = True
    second_restorer: str = ""
    """The second restorer, where it restored at least one face; "" where it did not."""
    upscaler: str = ""
    """What brought the picture to its size: the first upscaler, or "Lanczos" where it ran no tile; "" for neither."""
    size_hw: tuple[int, int] = (0, 0)
    scale: float = 1.0
    tiles: int = 0
    """Tiles of the picture and of large faces together."""
    toned_faces: int = 0
    """Faces that were brought to the tone of their own place in the picture, grey or sepia."""
    toned_part: float = 0.0
    """How much of the upscaled picture was brought to a tone, 0 … 1."""
    device: str = ""
    """Where networks gave their results: "cuda:0", or "cuda:0, cpu" where both did; "" where no network ran."""
    seconds: tuple[tuple[str, float], ...] = ()
    warnings: tuple[str, ...] = ()
    asked_restorer: str = ""
    """The restorer that was loaded because the settings chose it, whether it ran or not; "" where none was chosen."""
    second_upscaler: str = ""
    """The upscaler that was mixed in second; "" where none was."""
    face_upscaler: str = ""
    """The upscaler that enlarged at least one large face; "" where none did."""

    def count(self, outcome: Outcome) -> int:
        """Number of faces with that outcome."""
        return sum(face.outcome == outcome for face in self.faces)


@dataclass(frozen=True, eq=False)
class Result:
    """A finished picture, what was done, and the crops as pasted."""

    picture: Picture
    report: Report
    restored: tuple[RestoredCrop, ...] = field(default=())
    plan: SizePlan | None = None
    """How the size was decided; None where the picture kept its own."""
