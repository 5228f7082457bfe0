"""What /openapi.json says of the bodies of requests. The settings' schema is made from the fields of RestoreSettings.

Requests are checked in `requests`, not by these schemas.
"""

from __future__ import annotations

from typing import Any

from lib_facerestore.setting_info import choices
from lib_facerestore.settings import field_types, setting_info
from lib_facerestore.webui import options
from lib_facerestore.webui.api.pictures import FORMATS, MOST_PICTURES, MOST_RESULT_MEGAPIXELS

EXAMPLE_PICTURE = "iVBORw0KGgoAAAANSUhEUgAAABAAAAAMCAAAAABOjGJdAAAAEUlEQVR42mNk4EAFTBxDVgAAaCIGEB1LvpkAAAAASUVORK5CYII="
"""A PNG in base64: a grey ramp of 16×12 px."""


def pictures_body(with_result: bool) -> dict[str, Any]:
    """Return the OpenAPI description of a body with pictures. with_result: whether the route gives pictures back."""
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
    example = {"pictures": [EXAMPLE_PICTURE], "settings": {"restorer": "none", "upscaler": "Lanczos", "scale": 2}}
    return _body(
        {"application/json": "byte", "multipart/form-data": "binary"},
        {"settings": settings, **(result if with_result else {})},
        {**example, "format": "png"} if with_result else {"pictures": [EXAMPLE_PICTURE]},
    )


def names_body() -> dict[str, Any]:
    """Return the OpenAPI description of the body of a request to fetch."""
    names = {"type": "array", "minItems": 1, "items": {"type": "string"}}
    schema = {"type": "object", "required": ["names"], "additionalProperties": False, "properties": {"names": names}}
    content = {"application/json": {"schema": schema, "example": {"names": ["CodeFormer"]}}}
    return {"requestBody": {"required": True, "content": content}}


def settings_schema() -> dict[str, dict[str, Any]]:
    """Return setting → its JSON schema: type, range or choices, help, and the default that the Settings have now."""
    defaults = options.defaults()
    return {name: {**_kind(name), "default": defaults[name]} for name in field_types()}


def _kind(name: str) -> dict[str, Any]:
    """Return the JSON schema of a setting without its default."""
    kind, info = field_types()[name], setting_info(name)
    about = {"title": info.label, "description": f"{info.help} [{info.unit}]" if info.unit else info.help}
    if kind in (int, float):
        high = MOST_RESULT_MEGAPIXELS if name == "ceiling_megapixels" else info.high
        return {"type": "integer" if kind is int else "number", "minimum": info.low, "maximum": high, **about}
    if kind is bool:
        return {"type": "boolean", **about}
    return {"type": "string", **({"enum": list(choices(kind))} if choices(kind) else {}), **about}


def _body(kinds: dict[str, str], others: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    """Return the OpenAPI description of a body with pictures.

    kinds: type of the content → format of a picture in it. others: field → schema, beside the pictures. example: of a
    body in JSON.
    """
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
