"""Starts a host as a process of its own, the stub or another, and talks to it. Knows nothing of what tests check."""

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
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from stub_host import environments

if TYPE_CHECKING:
    from typing import Self

LAUNCH = Path(__file__).resolve().parent / "stub" / "launch.py"
# A real host on two busy cores; the stub takes 5 to 20 s.
START_LIMIT_S = 300
ANSWER_LIMIT_S = 300
# The environment whose packages a kind of host is tried with; SD.Next's own are newer than those of gradio3.
ENVIRONMENTS = {
    "a1111": "gradio3",
    "forge": "gradio4",
    "reforge": "gradio3",
    "classic": "gradio3",
    "neo": "neo",
    "sdnext": "gradio3",
}
# What the log says at the end of every start, on all hosts.
STARTED = "Startup time"


class Answer(dict[str, Any]):
    """A JSON answer with its HTTP status; a list stands under "list", words that are not JSON under "text"."""

    status = 200

    def pictures(self) -> list[Image.Image]:
        """Decoded pictures of a generation or Extras, with their texts."""
        return [decoded(one) for one in (self["images"] if "images" in self else [self["image"]])]

    def infotexts(self) -> list[str]:
        """Texts of a generation."""
        texts: list[str] = json.loads(self["info"])["infotexts"]
        return texts


class Host:
    """One running host. Use as a context manager. folder: where it keeps all it writes; log: what it printed."""

    def __init__(
        self, name: str, command: list[str], folder: Path, port: int, environment: Mapping[str, str] | None = None
    ) -> None:
        """Start and wait. Raises RuntimeError with the end of the log."""
        self.name = name
        self.folder = folder
        self.port = port
        self.outputs = folder / "outputs"
        self.outputs.mkdir(parents=True, exist_ok=True)
        self.log = folder / f"facerestore-test-{port}.log"
        variables = {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1", "GRADIO_ANALYTICS_ENABLED": "False"}
        with self.log.open("w") as stream:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env={**os.environ, **variables, **(environment or {})},
            )
        try:
            self.wait_for_start(1)
        except RuntimeError:
            self.stop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def said(self) -> str:
        """The log so far."""
        return self.log.read_text(errors="replace")

    def starts(self) -> int:
        """How often it has started: once, and once more with each Reload UI."""
        return self.said().count(STARTED)

    def wait_for_start(self, times: int) -> None:
        """Until the log tells of the n-th start; a request during a start disturbs hosts. Raises RuntimeError."""
        deadline = time.monotonic() + START_LIMIT_S
        while self.starts() < times:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} did not start:\n{self.said()[-3000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def call(self, path: str, body: object = None) -> Answer:
        """GET without a body, POST with one; also answers with an error status are returned."""
        request = urllib.request.Request(
            self.address + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_LIMIT_S) as response:
                text, status = response.read().decode(), response.status
        except urllib.error.HTTPError as error:
            text, status = error.read().decode(), error.code
        try:
            found = json.loads(text or "{}")
        except json.JSONDecodeError:
            found = {"text": text}
        answer = Answer(found if isinstance(found, dict) else {"list": found})
        answer.status = status
        return answer

    def set_options(self, **options: object) -> None:
        """Options of the host, which stay until they are set again."""
        self.call("/sdapi/v1/options", options)

    def files(self) -> set[Path]:
        """All pictures saved so far."""
        return {path for path in self.outputs.rglob("*") if path.suffix in (".png", ".jpg", ".webp")}


class StubHost(Host):
    """The stub of a kind, "gradio3" or "gradio4"; its environment is built where it is missing."""

    def __init__(self, kind: str, folder: Path, extensions: dict[str, Path], *flags: str, **environment: str) -> None:
        self.kind = kind
        port = free_port()
        command = stub_command(kind, folder, port, extensions, *flags)
        super().__init__(f"stub-{kind}", command, folder, port, environment)

    def txt2img(self, **fields: object) -> Answer:
        """A small generation."""
        return self.call("/sdapi/v1/txt2img", {"seed": 7, "steps": 2, "width": 192, "height": 128, **fields})

    def img2img(self, image: Image.Image, **fields: object) -> Answer:
        """A small generation from a picture."""
        base = {"seed": 7, "steps": 2, "width": 192, "height": 128, "init_images": [encoded(image)]}
        return self.call("/sdapi/v1/img2img", {**base, **fields})


def stub_command(kind: str, folder: Path, port: int, extensions: dict[str, Path], *flags: str) -> list[str]:
    """How to start a stub with extensions, by name; builds the environment of its kind first, unless it is there."""
    environments.build(kind)
    linked = [word for name, path in extensions.items() for word in ("--extension", f"{name}={path}")]
    command = [str(environments.python(kind)), str(LAUNCH), "--port", str(port), "--data-dir", str(folder), "--api"]
    return [*command, *linked, *flags]


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def encoded(image: Image.Image) -> str:
    """A picture as PNG in base64, for a request."""
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


def encoded_file(path: Path) -> str:
    """A file in base64."""
    return base64.b64encode(path.read_bytes()).decode()


def decoded(text: str) -> Image.Image:
    """A picture of an answer, with its text."""
    image = Image.open(io.BytesIO(base64.b64decode(text.split(",")[-1])))
    image.load()
    return image
