"""What many tests share: the samples, a session with the embedded weights, pictures made of smooth noise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from xdist.remote import Producer

from helpers.support import smooth_noise
from helpers.web_server import WebServer
from helpers.work_units import ByFileAndHost
from lib_facerestore.engine.data import Face, Picture
from lib_facerestore.runtime import Runtime
from lib_facerestore.session.session import Session

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "samples"
# Rooms whose files take minutes; they come first, so that at the end no process waits long for another.
SLOW_ROOMS = tuple(f"tests/{room}/" for room in ("webui", "stub_host", "models"))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow rooms first; pytest's own order otherwise."""
    items.sort(key=lambda item: not item.nodeid.startswith(SLOW_ROOMS))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer | None) -> ByFileAndHost | None:
    """`--dist loadfile` gives out files and, within a file, hosts."""
    return ByFileAndHost(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(scope="session")
def labels() -> dict:
    """The hand-made labels of the sample photographs."""
    return json.loads((SAMPLES / "labels.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Runtime:
    """A CPU runtime with caches of its own; in torch, because how many calls came before decides about OpenVINO."""
    folder = tmp_path_factory.mktemp("facerestore")
    return Runtime(device="cpu", executor="torch", models_folder=folder / "models", cache_folder=folder / "converted")


@pytest.fixture(scope="session")
def session(runtime: Runtime) -> Session:
    """A session with the embedded weights, kept warm for all tests."""
    return Session(runtime)


@pytest.fixture
def face() -> Face:
    """An upright face in a 512×384 picture."""
    landmarks = np.array([[170, 150], [230, 152], [201, 186], [176, 218], [226, 219]], np.float32)
    return Face(0, (140.0, 90.0, 262.0, 252.0), landmarks, 0.99)


@pytest.fixture
def picture() -> Picture:
    """A smooth picture, 384 px high and 512 px wide."""
    return Picture(smooth_noise(384, 512))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    """A web server on this machine that no proxy stands before; the test writes down what it answers."""
    monkeypatch.setenv("no_proxy", "*")
    with WebServer() as server:
        yield server


@pytest.fixture(scope="session")
def photograph() -> np.ndarray:
    """Part of a real photograph, 384 px high and 512 px wide, RGB."""
    rgb = cv2.imread(str(SAMPLES / "photographs" / "astronaut.jpg"))[..., ::-1]
    return np.ascontiguousarray(rgb[:384])


@pytest.fixture(scope="session")
def small_photograph(photograph: np.ndarray) -> np.ndarray:
    """The same at half its size: one small face, which the embedded restorer takes little time for."""
    return cv2.resize(photograph, (256, 192), interpolation=cv2.INTER_AREA)
