"""What to do to a picture. Controls, command-line options, API fields and infotext keys take words and limits from it.

Which of them a page or a help text shows first, and for which models, is for that shell to say.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, get_type_hints

from lib_facerestore.errors import UnknownSetting
from lib_facerestore.setting_info import SettingInfo, checked, setting

WhichFaces = Literal["all", "largest", "centre"]
FaceOrder = Literal["largest", "left to right", "right to left", "top to bottom", "score", "centre"]
Order = Literal["one pass", "upscale first", "restore first"]
LargeFaces = Literal["auto", "detail", "upsample", "off"]
SizeMode = Literal["fit", "crop"]
KeepTone = Literal["auto", "on", "off"]
MaskKind = Literal["auto", "parsing", "landmarks", "feather"]

# The settings that decide the size of the result; at their defaults a picture keeps its size.
SIZE_SETTINGS = frozenset(["scale", "width", "height", "longest_side"])


@dataclass(frozen=True)
class RestoreSettings:
    """All choices for one run, validated when made.

    Raises: SettingsError, naming the field, the value and what is allowed.
    """

    # fmt: off
    restorer: str = setting("auto", SettingInfo(
        "Model", "Face restorer; auto takes the best one whose weights are present, none restores nothing.",
        "model", infotext="Face restore"))
    fidelity: float = setting(0.5, SettingInfo(
        "CodeFormer weight", "0 restores most strongly, 1 stays closest to the input.",
        "model", low=0.0, high=1.0, step=0.01,
        infotext="Face restore weight"))
    visibility: float = setting(1.0, SettingInfo(
        "GFPGAN / CodeFormer visibility", "0 shows the original face, 1 the restored one, inside the mask.",
        "model", low=0.0, high=1.0, step=0.01, infotext="Face restore visibility"))
    second_restorer: str = setting("none", SettingInfo(
        "Second model", "A second pass over the faces that the first one restored.",
        "model", infotext="Face restore second"))
    second_fidelity: float = setting(0.5, SettingInfo(
        "Second CodeFormer weight", "As the weight above, for the second pass.",
        "model", low=0.0, high=1.0, step=0.01, infotext="Face restore second weight"))
    second_visibility: float = setting(1.0, SettingInfo(
        "Second visibility", "0 shows the first pass, 1 the second one.",
        "model", low=0.0, high=1.0, step=0.01, infotext="Face restore second visibility"))
    which_faces: WhichFaces = setting("all", SettingInfo(
        "Which faces", "All faces, only the largest one, or only the one nearest to the centre.",
        "faces", infotext="Face restore which"))
    detection_threshold: float = setting(0.0, SettingInfo(
        "Detection threshold", "Lowest score of a face; 0 takes the detector's own threshold.",
        "faces", low=0.0, high=1.0, step=0.01, infotext="Face restore threshold"))
    detection_size: int = setting(640, SettingInfo(
        "Detection size", "Short side at which faces are looked for; larger finds smaller faces and is slower.",
        "faces", low=128, high=4096, slider_high=2048, step=32, unit="px", infotext="Face restore detection size"))
    min_face_px: int = setting(24, SettingInfo(
        "Smallest face", "Smaller faces are left alone.",
        "faces", low=0, high=10000, slider_high=512, step=1, unit="px", infotext="Face restore smallest"))
    max_face_px: int = setting(0, SettingInfo(
        "Largest face", "Larger faces are left alone; 0 sets no limit.",
        "faces", low=0, high=100000, slider_high=4096, step=1, unit="px", infotext="Face restore largest"))
    min_face_percent: float = setting(0.0, SettingInfo(
        "Smallest face, relative", "Faces smaller than this part of the largest face are left alone.",
        "faces", low=0.0, high=100.0, step=1.0, unit="%", infotext="Face restore smallest percent"))
    max_faces: int = setting(0, SettingInfo(
        "Most faces", "At most this many faces, in the order chosen below; 0 sets no limit.",
        "faces", low=0, high=10000, slider_high=50, step=1, infotext="Face restore most"))
    face_order: FaceOrder = setting("largest", SettingInfo(
        "Face order", "Which faces come first.",
        "faces", infotext="Face restore order"))
    aligned_input: bool = setting(False, SettingInfo(
        "Input is an aligned face", "Takes the whole picture for one face cropped to the FFHQ template.",
        "faces", infotext="Face restore aligned"))
    mask: MaskKind = setting("auto", SettingInfo(
        "Mask",
        "What of the crop is pasted: parsed face parts, an oval from the landmarks, or a feathered square; auto "
        "parses where a parser's weights are present, else takes the oval.",
        "mask", infotext="Face restore mask"))
    mask_feather: float = setting(6.0, SettingInfo(
        "Mask feather", "Width of the soft edge, in percent of the crop's side.",
        "mask", low=0.0, high=20.0, step=0.5, unit="%", infotext="Face restore feather"))
    keep_tone: KeepTone = setting("auto", SettingInfo(
        "Keep grey and sepia",
        "What is grey or sepia in the picture stays so: auto looks place by place, on always, off never.",
        "model", infotext="Face restore keep tone"))
    upscaler: str = setting("auto", SettingInfo(
        "Upscaler", "auto takes the best one whose weights are present; Lanczos needs none.",
        "upscale", infotext="Face restore upscaler"))
    scale: float = setting(1.0, SettingInfo(
        "Scale", "How much larger the picture becomes; 1 leaves its size, less than 1 reduces it.",
        "upscale", low=0.05, high=8.0, slider_low=1.0, step=0.05, unit="×",
        infotext="Face restore scale"))
    width: int = setting(0, SettingInfo(
        "Width", "Width of the result instead of a scale; 0: not asked for.",
        "upscale", low=0, high=32767, slider_high=8192, step=1, unit="px", infotext="Face restore width"))
    height: int = setting(0, SettingInfo(
        "Height", "Height of the result instead of a scale; 0: not asked for.",
        "upscale", low=0, high=32767, slider_high=8192, step=1, unit="px", infotext="Face restore height"))
    size_mode: SizeMode = setting("fit", SettingInfo(
        "Width and height", "fit stays inside both, crop fills both and cuts the rest off.",
        "upscale", infotext="Face restore size mode"))
    longest_side: int = setting(0, SettingInfo(
        "Longest side", "Longest side instead of a scale; 0: not asked for.",
        "upscale", low=0, high=32767, slider_high=8192, step=1, unit="px", infotext="Face restore longest side"))
    ceiling_megapixels: float = setting(256.0, SettingInfo(
        "Ceiling", "A result larger than this is reduced to it, and that is said.",
        "upscale", low=0.01, high=1000.0, step=1.0, unit="megapixels", infotext="Face restore ceiling"))
    denoise: float = setting(0.75, SettingInfo(
        "Denoise strength", "0 keeps noise, 1 smooths it away; for upscalers with a checkpoint to mix in.",
        "upscale", low=0.0, high=1.0, step=0.01,
        infotext="Face restore denoise"))
    upscale_strength: float = setting(0.75, SettingInfo(
        "Upscale strength", "0 shows a plain Lanczos resize, 1 the network's picture; faces do not depend on it.",
        "upscale", low=0.0, high=1.0, step=0.01, infotext="Face restore upscale strength"))
    second_upscaler: str = setting("none", SettingInfo(
        "Second upscaler", "Mixed with the first one.",
        "upscale", infotext="Face restore upscaler 2"))
    second_upscaler_visibility: float = setting(0.5, SettingInfo(
        "Second upscaler visibility", "0 shows the first upscaler, 1 the second one.",
        "upscale", low=0.0, high=1.0, step=0.01, infotext="Face restore upscaler 2 visibility"))
    order: Order = setting("one pass", SettingInfo(
        "Order", "one pass restores faces from the input and places them in the enlarged picture.",
        "upscale", infotext="Face restore upscaling order"))
    large_faces: LargeFaces = setting("auto", SettingInfo(
        "Large faces",
        "A face whose place is larger than the network's 512 px: detail adds the picture's own fine detail, "
        "upsample enlarges the restored face with the upscaler, auto upsamples where one runs.",
        "upscale", infotext="Face restore large faces"))
    # fmt: on

    def __post_init__(self) -> None:
        for name, kind in field_types().items():
            object.__setattr__(self, name, checked(name, getattr(self, name), kind, setting_info(name)))

    @property
    def has_side(self) -> bool:
        """Whether a side of the result is set; whether the picture grows then depends on its size."""
        return bool(self.width or self.height or self.longest_side)

    def at_own_size(self) -> RestoreSettings:
        """The same settings with those of the size at their defaults, so that a picture keeps its size."""
        return dataclasses.replace(self, **{name: setting_default(name) for name in SIZE_SETTINGS})

    @classmethod
    def from_mapping(cls, values: Mapping[str, object]) -> RestoreSettings:
        """Make settings from names and values, as a command line, an API call or a pasted infotext gives them.

        Settings that are not named get their defaults.
        Raises: UnknownSetting with the nearest names; SettingsError.
        """
        names = field_types()
        for name in values:
            if name not in names:
                raise UnknownSetting(name, difflib.get_close_matches(name, names, 2))
        return cls(**dict(values))  # type: ignore[arg-type]  # __post_init__ checks each value


@functools.cache  # every control of a page calls this, and a call takes a millisecond
def field_types() -> Mapping[str, Any]:
    """The type of each setting by its name: bool, int, float, str or a Literal of strings."""
    hints = get_type_hints(RestoreSettings)
    return MappingProxyType({field.name: hints[field.name] for field in dataclasses.fields(RestoreSettings)})


def setting_info(name: str) -> SettingInfo:
    """The description of one setting."""
    info = RestoreSettings.__dataclass_fields__[name].metadata["info"]
    assert isinstance(info, SettingInfo)
    return info


def setting_range(name: str) -> tuple[float, float]:
    """The least and the most that a setting of numbers may be."""
    info = setting_info(name)
    assert info.low is not None, f"{name} has no range"
    assert info.high is not None, f"{name} has no range"
    return info.low, info.high


def setting_default(name: str) -> Any:
    """The default of one setting."""
    return RestoreSettings.__dataclass_fields__[name].default
