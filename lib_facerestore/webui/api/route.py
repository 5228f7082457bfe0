"""What all routes share: the host's credentials, the limit of a body's size, and the form of a refusal.

Does not know what any route does.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from fastapi import Depends, HTTPException, Request
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from starlette.exceptions import HTTPException as AnyHTTPException

from lib_facerestore.hosts import credentials
from lib_facerestore.webui import warm_session
from lib_facerestore.webui.api.faults import fault
from lib_facerestore.webui.api.pictures import MOST_BODY_BYTES
from lib_facerestore.webui.api.requests import Body, Refused

_JSON, _FORM = "application/json", "multipart/form-data"
_given_credentials = Depends(HTTPBasic())


class Route(APIRoute):  # type: ignore[misc]  # fastapi has no types here
    """A route that answers refusals and errors itself.

    The hosts' own handlers of exceptions lose the headers of a refusal and show the text of any exception to callers.
    """

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:
        """Return fastapi's handler of requests, wrapped so that each of its exceptions becomes an answer."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except AnyHTTPException as refusal:  # starlette's class: reading a form raises it, not fastapi's
                return refused(refusal.status_code, str(refusal.detail), getattr(refusal, "headers", None))
            except Refused as refusal:
                return refused(refusal.status, refusal.sentence)
            except Exception as error:
                told = fault(error, f"answering {self.path}", warm_session.runtime())
                return refused(told.status, told.sentence)

        return answer


def refused(status: int, sentence: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """Return the answer to a request that is refused or has failed. sentence: may hold what UTF-8 cannot."""
    words = sentence.encode("utf-8", "backslashreplace").decode("utf-8")
    return JSONResponse({"detail": words}, status, headers)


def guards() -> list[Any]:
    """Return the dependencies that check a request before its body is read.

    They ask for the same credentials as the host's own API; there are none where the host asks for none.
    """
    if not credentials.are_wanted():
        return []
    pairs = credentials.pairs()

    def check(given: HTTPBasicCredentials = _given_credentials) -> None:
        wanted = f"{given.username}:{given.password}".encode()
        # All pairs are compared, so that the time does not tell a caller which one begins alike.
        if not any([secrets.compare_digest(pair.encode(), wanted) for pair in pairs]):  # noqa: C419
            raise HTTPException(401, "Incorrect username or password", {"WWW-Authenticate": "Basic"})

    return [Depends(check)]


async def read_body(request: Request) -> Body:
    """Read the body of a request, JSON or a form.

    Raises: HTTPException for another kind, a body larger than the limit, a form of another site's page, and a form that
    cannot be read.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (_JSON, _FORM):
        raise HTTPException(415, f"Send {_JSON} or {_FORM}.")
    if request.headers.get("content-length", "0").isdecimal():
        _check_size(int(request.headers.get("content-length", "0")))
    limited = Request(request.scope, _limited(request.receive))
    if kind == _JSON:
        return Body(json=await limited.body())
    _check_origin(request)
    return Body(form=await _form(limited))


def _check_origin(request: Request) -> None:
    """Refuse a form that a page of another site sends. JSON needs no check: browsers ask the host before they send it.

    Raises: HTTPException.
    """
    origin = request.headers.get("origin")
    if origin is not None and origin.partition("://")[2] != request.headers.get("host"):
        raise HTTPException(403, "Forms of other sites' pages are refused; send JSON.")


def _limited(receive: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[MutableMapping[str, Any]]]:
    """Return a `receive` that refuses a body once it is larger than the limit: not every request tells its length."""
    seen_bytes = 0

    async def counted() -> MutableMapping[str, Any]:
        nonlocal seen_bytes
        message: MutableMapping[str, Any] = await receive()
        seen_bytes += len(message.get("body", b""))
        _check_size(seen_bytes)
        return message

    return counted


def _check_size(size_bytes: int) -> None:
    """Raises: HTTPException where the size is larger than the limit of a body."""
    if size_bytes > MOST_BODY_BYTES:
        raise HTTPException(413, f"The body is larger than the limit of {MOST_BODY_BYTES >> 20} MB.")


async def _form(request: Request) -> dict[str, list[str | bytes]]:
    """Return field → values of a form, files as bytes. Raises: HTTPException where the form cannot be read."""
    try:
        async with request.form() as form:
            fields: dict[str, list[str | bytes]] = {}
            for name, value in form.multi_items():
                fields.setdefault(name, []).append(value if isinstance(value, str) else await value.read())
            return fields
    except ValueError as error:  # what python-multipart raises for a broken form
        raise HTTPException(400, "The body is no form that can be read.") from error
