"""The answers of the routes, as models for /openapi.json, where the docstring of a class is its description."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


class Refusal(BaseModel):
    """A request that was not done."""

    detail: str
    """What went wrong, in one sentence."""


class Restored(BaseModel):
    """One restored picture, or the error in its place. picture: the file in base64; error: why there is none."""

    picture: str | None = None
    """The file in base64; None where the restoration failed."""
    format: str = ""
    """Of the file: "png", "jpeg" or "webp"."""
    width: int = 0
    """Of the restored picture, in px."""
    height: int = 0
    """Of the restored picture, in px."""
    status: str = ""
    """What was done, in one line."""
    report: dict[str, Any] | None = None
    """What was done, as data: see `engine.report.to_plain`."""
    infotext: str = ""
    """The record of the restoration as hosts write it into files; "" where the picture did not change."""
    error: str | None = None
    """What went wrong; None where the picture was restored."""


class RestoreAnswer(BaseModel):
    """Every picture of the request in its order. notices: what the server's flags switched off."""

    pictures: list[Restored]
    """One for each picture of the request, in its order."""
    notices: list[str]
    """A sentence for each thing that the host's flags switched off."""


class FoundFace(BaseModel):
    """One face. box: left, top, right, bottom; landmarks: eyes, nose, corners of the mouth; px of the picture."""

    index: int
    """Number of the face in the picture, from 0."""
    box: list[float]
    """Left, top, right, bottom in px."""
    landmarks: list[list[float]]
    """Five (x, y) points in px: eyes, nose, corners of the mouth."""
    score: float
    """The detector's, 0 … 1."""
    would_be_restored: bool
    """Whether the settings choose this face."""
    reason: str = ""
    """Why it would not be restored; "" where it would."""


class Looked(BaseModel):
    """The faces of one picture. error: why no faces could be looked for."""

    width: int = 0
    """Of the picture, in px."""
    height: int = 0
    """Of the picture, in px."""
    faces: list[FoundFace] = []
    """Empty where there is no face, and where there is an error."""
    seconds: float = 0.0
    """How long it took, without waiting for other jobs."""
    error: str | None = None
    """What went wrong; None where the picture was looked at."""


class FacesAnswer(BaseModel):
    """Every picture of the request in its order."""

    pictures: list[Looked]
    """One for each picture of the request, in its order."""


class Model(BaseModel):
    """A model that can be chosen by its name. abilities: settings that only some models heed."""

    name: str
    """Its name in settings and in requests to fetch."""
    kinds: list[str]
    """What it can be used as: "restorer", "upscaler", …"""
    is_present: bool
    """Whether its weights are on the server."""
    can_be_fetched: bool
    """Whether `POST /facerestore/fetch` takes its name."""
    licence: str
    """Of its weights."""
    licence_note: str
    """What else is known about the licence."""
    is_commercial: bool
    """Whether the licence allows commercial use."""
    size_bytes: int
    """Of its file; 0 where that is not known."""
    scale: int
    """Factor of an upscaler."""
    abilities: list[str]
    """Settings that it heeds and other models of its kind do not."""


class ModelsAnswer(BaseModel):
    """All models, best first within a kind. together: names for several of them, for fetching.

    host_upscalers: those of the WebUI, which can be chosen by name too.
    """

    models: list[Model]
    """Best first within a kind."""
    together: dict[str, list[str]]
    """Name that can be fetched → the models that it stands for."""
    host_upscalers: list[str]
    """Names of the host's upscalers, which a setting can have too."""


class FetchState(BaseModel):
    """The fetching that was begun last. lines: one for each file; done_bytes of total_bytes: of the present file."""

    is_running: bool = False
    """Whether files are being fetched now."""
    names: list[str] = []
    """The models that are fetched together."""
    lines: list[str] = []
    """One for each file that was begun: how far it is, where it is now, or what went wrong."""
    done_bytes: int = 0
    """Of the present file."""
    total_bytes: int = 0
    """Of the present file; 0 where the size is not known."""


class Status(BaseModel):
    """How the server does the work. warm: networks that are loaded, by role; limits: of one request."""

    version: str
    """Of this extension."""
    device: str
    """On which networks run: "cuda:0", "cpu", …, or "auto"."""
    precision: str
    """In which face networks run, as the Settings have it."""
    warm: list[dict[str, str]]
    """Networks in memory, each with role and name."""
    fetch: FetchState
    """The fetching that was begun last."""
    limits: dict[str, float]
    """Name → limit of one request."""
    switched_off: list[str]
    """Flags with which the host was started and that switch off parts of this extension."""
