"""What to do to a picture. Every control, command-line option, API field and infotext key derives from these fields."""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_type_hints

from lib_facerestore.errors import SettingsError, UnknownSetting

FaceOrder = Literal["largest", "left to right", "right to left", "top to bottom", "score", "centre"]
KeepTone = Literal["auto", "on", "off"]
MaskKind = Literal["auto", "parsing", "landmarks", "feather"]
Group = Literal["model", "faces", "mask"]


@dataclass(frozen=True)
class SettingInfo:
    """What a person and a shell need to know of one setting. `low` and `high` are inclusive."""

    label: str
    help: str
    group: Group
    low: float | None = None
    high: float | None = None
    step: float | None = None
    unit: str = ""
    infotext: str = ""
    is_basic: bool = False
    visible_for: tuple[str, ...] = ()
    """Abilities of a model without which the control is hidden, for example "fidelity"."""


def _setting(default: Any, info: SettingInfo) -> Any:
    return dataclasses.field(default=default, metadata={"info": info})


@dataclass(frozen=True)
class RestoreSettings:
    """All choices for one run, validated when made.

    Raises: SettingsError, naming the field, the value and what is allowed.
    """

    restorer: str = _setting(
        "auto",
        SettingInfo(
            "Model",
            "Face restorer; auto takes the best one whose weights are present, none restores nothing.",
            "model",
            infotext="Face restore",
            is_basic=True,
        ),
    )
    fidelity: float = _setting(
        0.5,
        SettingInfo(
            "CodeFormer weight",
            "0 restores most strongly, 1 stays closest to the input.",
            "model",
            0.0,
            1.0,
            0.01,
            infotext="Face restore weight",
            is_basic=True,
            visible_for=("fidelity",),
        ),
    )
    visibility: float = _setting(
        1.0,
        SettingInfo(
            "Visibility",
            "0 shows the original face, 1 the restored one, inside the mask.",
            "model",
            0.0,
            1.0,
            0.01,
            infotext="Face restore visibility",
            is_basic=True,
        ),
    )
    detection_threshold: float = _setting(
        0.0,
        SettingInfo(
            "Detection threshold",
            "Lowest score of a face; 0 takes the detector's own threshold.",
            "faces",
            0.0,
            1.0,
            0.01,
            infotext="Face restore threshold",
        ),
    )
    detection_size: int = _setting(
        640,
        SettingInfo(
            "Detection size",
            "Short side at which faces are looked for; larger finds smaller faces and is slower.",
            "faces",
            128,
            4096,
            32,
            "px",
            "Face restore detection size",
        ),
    )
    min_face_px: int = _setting(
        24,
        SettingInfo(
            "Smallest face", "Smaller faces are left alone.", "faces", 0, 10000, 1, "px", "Face restore smallest"
        ),
    )
    max_face_px: int = _setting(
        0,
        SettingInfo(
            "Largest face",
            "Larger faces are left alone; 0 sets no limit.",
            "faces",
            0,
            100000,
            1,
            "px",
            "Face restore largest",
        ),
    )
    min_face_percent: float = _setting(
        0.0,
        SettingInfo(
            "Smallest face, relative",
            "Faces smaller than this part of the largest face are left alone.",
            "faces",
            0.0,
            100.0,
            1.0,
            "%",
            "Face restore smallest percent",
        ),
    )
    max_faces: int = _setting(
        0,
        SettingInfo(
            "Most faces",
            "At most this many faces, in the order chosen below; 0 sets no limit.",
            "faces",
            0,
            10000,
            1,
            "",
            "Face restore most",
        ),
    )
    face_order: FaceOrder = _setting(
        "largest",
        SettingInfo("Face order", "Which faces come first.", "faces", infotext="Face restore order"),
    )
    only_centre_face: bool = _setting(
        False,
        SettingInfo(
            "Only the centre face",
            "Restores the face nearest to the centre and no other.",
            "faces",
            infotext="Face restore centre only",
        ),
    )
    aligned_input: bool = _setting(
        False,
        SettingInfo(
            "Input is an aligned face",
            "Takes the whole picture for one face cropped to the FFHQ template.",
            "faces",
            infotext="Face restore aligned",
        ),
    )
    mask: MaskKind = _setting(
        "auto",
        SettingInfo(
            "Mask",
            "What of the crop is pasted: parsed face parts, an oval from the landmarks, or a feathered square; "
            "auto parses where a parser's weights are present, else takes the oval.",
            "mask",
            infotext="Face restore mask",
        ),
    )
    mask_feather: float = _setting(
        6.0,
        SettingInfo(
            "Mask feather",
            "Width of the soft edge, in percent of the crop's side.",
            "mask",
            0.0,
            20.0,
            0.5,
            "%",
            "Face restore feather",
        ),
    )

    keep_tone: KeepTone = _setting(
        "auto",
        SettingInfo(
            "Keep grey and sepia",
            "Restored faces of a grey or toned picture keep its tone: auto looks, on always, off never.",
            "model",
            infotext="Face restore keep tone",
        ),
    )

    def __post_init__(self) -> None:
        for name, kind in field_types().items():
            object.__setattr__(self, name, _checked(name, getattr(self, name), kind, setting_info(name)))

    @classmethod
    def from_mapping(cls, values: Mapping[str, object]) -> RestoreSettings:
        """Settings from plain names and values, as a command line, an API call or a pasted text gives them.

        Raises: UnknownSetting with the nearest names; SettingsError.
        """
        names = field_types()
        for name in values:
            if name not in names:
                raise UnknownSetting(name, difflib.get_close_matches(name, names, 2))
        return cls(**dict(values))  # type: ignore[arg-type]  # __post_init__ checks each value


def field_types() -> dict[str, Any]:
    """Name of each setting with its type: bool, int, float, str or a Literal of strings."""
    hints = get_type_hints(RestoreSettings)
    return {field.name: hints[field.name] for field in dataclasses.fields(RestoreSettings)}


def setting_info(name: str) -> SettingInfo:
    """The description of one setting."""
    info = RestoreSettings.__dataclass_fields__[name].metadata["info"]
    assert isinstance(info, SettingInfo)
    return info


def choices(kind: Any) -> tuple[str, ...]:
    """The allowed strings of a Literal type; empty for other types."""
    return tuple(get_args(kind))


def _checked(name: str, value: object, kind: Any, info: SettingInfo) -> bool | int | float | str:
    """The value in its declared type, or SettingsError; whole floats pass for ints, never text for numbers."""
    if kind is bool:
        if not isinstance(value, bool):
            raise SettingsError(name, value, "true or false")
        return value
    if kind in (int, float):
        return _checked_number(name, value, kind, info)
    if not isinstance(value, str):
        raise SettingsError(name, value, "text")
    if choices(kind) and value not in choices(kind):
        raise SettingsError(name, value, f"one of {', '.join(choices(kind))}")
    return value


def _checked_number(name: str, value: object, kind: Any, info: SettingInfo) -> int | float:
    assert info.low is not None, f"{name} has no range"
    assert info.high is not None, f"{name} has no range"
    allowed = f"{'a whole number' if kind is int else 'a number'} from {info.low:g} to {info.high:g}"
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise SettingsError(name, value, allowed)
    if not info.low <= value <= info.high or (kind is int and value != int(value)):
        raise SettingsError(name, value, allowed)
    return int(value) if kind is int else float(value)
