"""A host with our extension, the stub or a real one: generates, and tells what came of it."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps

from stub_host import environments
from stub_host import process as stub_host
from stub_host.process import free_port

ROOT = Path(__file__).resolve().parents[2]
EXTENSIONS = ROOT / "tests" / "webui" / "extensions"
STUB = ROOT / "tests" / "stub_host"


REAL_FOLDER = "FACERESTORE_WEBUI"
REAL_FLAGS = "FACERESTORE_WEBUI_FLAGS"
# Where the wheels with the embedded weights were unpacked for the host's Python, if not in its own environment.
REAL_PATH = "FACERESTORE_WEBUI_PYTHONPATH"
STUBS = environments.FOR_ALL_TESTS
# What the tests run on: both stubs, or the real host that the environment names.
HOSTS = ["real"] if os.environ.get(REAL_FOLDER) else STUBS
OURS = "sd-webui-facerestore"
NEIGHBOURS = {
    "photo_extension": STUB / "photo_extension",
    "failing_extension": EXTENSIONS / "failing_extension",
    "lending_extension": EXTENSIONS / "lending_extension",
}


# The size of every generation; a face of 46 px, the embedded restorer's smallest and quickest input.
SIZE_WH = (192, 160)


class Host(stub_host.Host):
    """A running host, with the neighbours and mostly with us."""

    def generate(self, tab="txt2img", *, face=None, photo=None, failing="", neighbours=None, **fields):
        """A generation by API: pictures, infotexts and the files that it wrote. neighbours: arguments by title."""
        scripts = {"Photograph": {"args": [str(photo) if photo else "-"]}, "Failing": {"args": [failing]}}
        scripts |= {title: {"args": args} for title, args in (neighbours or {}).items()}
        if face is not None:
            scripts["Face restore"] = {"args": face}
        body = {
            "prompt": "a portrait", "seed": 7, "steps": 1, "cfg_scale": 1, "width": 192, "height": 160,
            "sampler_name": "Euler", "alwayson_scripts": scripts, **fields,
        }  # fmt: skip
        before = self.files()
        seen = len(self.said())
        answer = self.call(f"/sdapi/v1/{tab}", body)
        assert answer.status == 200, answer
        written = sorted(self.files() - before, key=lambda path: path.stem)
        return Made(answer.pictures(), answer.infotexts(), written, self.said()[seen:])


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


def make_portrait(path):
    """Write a photograph with one face in that size."""
    photograph = Image.open(ROOT / "samples" / "photographs" / "astronaut.jpg").convert("RGB")
    ImageOps.fit(photograph, SIZE_WH, Image.Resampling.LANCZOS).save(path)
    return path


def start_stub(kind, folder, *flags, with_us=True, extra=None, environment=None):
    """The stub host of an environment, "gradio3" or "gradio4". extra: further extensions by name."""
    port = free_port()
    extensions = {**({OURS: ROOT} if with_us else {}), **NEIGHBOURS, **(extra or {})}
    command = stub_host.stub_command(kind, folder, port, extensions, *flags)
    return Host(f"stub-{kind}", command, folder, port, environment)


def start_kind(kind, folder, *flags, extra=None, environment=None):
    """The stub as one kind of host, "a1111", "forge" …, with the packages of that host as far as we have them."""
    packages = stub_host.ENVIRONMENTS[kind]
    host = start_stub(packages, folder, "--kind", kind, *flags, extra=extra, environment=environment)
    host.name = f"stub-{kind}"
    return host


class RealHost(Host):
    """A WebUI that somebody uses: its settings are put back when it stops, and the links when the last one stops."""

    running = 0

    def __init__(self, folder, linked, *arguments):
        self._links = [folder / "extensions" / name for name in linked]
        RealHost.running += 1
        paths = [folder / "config.json", folder / "ui-config.json"]
        self._kept = {path: path.read_bytes() if path.is_file() else None for path in paths}
        super().__init__(folder.name, *arguments)

    def stop(self):
        super().stop()
        RealHost.running -= 1
        for path, content in self._kept.items():
            path.unlink(missing_ok=True) if content is None else path.write_bytes(content)
        for link in () if RealHost.running else self._links:
            link.unlink(missing_ok=True)


def start_real(folder, *flags, with_us=True, extra=None, environment=None):
    """The WebUI in a folder, with the Python of its venv; our extension and the neighbours are linked while it runs.

    extra: further extensions by name, as for the stub.
    """
    folder = Path(folder)
    port = free_port()
    extensions = {OURS: ROOT, **NEIGHBOURS, **(extra or {})}
    for name, path in extensions.items():
        link = folder / "extensions" / name
        if link.is_symlink():
            link.unlink()
        if with_us or name != OURS:
            link.symlink_to(path)
    command = [str(folder / "venv" / "bin" / "python"), "launch.py", "--api", "--port", str(port)]
    command += [*shlex.split(os.environ.get(REAL_FLAGS, "")), *flags]
    environment = {"PYTHONPATH": os.environ.get(REAL_PATH, ""), **(environment or {})}
    return RealHost(folder, extensions, command, folder, port, environment)


def started(kind, tmp_path_factory, *flags, environment=None):
    """One of HOSTS with flags of its own, for `with`."""
    if kind == "real":
        return start_real(os.environ[REAL_FOLDER], *flags, environment=environment)
    return start_stub(kind, tmp_path_factory.mktemp(kind), *flags, environment=environment)
