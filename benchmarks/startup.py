"""What the extension adds to a host's start: time to load it and to draw all its controls, and what that imports.

`python benchmarks/startup.py` runs on the stub host in each of its environments, each time in a new process that has
loaded what hosts have loaded by then. Prints medians; changes nothing.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "stub_host"))

from stub_host import environments  # noqa: E402

ROUNDS = 5
CHILD = """
import importlib.util, json, os, sys, tempfile, time
root = os.getcwd()
sys.argv = ["launch.py", "--data-dir", tempfile.mkdtemp()]
sys.path.insert(0, root + "/tests/stub_host/stub")
import torch, torchvision, numpy, cv2, PIL.Image, safetensors, gradio
import modules.scripts, modules.scripts_postprocessing, modules.script_callbacks, modules.ui_components
import modules.processing, modules.call_queue, modules.shared, modules.api.api
sys.path.insert(0, root)
before = set(sys.modules)
with gradio.Blocks():  # the host's own page; opening it takes longer than all that ours draws in it
    started = time.perf_counter()
    spec = importlib.util.spec_from_file_location("facerestore", root + "/scripts/facerestore.py")
    ours = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(ours)
    loaded = time.perf_counter()
    for is_img2img, tab in ((False, "txt2img"), (True, "img2img")):
        for kind in (ours.FaceRestoreScript, ours.FaceGridScript):
            script = kind()
            script.is_img2img, script.is_txt2img, script.tabname = is_img2img, not is_img2img, tab
            script.args_from, script.args_to = 1, 1
            script.ui(is_img2img)
    ours.FaceRestoreExtras().ui()
    drawn = time.perf_counter()
new = {name.split(".")[0] for name in set(sys.modules) - before} - {"lib_facerestore"}
print(json.dumps([loaded - started, drawn - loaded, "spandrel" in sys.modules, sorted(new)]))
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as bytecode:
        # Bytecode is kept, as it is on users' machines, in a place of its own; the first of a kind's runs writes it.
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = bytecode
        for kind in environments.KINDS:
            environments.build(kind)
            measure(kind, environment)


def measure(kind: str, environment: dict[str, str]) -> None:
    """Print the medians of one kind of host; its first run is not counted."""
    rows = []
    command = [str(environments.python(kind)), "-c", CHILD]
    for _ in range(1 + ROUNDS):
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        rows.append(json.loads(done.stdout.splitlines()[-1]))
    loading, drawing = (statistics.median(row[index] for row in rows[1:]) for index in (0, 1))
    print(f"{kind}: loaded in {loading:.3f} s, controls of three tabs drawn in {drawing:.3f} s; ", end="")
    print(f"spandrel {'loaded' if rows[0][2] else 'not loaded'}; new packages: {', '.join(rows[0][3])}", flush=True)


if __name__ == "__main__":
    main()
