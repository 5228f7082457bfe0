"""Builds `.venv/host-gradio3`, `host-gradio4` and `host-neo` from nothing: packages as hosts pin them, rest of `.venv`.

`python tests/stub_host/environments.py [gradio3|gradio4|neo …] [--check]`. Knows nothing of the stub.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
KINDS = ("gradio3", "gradio4", "neo")
# The two that all tests run in; a third run of each would only show what one look at every feature shows too.
FOR_ALL_TESTS = ("gradio3", "gradio4")
SAMPLE = ROOT / "samples" / "degraded" / "astronaut.jpg"

# Found on the way to `import gradio` and nowhere declared by it.
UNDECLARED = ("setuptools", 'audioop-lts; python_version >= "3.13"')
# Versions that gradio says it does not take; Neo installs them over it all the same.
AGAINST_GRADIO = {"neo": ("pillow",)}

CHECK = """
from pathlib import Path
import sys, gradio, numpy, PIL, pydantic, fastapi, torch, spandrel
from lib_facerestore.engine import pixels
from lib_facerestore.runtime import Runtime
from lib_facerestore.session import Session
from lib_facerestore.settings import RestoreSettings
picture = pixels.read(Path(sys.argv[1]))
result, = Session(Runtime(device="cpu")).restore([picture], RestoreSettings())
print("gradio", gradio.__version__, "fastapi", fastapi.__version__, "pydantic", pydantic.VERSION,
      "numpy", numpy.__version__, "Pillow", PIL.__version__, "torch", torch.__version__)
print("faces restored:", len(result.report.faces))
"""


def folder(kind: str) -> Path:
    """Where the environment of a kind lies."""
    return ROOT / ".venv" / f"host-{kind}"


def python(kind: str) -> Path:
    """The interpreter of a kind's environment."""
    return folder(kind) / "bin" / "python"


def constraints(kind: str) -> Path:
    """The committed pins of a kind."""
    return HERE / f"constraints-{kind}.txt"


def stamp(kind: str) -> Path:
    """Written last; newer than the constraints when the environment is complete."""
    return folder(kind) / ".complete"


def is_complete(kind: str) -> bool:
    """Whether the environment was built from the present constraints."""
    return stamp(kind).exists() and stamp(kind).read_text() == constraints(kind).read_text()


def build(kind: str) -> None:
    """Make the environment anew unless it is complete.

    The .pth comes after pip: with the main environment on sys.path, pip would take its numpy for installed.
    """
    if is_complete(kind):
        return
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder(kind))], check=True)
    subprocess.run(
        [str(python(kind)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        + ["--constraint", str(_first_constraints(kind)), "gradio", "httpx", "Pillow", "numpy", *UNDECLARED],
        check=True,
    )
    for pin in _pins_against_gradio(kind):
        subprocess.run([str(python(kind)), "-m", "pip", "install", "--quiet", "--no-deps", pin], check=True)
    packages = next(folder(kind).glob("lib/python3.*/site-packages"))
    main = next((ROOT / ".venv").resolve().glob("lib/python3.*/site-packages"))
    (packages / "zz_main_environment.pth").write_text(f"{main}\n")
    stamp(kind).write_text(constraints(kind).read_text())


def _pins_against_gradio(kind: str) -> list[str]:
    names = AGAINST_GRADIO.get(kind, ())
    return [line for line in constraints(kind).read_text().splitlines() if line.split("==")[0] in names]


def _first_constraints(kind: str) -> Path:
    """The constraints without the versions that come last, in a file of the environment."""
    later = _pins_against_gradio(kind)
    file = folder(kind) / "constraints.txt"
    file.write_text("\n".join(line for line in constraints(kind).read_text().splitlines() if line not in later))
    return file


def check(kind: str) -> None:
    """Import what a host imports and restore a sample with the embedded models."""
    # Only here is our package on the path: a host puts it there by itself.
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "GRADIO_ANALYTICS_ENABLED": "False"}
    subprocess.run([str(python(kind)), "-c", CHECK, str(SAMPLE)], check=True, env=environment)


def main() -> None:
    """Build, and check if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", default=list(KINDS), help="gradio3, gradio4, neo; all when left out")
    parser.add_argument("--check", action="store_true", help="restore a sample in each")
    options = parser.parse_args()
    for kind in options.kinds:
        build(kind)
        if options.check:
            check(kind)


if __name__ == "__main__":
    main()
