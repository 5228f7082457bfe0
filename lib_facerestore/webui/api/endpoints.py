"""The HTTP routes of this extension, in the host's own app, and the function behind each.

The docstring of such a function is the route's description in /openapi.json, so it names no exception of Python. They
may raise Refused, and FaceRestoreError for settings or models that cannot be used; `route` turns both into answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, Response

from lib_facerestore.hosts import base
from lib_facerestore.models import catalogue, weights
from lib_facerestore.models.catalogue import ModelSpec
from lib_facerestore.version import VERSION
from lib_facerestore.webui import background_fetch, warm_session
from lib_facerestore.webui.api import answers, pictures, schema, work
from lib_facerestore.webui.api.faults import Fault, without_paths
from lib_facerestore.webui.api.requests import Body, Refused, model_names, pictures_request
from lib_facerestore.webui.api.route import Route, guards, read_body

_PREFIX = "/facerestore"
_BODY = Depends(read_body)
_REFUSALS: dict[int | str, dict[str, Any]] = {
    code: {"model": answers.Refusal} for code in (400, 401, 409, 413, 415, 422, 500, 503)
}


def register(app: Any) -> None:
    """Add the routes to the host's app, a FastAPI, unless it has them already."""
    if not any(getattr(route, "path", "").startswith(f"{_PREFIX}/") for route in app.routes):
        app.include_router(_router())


def _router() -> APIRouter:
    """Return the routes, each with the guards of the host's API and its description for /openapi.json."""
    router = APIRouter(prefix=_PREFIX, route_class=Route, dependencies=guards(), tags=["facerestore"])
    for path, handler, answer, body in (
        ("/restore", restore, answers.RestoreAnswer, schema.pictures_body(with_result=True)),
        ("/faces", faces, answers.FacesAnswer, schema.pictures_body(with_result=False)),
        ("/fetch", fetch, answers.FetchState, schema.names_body()),
    ):
        router.add_api_route(
            path, handler, methods=["POST"], response_model=answer, responses=_REFUSALS, openapi_extra=body
        )
    router.add_api_route("/fetch", stop_fetching, methods=["DELETE"], response_model=answers.FetchState)
    router.add_api_route("/models", models, methods=["GET"], response_model=answers.ModelsAnswer)
    router.add_api_route("/status", status, methods=["GET"], response_model=answers.Status)
    return router


def restore(body: Body = _BODY) -> Response:
    """Restore the faces of pictures and enlarge them. A picture that fails has its error in the answer."""
    asked = pictures_request(body, ("pictures", "settings", "format", "quality"))
    work.check_models(asked.settings, restores=True)
    return _answer(work.restored(asked), answers.Restored, asked.notices)


def faces(body: Body = _BODY) -> Response:
    """Find the faces of pictures, and say which of them the settings would not restore and why. Restores nothing."""
    if base.flag("no_facerestore", False):
        raise Refused(503, "No faces are looked for: the WebUI was started with --no-facerestore.")
    asked = pictures_request(body, ("pictures", "settings"))
    work.check_models(asked.settings, restores=False)
    return _answer(work.looked_at(asked), answers.Looked)


def models() -> dict[str, Any]:
    """List every model that can be chosen by name, whether its weights are present or not."""
    runtime = weights.listed(warm_session.runtime())
    rows = [_row(spec, weights.is_present(spec, runtime)) for spec in weights.available(runtime)]
    together = {title: list(names) for title, names in background_fetch.together().items()}
    return {"models": rows, "together": together, "host_upscalers": list(runtime.other_upscalers.names())}


def status() -> dict[str, Any]:
    """Tell the device, the loaded networks, the state of fetching and the limits. Does not wait for a running job."""
    runtime = warm_session.runtime()
    flags = ("no_facerestore", "no_facerestore_upscale")
    return {
        "version": VERSION,
        "device": runtime.device,
        "precision": runtime.precision,
        "warm": [{"role": role, "name": name} for role, name in warm_session.warm()],
        "fetch": _fetch_state(),
        "limits": {
            "pictures": pictures.MOST_PICTURES,
            "body_bytes": pictures.MOST_BODY_BYTES,
            "picture_megapixels": pictures.MOST_MEGAPIXELS,
            "result_megapixels": pictures.MOST_RESULT_MEGAPIXELS,
        },
        "switched_off": [f"--{name.replace('_', '-')}" for name in flags if base.flag(name, False)],
    }


def fetch(body: Body = _BODY) -> dict[str, Any]:
    """Begin to fetch official models by name; GET /facerestore/status tells how far it is."""
    names = tuple(dict.fromkeys(part for name in model_names(body) for part in _parts(name)))
    if background_fetch.start(names) is None:
        raise Refused(409, "Something is being fetched already; GET /facerestore/status tells how far it is.")
    return _fetch_state()


def stop_fetching() -> dict[str, Any]:
    """Stop fetching. What has come in is kept, and the next request to fetch the same model continues there."""
    background_fetch.stop()
    return _fetch_state()


def _answer(outcomes: Iterable[dict[str, Any] | Fault], empty: Any, notices: Sequence[str] | None = None) -> Response:
    """Return the answer with all pictures: status 200 if any succeeded, otherwise the status of the first fault.

    empty: the schema of one picture, whose defaults are the answer for a fault. notices: left out of it where None.
    """
    blank = dict(vars(empty()))
    found = list(outcomes)
    pictures = [{**blank, "error": one.sentence} if isinstance(one, Fault) else one for one in found]
    content: dict[str, Any] = {"pictures": pictures} | ({} if notices is None else {"notices": list(notices)})
    first = found[0]
    if isinstance(first, Fault) and all(isinstance(one, Fault) for one in found):
        return JSONResponse({"detail": first.sentence, **content}, first.status)
    return JSONResponse(content)


def _row(spec: ModelSpec, is_present: bool) -> dict[str, Any]:
    """Return one model as `answers.Model` describes it."""
    return {
        "name": spec.name, "kinds": list(spec.kinds), "is_present": is_present,
        "can_be_fetched": spec.remote is not None, "licence": spec.licence, "licence_note": spec.licence_note,
        "is_commercial": spec.is_commercial, "size_bytes": spec.size_bytes, "scale": spec.scale,
        "abilities": list(spec.abilities),
    }  # fmt: skip


def _parts(name: str) -> tuple[str, ...]:
    """Return the names of the models that a name stands for: several that belong together, or one.

    Raises: Refused, with the nearest names, for an unknown one.
    """
    together = background_fetch.together()
    if name in together:
        return together[name]
    rows = background_fetch.official()
    alike = next((spec.name for spec in rows if spec.name.lower() == name.lower().strip()), None)
    if alike is None:
        raise Refused(
            422, f"No model to fetch is named {name[:60]!r}; use {catalogue.unknown_name('', name, rows).allowed}."
        )
    return (alike,)


def _fetch_state() -> dict[str, Any]:
    """Return what `answers.FetchState` describes; {} before anything was fetched."""
    last = background_fetch.last()
    if last is None:
        return {}
    is_running, lines, (done, total) = last.so_far()
    runtime = warm_session.runtime()
    return {
        "is_running": is_running, "names": list(last.names),
        "lines": [without_paths(line, runtime) for line in lines],
        "done_bytes": done, "total_bytes": total,
    }  # fmt: skip
