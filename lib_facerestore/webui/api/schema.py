"""What /openapi.json says of requests, made from the fields of RestoreSettings, and the models of our answers."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from lib_facerestore.setting_info import choices
from lib_facerestore.settings import field_types, setting_info
from lib_facerestore.webui import options
from lib_facerestore.webui.api.pictures import FORMATS, MOST_PICTURES, MOST_RESULT_MEGAPIXELS

# A grey ramp of 16×12 px.
EXAMPLE_PICTURE = "iVBORw0KGgoAAAANSUhEUgAAABAAAAAMCAAAAABOjGJdAAAAEUlEQVR42mNk4EAFTBxDVgAAaCIGEB1LvpkAAAAASUVORK5CYII="


class Refusal(BaseModel):
    """What went wrong, in one sentence."""

    detail: str


class Restored(BaseModel):
    """One picture of an answer. picture: the file in base64; error: why there is none."""

    picture: str | None = None
    format: str = ""
    width: int = 0
    height: int = 0
    status: str = ""
    report: dict[str, Any] | None = None
    infotext: str = ""
    error: str | None = None


class RestoreAnswer(BaseModel):
    """Every picture of the request in its order. notices: what the server's flags switched off."""

    pictures: list[Restored]
    notices: list[str]


class FoundFace(BaseModel):
    """One face. box: left, top, right, bottom; landmarks: eyes, nose, corners of the mouth; px of the picture."""

    index: int
    box: list[float]
    landmarks: list[list[float]]
    score: float
    would_be_restored: bool
    reason: str = ""


class Looked(BaseModel):
    """The faces of one picture. error: why nobody looked."""

    width: int = 0
    height: int = 0
    faces: list[FoundFace] = []
    seconds: float = 0.0
    error: str | None = None


class FacesAnswer(BaseModel):
    """Every picture of the request in its order."""

    pictures: list[Looked]


class Model(BaseModel):
    """A model that can be chosen by its name. abilities: settings that only some models heed."""

    name: str
    kinds: list[str]
    is_present: bool
    can_be_fetched: bool
    licence: str
    licence_note: str
    is_commercial: bool
    size_bytes: int
    scale: int
    abilities: list[str]


class ModelsAnswer(BaseModel):
    """All models, best first within a kind. together: names for several of them, for fetching.

    host_upscalers: those of the WebUI, which can be chosen by name too.
    """

    models: list[Model]
    together: dict[str, list[str]]
    host_upscalers: list[str]


class FetchState(BaseModel):
    """The fetching that was begun last. lines: one for each file; done_bytes of total_bytes: of the present file."""

    is_running: bool = False
    names: list[str] = []
    lines: list[str] = []
    done_bytes: int = 0
    total_bytes: int = 0


class Status(BaseModel):
    """How the server does the work. warm: networks that are loaded, by role; limits: of one request."""

    version: str
    device: str
    precision: str
    warm: list[dict[str, str]]
    fetch: FetchState
    limits: dict[str, float]
    switched_off: list[str]


def pictures_body(with_result: bool) -> dict[str, Any]:
    """The body of a route that takes pictures. with_result: whether it gives pictures back."""
    settings = {
        "type": "object",
        "description": "What is not named has the default of the Settings page; those below are from the last start.",
        "additionalProperties": False,
        "properties": settings_schema(),
    }
    result = {
        "format": {"type": "string", "enum": list(FORMATS), "default": FORMATS[0]},
        "quality": {
            "type": "integer", "minimum": 0, "maximum": 100, "default": 0,
            "description": "Of JPEG and WebP; 0 takes at least that of the picture sent.",
        },
    }  # fmt: skip
    shown = {"pictures": [EXAMPLE_PICTURE], "settings": {"restorer": "none", "upscaler": "Lanczos", "scale": 2}}
    return _body(
        {"application/json": "byte", "multipart/form-data": "binary"},
        {"settings": settings, **(result if with_result else {})},
        {**shown, "format": "png"} if with_result else {"pictures": [EXAMPLE_PICTURE]},
    )


def names_body() -> dict[str, Any]:
    """The body of a request to fetch."""
    names = {"type": "array", "minItems": 1, "items": {"type": "string"}}
    schema = {"type": "object", "required": ["names"], "additionalProperties": False, "properties": {"names": names}}
    content = {"application/json": {"schema": schema, "example": {"names": ["CodeFormer"]}}}
    return {"requestBody": {"required": True, "content": content}}


def settings_schema() -> dict[str, dict[str, Any]]:
    """The schema of each setting: type, range or choices, help, and the default of the Settings page."""
    defaults = options.defaults()
    return {name: {**_kind(name), "default": defaults[name]} for name in field_types()}


def _kind(name: str) -> dict[str, Any]:
    kind, info = field_types()[name], setting_info(name)
    about = {"title": info.label, "description": f"{info.help} [{info.unit}]" if info.unit else info.help}
    if kind in (int, float):
        high = MOST_RESULT_MEGAPIXELS if name == "ceiling_megapixels" else info.high
        return {"type": "integer" if kind is int else "number", "minimum": info.low, "maximum": high, **about}
    if kind is bool:
        return {"type": "boolean", **about}
    return {"type": "string", **({"enum": list(choices(kind))} if choices(kind) else {}), **about}


def _body(kinds: dict[str, str], others: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    """kinds: of the content, with the format that each gives a picture."""
    content: dict[str, Any] = {}
    for kind, picture_format in kinds.items():
        pictures = {
            "type": "array", "minItems": 1, "maxItems": MOST_PICTURES,
            "items": {"type": "string", "format": picture_format},
            "description": "Files; in JSON as base64, with or without the head of a data URI. Nothing else is opened.",
        }  # fmt: skip
        properties = {"pictures": pictures, **others}
        schema = {
            "type": "object", "required": ["pictures"], "additionalProperties": False, "properties": properties,
        }  # fmt: skip
        content[kind] = {"schema": schema}
    content["application/json"]["example"] = example
    return {"requestBody": {"required": True, "content": content}}
