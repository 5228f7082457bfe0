"""Starts the stub host as a process of its own and speaks to it. Used by tests; knows nothing of what they check."""

from __future__ import annotations

import base64
import io
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import environments
from PIL import Image

LAUNCH = Path(__file__).resolve().parent / "stub" / "launch.py"


class Answer(dict):
    """A JSON answer with its HTTP status."""

    status = 200

    def pictures(self) -> list[Image.Image]:
        """Decoded pictures of a generation or Extras."""
        encoded = self["images"] if "images" in self else [self["image"]]
        return [Image.open(io.BytesIO(base64.b64decode(one))) for one in encoded]

    def infotexts(self) -> list[str]:
        """Texts of a generation."""
        return json.loads(self["info"])["infotexts"]


def encoded(image: Image.Image) -> str:
    """A picture as PNG in base64."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class StubHost:
    """One running stub. Use as a context manager."""

    def __init__(self, kind: str, data: Path, extensions: list[str], *flags: str, **environment: str) -> None:
        self.kind = kind
        self.data = data
        self.port = free_port()
        self.log = data.parent / f"{data.name}.log"
        linked = [word for one in extensions for word in ("--extension", one)]
        self._process = subprocess.Popen(
            [str(environments.python(kind)), str(LAUNCH), "--port", str(self.port), "--data-dir", str(data)]
            + [*linked, *flags],
            env={**os.environ, "OMP_NUM_THREADS": "1", "GRADIO_ANALYTICS_ENABLED": "False", **environment},
            stdout=self.log.open("w"),
            stderr=subprocess.STDOUT,
        )
        self.wait_for_start(1)

    def __enter__(self) -> StubHost:
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.terminate()
        self._process.wait(20)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait_for_start(self, times: int, seconds: float = 120) -> None:
        """Until the log tells of the n-th start; a request during a start disturbs hosts. Raises RuntimeError."""
        deadline = time.monotonic() + seconds
        while self.log.read_text(errors="replace").count("Startup time") < times:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"The stub host did not start:\n{self.log.read_text()[-3000:]}")
            time.sleep(0.1)

    def call(self, path: str, body: dict | None = None) -> Answer:
        """GET without a body, POST with one; also answers with an error status are returned."""
        request = urllib.request.Request(
            self.address + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as response:
                said, status = json.load(response), response.status
        except urllib.error.HTTPError as error:
            said, status = json.loads(error.read() or "{}"), error.code
        answer = Answer(said if isinstance(said, dict) else {"list": said})
        answer.status = status
        return answer

    def txt2img(self, **fields: object) -> Answer:
        """A small generation."""
        return self.call("/sdapi/v1/txt2img", {"seed": 7, "steps": 2, "width": 192, "height": 128, **fields})

    def img2img(self, image: Image.Image, **fields: object) -> Answer:
        """A small generation from a picture."""
        base = {"seed": 7, "steps": 2, "width": 192, "height": 128, "init_images": [encoded(image)]}
        return self.call("/sdapi/v1/img2img", {**base, **fields})

    def files(self, pattern: str = "*") -> list[str]:
        """Names of the files below outputs/, sorted."""
        return sorted(path.name for path in (self.data / "outputs").rglob(pattern) if path.is_file())


def encoded_file(path: Path) -> str:
    """A file in base64."""
    return base64.b64encode(path.read_bytes()).decode()
