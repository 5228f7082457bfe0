"""Make sessions from the host's flags and Settings; all of them share the loaded networks of this process."""

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

# What sentences about missing models advise: see `Runtime.fetch_advice` and `Runtime.fetch_named`.
FETCH_ADVICE = f"fetch official ones in Settings, {base.TITLE}, Fetch models"
FETCH_NAMED = f"Fetch them in Settings, {base.TITLE}, Fetch models."
_lock = threading.Lock()
# The networks that sessions share; None until the first session is made.
_cache: ModelCache | None = None


def runtime(downloads_allowed: bool | None = None) -> Runtime:
    """Return folders, device, precision and the rest, as the host's flags and Settings say now.

    downloads_allowed: whether missing models may be fetched; None for what the Settings say.
    """
    own_folder = options.value("models_folder") or base.flag("facerestore_models_path", "")
    folder = Path(own_folder) if own_folder else base.models_path() / base.OWN_FOLDER
    return Runtime(
        device={"auto": base.device(), "GPU": base.gpu(), "CPU": "cpu"}[options.value("device")],
        precision=options.value("precision"),
        executor=options.value("executor"),
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
    """Return a new session with the Settings of this moment, which shares the loaded networks.

    A later change of the Settings does not reach it: an API call may override Settings for its own job, while another
    job runs.
    """
    # Not at the top of the file: importing the engine takes time, for which the host's start need not wait.
    from lib_facerestore.session import ModelCache, Session

    global _cache
    wanted = runtime()
    with _lock:
        if _cache is None:
            _cache = ModelCache()
        return Session(wanted, _cache)


def warm() -> tuple[tuple[str, str], ...]:
    """Return (role, name) of the networks that are loaded now. Does not wait for a running job."""
    return () if _cache is None else _cache.warm


def after_job() -> None:
    """Move the loaded networks into main memory, drop them, or leave them on the device, as the Settings say."""
    if _cache is None:
        return
    afterwards = options.value("afterwards")
    if afterwards == "unload":
        session().release()
    elif afterwards == "move to main memory":
        session().park()


def close() -> None:
    """Drop all loaded networks. Called when the host unloads the extension."""
    global _cache
    if _cache is not None:
        session().release()
    _cache = None


@functools.cache
def _memory_port() -> MemoryPort:
    """Return the host's memory port, made at the first call."""
    return memory.memory_port()
