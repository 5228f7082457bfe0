"""Where and with what the figures were measured."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_PACKAGES = ("torch", "numpy", "opencv-python", "facexlib", "spandrel", "spandrel_extra_arches", "openvino")


def machine(device: str) -> dict[str, str]:
    """Processor, device and versions, as words."""
    import torch

    gpu = torch.cuda.get_device_name(device) if device.startswith("cuda") else "none used"
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores, {torch.backends.cpu.get_cpu_capability()}",
        "instructions": _instructions(),
        "gpu": gpu,
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in _PACKAGES},
        "threads": str(torch.get_num_threads()),
    }


def _instructions() -> str:
    """Which instructions the processor has that decide about the speed of networks."""
    wanted = ("avx512f", "avx512_bf16", "amx_bf16", "amx_tile")
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return "unknown"
    flags = next((line.split(":", 1)[1].split() for line in lines if line.startswith("flags")), [])
    return ", ".join(f"{name}: {'yes' if name in flags else 'no'}" for name in wanted)


def commit() -> str:
    """What git calls this state; "unknown" where there is no git or no repository."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
