"""Opening one address: which hosts are allowed, redirects, what an answer means. Writes nothing."""

from __future__ import annotations

import errno
import http.client
import os
import re
import socket
import ssl
import urllib.error
import urllib.request
from contextlib import closing
from dataclasses import dataclass
from email.message import Message
from typing import IO
from urllib.parse import urlsplit

from lib_facerestore.models.checkpoints import plain_bytes
from lib_facerestore.version import VERSION

# Where the catalogue's files are, and where those two sites redirect a download to.
CATALOGUE_HOSTS = frozenset(
    {
        "github.com",
        "objects.githubusercontent.com",
        "release-assets.githubusercontent.com",
        "huggingface.co",
        "cdn-lfs.huggingface.co",
        "cdn-lfs.hf.co",
        "cas-bridge.xethub.hf.co",
    }
)
_NO_ROUTE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL})
_RETRIED_STATUS = frozenset({408, 429})  # and every 5xx


class GaveUp(Exception):
    """This address will not give the file; the text says why, without capital letter or full stop."""


class OtherSize(GaveUp):
    """This address has a file of that name, of another size."""

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(f"{found}, expected {expected}")
        self.found, self.expected = found, expected


class TryAgain(Exception):
    """A failure that may be over in a moment."""

    def __init__(self, reason: str, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.reason, self.wait_s = reason, wait_s


class RangeRefused(TryAgain):
    """The server cannot go on where the temporary file ends (416, or another range), so the file starts anew."""


class NoRoute(TryAgain):
    """Nothing answers there: no network, no such host, nobody listening, or a proxy that lets nothing through."""


@dataclass(frozen=True)
class FetchPolicy:
    """What fetching may do. Not allowed means that no socket is opened.

    base_urls: tried first, as base + file name; their hosts, plain http too, are trusted because a person named them.
    any_host: https is not required and redirects may go anywhere; the hash still decides.
    timeout_s: longest silence on a connection. attempts: failures in a row before the next URL is tried.
    """

    allowed: bool
    base_urls: tuple[str, ...] = ()
    any_host: bool = False
    timeout_s: float = 30.0
    attempts: int = 4
    backoff_s: float = 1.0

    @classmethod
    def from_environment(cls, allowed: bool = True) -> FetchPolicy:
        """The policy of FACERESTORE_OFFLINE, FACERESTORE_MIRROR and FACERESTORE_ANY_HOST.

        Anything but a no in FACERESTORE_OFFLINE is offline; anything but a yes in FACERESTORE_ANY_HOST is ignored.
        """
        is_offline = os.environ.get("FACERESTORE_OFFLINE", "").strip().lower() not in {"", "0", "no", "off", "false"}
        bases = re.split(r"[\s,]+", os.environ.get("FACERESTORE_MIRROR", ""))
        any_host = os.environ.get("FACERESTORE_ANY_HOST", "").strip().lower() in {"1", "yes", "on", "true"}
        return cls(allowed and not is_offline, tuple(base for base in bases if base), any_host)

    def refusal(self, url: str) -> str | None:
        """Why the URL may not be opened, or None where it may."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            return f"{parts.scheme}://{parts.hostname or ''} is no http or https address"
        if self.any_host or parts.hostname in map(host_of, self.base_urls):
            return None
        if parts.scheme != "https":
            return f"{parts.hostname} would be asked without https"
        if parts.hostname not in CATALOGUE_HOSTS:
            return f"{parts.hostname} is no host of the catalogue (FACERESTORE_ANY_HOST=1 allows any)"
        return None


class _GuardedRedirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect only where the policy would open the new address by itself."""

    http_error_308 = urllib.request.HTTPRedirectHandler.http_error_302  # not known to Python 3.10

    def __init__(self, policy: FetchPolicy) -> None:
        self.policy = policy

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request:
        refusal = self.policy.refusal(newurl)
        if refusal is not None:
            fp.close()
            raise GaveUp(f"{host_of(req.full_url)} redirected, but {refusal}")
        return urllib.request.Request(newurl, headers=dict(req.headers), unverifiable=True)


def host_of(url: str) -> str:
    """The host for a sentence; never the user name and password that a mirror's address may hold."""
    try:
        return urlsplit(url).hostname or "the address"
    except ValueError:
        return "the address"


def open_address(url: str, offset: int, policy: FetchPolicy) -> http.client.HTTPResponse:
    """Ask for the bytes from `offset` on.

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
    with closing(error):
        reason = f"{host_of(error.url or url)} answered {error.code} {error.reason}".strip()
        if error.code == 416:
            return RangeRefused(reason)
        if error.code in _RETRIED_STATUS or error.code >= 500:
            wait = error.headers.get("Retry-After", "")
            return TryAgain(reason, float(wait) if wait.isdecimal() else 0.0)
        return GaveUp(reason)


def _of_connection(error: Exception, url: str) -> Exception:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return GaveUp(f"the certificate of {host_of(url)} is not valid ({cause.verify_message})")
    if isinstance(cause, TimeoutError):
        return TryAgain(f"{host_of(url)} did not answer in time")
    kind = NoRoute if _is_no_route(cause) else TryAgain
    return kind(f"{host_of(url)} cannot be reached ({cause or type(cause).__name__})")


def _is_no_route(cause: BaseException | str) -> bool:
    """Whether another try a few seconds later would fail the same way."""
    tunnel = re.match(r"Tunnel connection failed: (\d+)", str(cause))
    if tunnel is not None:  # a proxy's answer, an OSError without a number
        return int(tunnel[1]) not in _RETRIED_STATUS
    return isinstance(cause, (socket.gaierror, ConnectionRefusedError)) or (
        isinstance(cause, OSError) and cause.errno in _NO_ROUTE
    )


def extent(response: http.client.HTTPResponse, asked: int, url: str, size_bytes: int) -> tuple[int, int]:
    """First byte of the body within the file, and bytes of the whole file (0: unknown).

    Raises: GaveUp or OtherSize where the body cannot be the file, RangeRefused where it is another part of it.
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
