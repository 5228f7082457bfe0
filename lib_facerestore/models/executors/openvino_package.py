"""OpenVINO where it is installed. It is optional, and never installed by this project into a host's environment."""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import logging
import sys
from types import ModuleType

logger = logging.getLogger(__name__)

_TELEMETRY = "openvino_telemetry"


@functools.cache
def openvino_version() -> str:
    """The installed version of OpenVINO; "" where it is not installed. Nothing is imported."""
    try:
        return importlib.metadata.version("openvino")
    except importlib.metadata.PackageNotFoundError:
        return ""


def openvino_advice() -> str:
    """How OpenVINO is installed for this Python, as a command."""
    return f'"{sys.executable}" -m pip install openvino'


@functools.cache
def openvino_package() -> ModuleType | None:
    """The imported package; None where it is not installed or cannot be imported, which is logged.

    Its telemetry, which sends an event over the network at import and writes a file into the user's home folder unless
    somebody has declined, is kept out; OpenVINO goes on without it.
    """
    if not openvino_version():
        return None
    absent = object()
    before = sys.modules.get(_TELEMETRY, absent)
    sys.modules[_TELEMETRY] = None  # type: ignore[assignment]  # an import of it then fails with ImportError
    try:
        return importlib.import_module("openvino")
    except Exception as error:  # a broken installation raises whatever its native libraries do
        logger.warning("OpenVINO is installed but cannot be used: %s", error)
        return None
    finally:
        if before is absent:
            del sys.modules[_TELEMETRY]
        else:
            sys.modules[_TELEMETRY] = before  # type: ignore[assignment]
