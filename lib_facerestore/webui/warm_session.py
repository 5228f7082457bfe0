"""The session of this process as the Settings say now, and the networks that all sessions share."""

from __future__ import annotations

import functools
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from lib_facerestore.hosts import base, memory
from lib_facerestore.hosts.upscaler_list import HostUpscalers
from lib_facerestore.runtime import MemoryPort, Runtime
from lib_facerestore.webui import options

if TYPE_CHECKING:
    from lib_facerestore.session import ModelCache, Session

FETCH_ADVICE = "fetch official ones in Settings, Face restore, Fetch models"
FETCH_NAMED = "Fetch them in Settings, Face restore, Fetch models."
_lock = threading.Lock()
_cache: ModelCache | None = None


def runtime(downloads_allowed: bool | None = None) -> Runtime:
    """How this host does the work, as its flags and our Settings say now."""
    own_folder = options.value("models_folder") or base.flag("facerestore_models_path", "")
    folder = Path(own_folder) if own_folder else base.models_path() / base.OWN_FOLDER
    return Runtime(
        device={"auto": base.device(), "GPU": "cuda", "CPU": "cpu"}[options.value("device")],
        precision=options.value("precision"),
        models_folder=folder,
        cache_folder=folder / "converted",
        folders=base.model_folders(),
        downloads_allowed=options.value("downloads") if downloads_allowed is None else downloads_allowed,
        mirrors=tuple(filter(None, [options.value("mirror").strip()])),
        licence=options.value("licence"),
        first_restorer=base.first_restorer(),
        fetch_advice=FETCH_ADVICE,
        fetch_named=FETCH_NAMED,
        memory=_memory_port(),
        other_upscalers=HostUpscalers(),
    )


def session() -> Session:
    """A session as the Settings say now; all of them share the networks that are warm.

    Each caller has a choice of models of its own: one job may override what the Settings say, while another runs.
    """
    from lib_facerestore.session import ModelCache, Session  # the engine, which a host's start need not wait for

    global _cache
    wanted = runtime()
    with _lock:
        if _cache is None:
            _cache = ModelCache()
        return Session(wanted, _cache)


def warm() -> tuple[tuple[str, str], ...]:
    """(role, name) of the networks that are loaded just now."""
    return () if _cache is None else tuple((key.role, key.name) for key in _cache.keys)


def after_job() -> None:
    """Leave the networks where the Settings want them between jobs."""
    if _cache is None:
        return
    afterwards = options.value("afterwards")
    if afterwards == "unload":
        session().release()
    elif afterwards == "move to main memory":
        session().park()


def close() -> None:
    """Drop all networks, when the extension is unloaded."""
    global _cache
    if _cache is not None:
        session().release()
    _cache = None


@functools.cache
def _memory_port() -> MemoryPort:
    return memory.memory_port()
