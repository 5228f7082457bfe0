"""Requests to our routes with any body and headers, and pictures of their answers."""

from __future__ import annotations

import base64
import http.client
import json
import uuid
from dataclasses import dataclass
from pathlib import Path

from lib_facerestore.engine.pixels import ReadLimits
from lib_facerestore.engine.pixels.decode import decode

LIMIT_S = 120
JSON = {"Content-Type": "application/json"}


@dataclass
class Reply:
    """An answer as it came."""

    status: int
    headers: dict
    text: str

    @property
    def json(self):
        return json.loads(self.text)

    def picture(self, index=0):
        """A decoded picture of the answer, with all that its file holds."""
        data = base64.b64decode(self.json["pictures"][index]["picture"])
        return decode(data, "answer", ReadLimits())


def send(host, method, path, body=None, headers=None):
    """Any request. body: bytes, an iterator of bytes for one of unknown length, or what JSON can hold."""
    connection = http.client.HTTPConnection("127.0.0.1", host.port, timeout=LIMIT_S)
    if body is not None and not isinstance(body, bytes) and not hasattr(body, "__next__"):
        body, headers = json.dumps(body).encode(), {**JSON, **(headers or {})}
    try:
        connection.request(method, path, body, headers or {}, encode_chunked=hasattr(body, "__next__"))
        answer = connection.getresponse()
        return Reply(answer.status, dict(answer.getheaders()), answer.read().decode())
    finally:
        connection.close()


def post(host, path, body, headers=None):
    """POST to one of our routes."""
    return send(host, "POST", f"/facerestore/{path}", body, headers)


def get(host, path, headers=None):
    """GET from one of our routes."""
    return send(host, "GET", f"/facerestore/{path}", headers=headers)


def upload(host, path, fields, headers=None):
    """POST a form. fields: (name, text or bytes of a file)."""
    mark = uuid.uuid4().hex
    parts = b""
    for name, value in fields:
        file = '; filename="a.png"' if isinstance(value, bytes) else ""
        data = value if isinstance(value, bytes) else value.encode()
        parts += f'--{mark}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + data + b"\r\n"
    kind = {"Content-Type": f"multipart/form-data; boundary={mark}"}
    return post(host, path, parts + f"--{mark}--\r\n".encode(), {**kind, **(headers or {})})


def base64_of(data):
    """A file's path or bytes in base64."""
    return base64.b64encode(data.read_bytes() if isinstance(data, Path) else data).decode()
