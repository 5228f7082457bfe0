"""The modules of a host as fakes, for tests of what reads them and runs no host."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest


def put_host_modules(monkeypatch: pytest.MonkeyPatch, models: Path) -> Any:
    """Let `modules` of a host on a CPU be importable, and return its `shared`. models: its folder of models."""
    shared: Any = types.ModuleType("modules.shared")
    shared.opts = types.SimpleNamespace(data={}, data_labels={})
    shared.cmd_opts = types.SimpleNamespace(use_cpu=["all"])
    shared.sd_upscalers = []
    shared.state = types.SimpleNamespace(interrupted=False, skipped=False, textinfo="sampling")
    devices: Any = types.ModuleType("modules.devices")
    devices.torch_gc = lambda: None
    paths: Any = types.ModuleType("modules.paths")
    paths.models_path = str(models)
    package: Any = types.ModuleType("modules")
    package.shared, package.devices, package.paths = shared, devices, paths
    for module in (package, shared, devices, paths):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return shared
