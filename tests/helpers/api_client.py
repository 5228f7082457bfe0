"""Requests to our routes with any body and headers, and pictures of their answers."""

from __future__ import annotations

import base64
import http.client
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib_facerestore.engine.data import Picture
from lib_facerestore.engine.pixels import ReadLimits
from lib_facerestore.engine.pixels.decode import decode
from stub_host.process import Host

LIMIT_S = 120
JSON = {"Content-Type": "application/json"}


@dataclass
class Reply:
    """An answer as it came."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    def picture(self, index: int = 0) -> Picture:
        """A decoded picture of the answer, with all that its file holds."""
        data = base64.b64decode(self.json["pictures"][index]["picture"])
        return decode(data, "answer", ReadLimits())


def send(host: Host, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Reply:
    """Any request. body: bytes, an iterator of bytes for one of unknown length, or what JSON can hold."""
    connection = http.client.HTTPConnection("127.0.0.1", host.port, timeout=LIMIT_S)
    if body is not None and not isinstance(body, (bytes, Iterator)):
        body, headers = json.dumps(body).encode(), {**JSON, **(headers or {})}
    try:
        connection.request(method, path, body, headers or {}, encode_chunked=isinstance(body, Iterator))
        answer = connection.getresponse()
        return Reply(answer.status, dict(answer.getheaders()), answer.read().decode())
    finally:
        connection.close()


def post(host: Host, path: str, body: Any, headers: Mapping[str, str] | None = None) -> Reply:
    """POST to one of our routes."""
    return send(host, "POST", f"/facerestore/{path}", body, headers)


def get(host: Host, path: str, headers: Mapping[str, str] | None = None) -> Reply:
    """GET from one of our routes."""
    return send(host, "GET", f"/facerestore/{path}", headers=headers)


def upload(
    host: Host, path: str, fields: Iterable[tuple[str, str | bytes]], headers: Mapping[str, str] | None = None
) -> Reply:
    """POST a form. fields: (name, text or bytes of a file)."""
    mark = uuid.uuid4().hex
    parts = b""
    for name, value in fields:
        file = '; filename="a.png"' if isinstance(value, bytes) else ""
        data = value if isinstance(value, bytes) else value.encode()
        parts += f'--{mark}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + data + b"\r\n"
    kind = {"Content-Type": f"multipart/form-data; boundary={mark}"}
    return post(host, path, parts + f"--{mark}--\r\n".encode(), {**kind, **(headers or {})})


def base64_of(data: Path | bytes) -> str:
    """A file's path or bytes in base64."""
    return base64.b64encode(data.read_bytes() if isinstance(data, Path) else data).decode()
