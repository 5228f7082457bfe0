"""A host with our extension, the stub or a real one: generates, and tells what came of it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from PIL import Image, ImageOps

from stub_host import environments, process
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
HOSTS = ["real"] if os.environ.get(REAL_FOLDER) else list(STUBS)
# For tests that say the same of both stubs: `make test` runs them under Forge's gradio, which more people use, and
# every feature of theirs once under the other (test_host_matrix.py); `make test-long` runs the rest.
MOSTLY_FORGE = HOSTS if HOSTS == ["real"] else [pytest.param("gradio3", marks=pytest.mark.long), "gradio4"]
OURS = "sd-webui-facerestore"
NEIGHBOURS = {
    "photo_extension": STUB / "photo_extension",
    "failing_extension": EXTENSIONS / "failing_extension",
    "lending_extension": EXTENSIONS / "lending_extension",
}
# The size of every generation; a face of 46 px, the embedded restorer's smallest and quickest input.
SIZE_WH = (192, 160)


class Host(process.Host):
    """A running host, with the neighbours and mostly with us."""

    def generate(
        self,
        tab: str = "txt2img",
        *,
        face: list[Any] | None = None,
        photo: Path | str | None = None,
        failing: str = "",
        neighbours: Mapping[str, list[Any]] | None = None,
        **fields: Any,
    ) -> Made:
        """A generation by API: pictures, infotexts and the files that it wrote. neighbours: arguments by title."""
        scripts: dict[str, Any] = {
            "Photograph": {"args": [str(photo) if photo else "-"]},
            "Failing": {"args": [failing]},
        }
        scripts |= {title: {"args": args} for title, args in (neighbours or {}).items()}
        if face is not None:
            scripts["Face restore"] = {"args": face}
        body: dict[str, Any] = {
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

    images: list[Image.Image]
    infotexts: list[str]
    files: list[Path]
    log: str

    @property
    def statuses(self) -> list[str]:
        """Our lines in the log."""
        return [line.split("] ", 1)[1] for line in self.log.splitlines() if line.startswith("[Face restore]")]


def make_portrait(path: Path) -> Path:
    """Write a photograph with one face in that size."""
    photograph = Image.open(ROOT / "samples" / "photographs" / "astronaut.jpg").convert("RGB")
    ImageOps.fit(photograph, SIZE_WH, Image.Resampling.LANCZOS).save(path)
    return path


def start_stub(
    kind: str,
    folder: Path,
    *flags: str,
    with_us: bool = True,
    extra: Mapping[str, Path] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Host:
    """The stub host of an environment, "gradio3" or "gradio4". extra: further extensions by name."""
    port = free_port()
    extensions = {**({OURS: ROOT} if with_us else {}), **NEIGHBOURS, **(extra or {})}
    command = process.stub_command(kind, folder, port, extensions, *flags)
    return Host(f"stub-{kind}", command, folder, port, environment)


def start_kind(
    kind: str,
    folder: Path,
    *flags: str,
    extra: Mapping[str, Path] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Host:
    """The stub as one kind of host, "a1111", "forge" …, with the packages of that host as far as we have them."""
    packages = process.ENVIRONMENTS[kind]
    host = start_stub(packages, folder, "--kind", kind, *flags, extra=extra, environment=environment)
    host.name = f"stub-{kind}"
    return host


class RealHost(Host):
    """A WebUI that somebody uses: its settings are put back when it stops, and the links when the last one stops."""

    running = 0
    links: ClassVar[set[Path]] = set()

    def __init__(
        self,
        folder: Path,
        linked: Mapping[str, Path],
        command: list[str],
        port: int,
        environment: Mapping[str, str] | None,
    ) -> None:
        RealHost.links |= {folder / "extensions" / name for name in linked}
        RealHost.running += 1
        paths = [folder / "config.json", folder / "ui-config.json"]
        self._kept = {path: path.read_bytes() if path.is_file() else None for path in paths}
        super().__init__(folder.name, command, folder, port, environment)

    def stop(self) -> None:
        super().stop()
        RealHost.running -= 1
        for path, content in self._kept.items():
            if content is None:
                path.unlink(missing_ok=True)
            else:
                path.write_bytes(content)
        if not RealHost.running:
            for link in RealHost.links:
                link.unlink(missing_ok=True)
            RealHost.links.clear()


def start_real(
    name: str,
    *flags: str,
    with_us: bool = True,
    extra: Mapping[str, Path] | None = None,
    environment: Mapping[str, str] | None = None,
) -> RealHost:
    """The WebUI in a folder, with the Python of its venv; our extension and the neighbours are linked while it runs.

    extra: further extensions by name, as for the stub.
    """
    folder = Path(name)
    port = free_port()
    extensions = {OURS: ROOT, **NEIGHBOURS, **(extra or {})}
    for title, path in extensions.items():
        link = folder / "extensions" / title
        if link.is_symlink():
            link.unlink()
        if with_us or title != OURS:
            link.symlink_to(path)
    command = [str(folder / "venv" / "bin" / "python"), "launch.py", "--api", "--port", str(port)]
    command += [*shlex.split(os.environ.get(REAL_FLAGS, "")), *flags]
    variables = {"PYTHONPATH": os.environ.get(REAL_PATH, ""), **(environment or {})}
    return RealHost(folder, extensions, command, port, variables)


def started(
    kind: str,
    tmp_path_factory: pytest.TempPathFactory,
    *flags: str,
    environment: Mapping[str, str] | None = None,
) -> Host:
    """One of HOSTS with flags of its own, for `with`."""
    if kind == "real":
        return start_real(os.environ[REAL_FOLDER], *flags, environment=environment)
    return start_stub(kind, tmp_path_factory.mktemp(kind), *flags, environment=environment)
