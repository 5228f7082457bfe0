"""Opens one address: follows allowed redirects, and tells what an answer or a failure means. Writes nothing."""

from __future__ import annotations

import errno
import http.client
import re
import socket
import ssl
import urllib.error
import urllib.request
from contextlib import closing
from email.message import Message
from typing import IO

from lib_facerestore.models.checkpoints import plain_bytes
from lib_facerestore.models.fetching.policy import FetchPolicy, host_of
from lib_facerestore.version import VERSION

_NO_ROUTE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL})
_RETRIED_STATUS = frozenset({408, 429})  # and every 5xx


class GaveUp(Exception):
    """This address does not give the file. The text is the reason, without capital letter and full stop."""


class OtherSize(GaveUp):
    """This address has a file of another size."""

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(f"{found}, expected {expected}")
        self.found, self.expected = found, expected


class TryAgain(Exception):
    """This attempt failed, and another one may succeed. wait_s: how long the server asks to wait, in seconds."""

    def __init__(self, reason: str, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.reason, self.wait_s = reason, wait_s


class RangeRefused(TryAgain):
    """The server does not continue where the temporary file ends, so the download starts at the first byte."""


class NoRoute(TryAgain):
    """No server answers there: no network, no such host, a closed port, or a proxy that refuses the connection."""


class _GuardedRedirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect only where the policy allows the new address."""

    http_error_308 = urllib.request.HTTPRedirectHandler.http_error_302  # not known to Python 3.10

    def __init__(self, policy: FetchPolicy) -> None:
        self.policy = policy

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request:
        """The request for the new address, with the same headers. Raises: GaveUp where the policy refuses it."""
        refusal = self.policy.refusal(newurl)
        if refusal is not None:
            fp.close()
            raise GaveUp(f"{host_of(req.full_url)} redirected, but {refusal}")
        return urllib.request.Request(newurl, headers=dict(req.headers), unverifiable=True)


def open_address(url: str, offset: int, policy: FetchPolicy) -> http.client.HTTPResponse:
    """Request the bytes of a file from `offset` on; the caller closes the response.

    Raises: GaveUp, TryAgain, NoRoute, RangeRefused.
    """
    headers = {"User-Agent": f"facerestore/{VERSION}", "Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
    try:
        refusal = policy.refusal(url)
        if refusal is not None:
            raise GaveUp(refusal)
        opener = urllib.request.build_opener(_GuardedRedirects(policy))
        response = opener.open(urllib.request.Request(url, headers=headers), timeout=policy.timeout_s)
    except urllib.error.HTTPError as error:
        raise _of_status(error, url) from error
    except ValueError as error:  # before OSError and HTTPException: an address that cannot be parsed stays so
        raise GaveUp(f"the address is not valid ({error})") from error
    except (OSError, http.client.HTTPException) as error:
        raise _of_connection(error, url) from error
    assert isinstance(response, http.client.HTTPResponse)
    return response


def _of_status(error: urllib.error.HTTPError, url: str) -> Exception:
    """The exception for a status that is no success: RangeRefused, TryAgain or GaveUp."""
    with closing(error):
        reason = f"{host_of(error.url or url)} answered {error.code} {error.reason}".strip()
        if error.code == 416:
            return RangeRefused(reason)
        if error.code in _RETRIED_STATUS or error.code >= 500:
            wait = error.headers.get("Retry-After", "")
            return TryAgain(reason, float(wait) if wait.isdecimal() else 0.0)
        return GaveUp(reason)


def _of_connection(error: Exception, url: str) -> Exception:
    """The exception for a connection that failed: GaveUp, TryAgain or NoRoute."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return GaveUp(f"the certificate of {host_of(url)} is not valid ({cause.verify_message})")
    if isinstance(cause, TimeoutError):
        return TryAgain(f"{host_of(url)} did not answer in time")
    kind = NoRoute if _is_no_route(cause) else TryAgain
    return kind(f"{host_of(url)} cannot be reached ({cause or type(cause).__name__})")


def _is_no_route(cause: BaseException | str) -> bool:
    """Whether an attempt a few seconds later would fail in the same way."""
    tunnel = re.match(r"Tunnel connection failed: (\d+)", str(cause))
    if tunnel is not None:  # the answer of a proxy, which is an OSError without an errno
        return int(tunnel[1]) not in _RETRIED_STATUS
    return isinstance(cause, (socket.gaierror, ConnectionRefusedError)) or (
        isinstance(cause, OSError) and cause.errno in _NO_ROUTE
    )


def extent(response: http.client.HTTPResponse, asked: int, url: str, size_bytes: int) -> tuple[int, int]:
    """Where the body of a response begins in the file, and the size of the whole file; both in bytes.

    asked: the first byte that was requested. size_bytes: the expected size, 0 where it is unknown; then the result's
    size may be 0 too.
    Raises: GaveUp or OtherSize where the body cannot be the file; RangeRefused where it is another part of the file.
    """
    if response.headers.get_content_type() == "text/html":
        raise GaveUp(f"{host_of(url)} sent a web page instead of the file")
    start, length = 0, response.headers.get("Content-Length", "")
    total = int(length) if length.isdecimal() else 0
    if response.status == 206:
        said = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        if said is None or int(said[1]) != asked:
            raise RangeRefused(f"{host_of(url)} sent another part of the file than the one asked for")
        start, total = asked, int(said[2]) if said[2].isdecimal() else 0
    if size_bytes and total and total != size_bytes:
        raise OtherSize(f"{host_of(url)} offers {plain_bytes(total)}", plain_bytes(size_bytes))
    return start, total or size_bytes
