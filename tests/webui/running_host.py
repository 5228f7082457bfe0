"""Starts a host with our extension, the stub or a real one, and talks to it over HTTP."""

from __future__ import annotations

import base64
import io
import json
import os
import shlex
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
STUB = ROOT / "tests" / "host"
REAL_FOLDER = "FACERESTORE_WEBUI"
REAL_FLAGS = "FACERESTORE_WEBUI_FLAGS"
START_LIMIT_S = 300
NEIGHBOURS = {"photo_extension": STUB / "photo_extension", "failing_extension": HERE / "failing_extension"}


@dataclass
class Host:
    """A host that answers. outputs: where it saves pictures; log: what it printed, growing."""

    name: str
    port: int
    outputs: Path
    log: Path
    process: subprocess.Popen

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}"

    def call(self, path, body=None):
        """The answer of a route as JSON; an HTTP error as (status, text)."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=300) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def generate(self, tab="txt2img", *, face=None, photo=None, failing="", **fields):
        """A generation by API: pictures, infotexts and the files that it wrote."""
        scripts = {"Photograph": {"args": [str(photo) if photo else "-"]}, "Failing": {"args": [failing]}}
        if face is not None:
            scripts["Face restore"] = {"args": face}
        body = {
            "prompt": "a portrait", "seed": 7, "steps": 1, "cfg_scale": 1, "width": 192, "height": 160,
            "sampler_name": "Euler", "alwayson_scripts": scripts, **fields,
        }  # fmt: skip
        before = self.files()
        seen = len(self.log.read_text())
        answer = self.call(f"/sdapi/v1/{tab}", body)
        assert isinstance(answer, dict), answer
        info = json.loads(answer["info"])
        return Made(
            [decoded(text) for text in answer["images"]],
            info["infotexts"],
            sorted(self.files() - before, key=lambda path: path.stem),
            self.log.read_text()[seen:],
        )

    def set_options(self, **options):
        """Options of the host, which stay until they are set again."""
        self.call("/sdapi/v1/options", options)

    def files(self):
        """All pictures saved so far."""
        return {path for path in self.outputs.rglob("*") if path.suffix in (".png", ".jpg", ".webp")}

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@dataclass
class Made:
    """What one request made. log: what the host printed meanwhile."""

    images: list
    infotexts: list
    files: list
    log: str

    @property
    def statuses(self):
        """Our lines in the log."""
        return [line.split("] ", 1)[1] for line in self.log.splitlines() if line.startswith("[Face restore]")]


def start_stub(kind, folder, *flags, with_us=True, extra=(), environment=None):
    """The stub host of an environment, "gradio3" or "gradio4"."""
    sys.path.insert(0, str(STUB))
    import environments

    environments.build(kind)
    folder.mkdir(parents=True, exist_ok=True)
    extensions = [f"sd-webui-facerestore={ROOT}"] if with_us else []
    extensions += [f"{name}={path}" for name, path in NEIGHBOURS.items()] + list(extra)
    port = free_port()
    command = [str(environments.python(kind)), str(STUB / "stub" / "launch.py"), "--port", str(port)]
    command += ["--data-dir", str(folder)]
    for extension in extensions:
        command += ["--extension", extension]
    return _started(f"stub-{kind}", [*command, *flags], folder, folder, port, environment)


def start_real(folder, *flags, with_us=True, environment=None):
    """The WebUI in a folder, with the Python of its venv; our extension and the neighbours are linked while it runs."""
    folder = Path(folder)
    port = free_port()
    for name, path in {"sd-webui-facerestore": ROOT, **NEIGHBOURS}.items():
        link = folder / "extensions" / name
        if link.is_symlink():
            link.unlink()
        if with_us or name != "sd-webui-facerestore":
            link.symlink_to(path)
    command = [str(folder / "venv" / "bin" / "python"), "launch.py", "--api", "--port", str(port)]
    command += [*shlex.split(os.environ.get(REAL_FLAGS, "")), *flags]
    return _started(folder.name, command, folder, folder / "outputs", port, environment)


def _started(name, command, cwd, outputs, port, environment):
    log = Path(cwd) / f"facerestore-test-{port}.log"
    variables = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1", **(environment or {})}
    with log.open("w") as stream:
        process = subprocess.Popen(command, cwd=cwd, stdout=stream, stderr=subprocess.STDOUT, env=variables)
    deadline = time.monotonic() + START_LIMIT_S
    # A request during start-up breaks some hosts, so the log is read instead.
    while "Startup time" not in log.read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise RuntimeError(f"{name} did not start:\n{log.read_text()[-3000:]}")
        time.sleep(0.2)
    return Host(name, port, Path(outputs), log, process)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def decoded(text):
    """A picture of an API answer, with its text."""
    image = Image.open(io.BytesIO(base64.b64decode(text.split(",")[-1])))
    image.load()
    return image


def encoded(image):
    """A picture for an API request."""
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()
