"""A web server on this machine whose answers a test writes down, one after the other."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from lib_facerestore.models.catalogue import RemoteFile
from lib_facerestore.models.fetching import FetchPolicy

Answer = Callable[["Handler"], None]
# 40 KB/s: whoever stops is heard within a tenth of a second, and 4 MB take longer than any test looks on.
SLOW_PIECE_BYTES, SLOW_PAUSE_S = 4096, 0.1


@dataclass
class Asked:
    """One request as it came; sent_bytes is how much of a body went out."""

    path: str
    range: str | None
    sent_bytes: int = 0


@dataclass
class WebServer:
    """Answers each path with its list in turn; the last one again and again. Unknown paths get 404."""

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> WebServer:
        # A class of its own, because a handler is made by the server and knows nothing but its class.
        handler = type("HandlerOfThis", (Handler,), {"script": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads, self._server.block_on_close = True, False
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self._server.server_address[1]}{path}"

    def remote(self, content: bytes, *paths: str) -> RemoteFile:
        """A row of the catalogue for the file model.pth with that content, at these paths of the server."""
        urls = tuple(self.url(path) for path in paths or ("/model.pth",))
        return RemoteFile("model.pth", urls, len(content), hashlib.sha256(content).hexdigest())


class Handler(BaseHTTPRequestHandler):
    """Hands a request to the script."""

    script: WebServer

    def do_GET(self) -> None:
        self.asked = Asked(self.path, self.headers.get("Range"))
        self.script.asked.append(self.asked)
        answers = self.script.answers.get(self.path, [status(404)])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        answer(self)

    def begin(self, code: int, **headers: object) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def body(self, data: bytes) -> None:
        try:
            self.wfile.write(data)
            self.wfile.flush()
            self.asked.sent_bytes += len(data)
        except ConnectionError:  # the one who asked has left, as some tests want
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Silence."""


def whole(content: bytes, has_ranges: bool = True, pause_s: float = 0.0) -> Answer:
    """The file, or the range that was asked for; with a pause in the middle of the body."""

    def answer(handler: Handler) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-", handler.asked.range or "") if has_ranges else None
        start = int(asked[1]) if asked else 0
        if asked and start >= len(content):
            return handler.begin(416, Content_Range=f"bytes */{len(content)}", Content_Length=0)
        rest = content[start:]
        headers = {"Content_Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if asked else {}
        handler.begin(206 if asked else 200, Content_Length=len(rest), **headers)
        handler.body(rest[: len(rest) // 2])
        handler.script.over.wait(pause_s)
        handler.body(rest[len(rest) // 2 :])

    return answer


def cut(content: bytes, at: int, holds: bool = False) -> Answer:
    """The first bytes of a body whose length was promised; then the end, or silence until the server stops."""

    def answer(handler: Handler) -> None:
        handler.begin(200, Content_Length=len(content))
        handler.body(content[:at])
        if holds:
            handler.script.over.wait(30)
        handler.close_connection = True

    return answer


def slow(content: bytes, at: int) -> Answer:
    """The first bytes at once, the rest a little at a time for minutes, until the one who asked leaves."""

    def answer(handler: Handler) -> None:
        handler.begin(200, Content_Length=len(content))
        handler.body(content[:at])
        for start in range(at, len(content), SLOW_PIECE_BYTES):
            if handler.close_connection or handler.script.over.wait(SLOW_PAUSE_S):
                break
            handler.body(content[start : start + SLOW_PIECE_BYTES])
        handler.close_connection = True

    return answer


def status(code: int, **headers: object) -> Answer:
    """No body, only a status."""
    return lambda handler: handler.begin(code, Content_Length=0, **headers)


def page(text: str) -> Answer:
    """A web page with status 200, as hotel networks send it for any address."""

    def answer(handler: Handler) -> None:
        handler.begin(200, Content_Type="text/html; charset=utf-8", Content_Length=len(text))
        handler.body(text.encode())

    return answer


def quick(**changes: Any) -> FetchPolicy:
    """A policy for this machine: plain http, short waits."""
    usual = {"allowed": True, "any_host": True, "timeout_s": 0.5, "attempts": 3, "backoff_s": 0.02}
    return FetchPolicy(**{**usual, **changes})
