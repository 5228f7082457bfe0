"""Starts the stub host: `python tests/stub_host/stub/launch.py --port 7871 --data-dir DIR --extension [NAME=]PATH …`.

Imported as `launch`, it is what an extension's install.py sees.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE)) if str(HERE) not in sys.path else None

from modules import host_kind  # noqa: E402
from modules.cmd_args import cmd_opts as args  # noqa: E402


def is_installed(package: str) -> bool:
    """Whether an import name can be found."""
    try:
        return importlib.util.find_spec(package) is not None
    except (ModuleNotFoundError, ValueError):
        return False


def run(command: str, desc: str | None = None, errdesc: str | None = None) -> str:
    """Run through the shell and return what it wrote; raises RuntimeError otherwise."""
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{errdesc or 'Error running command'}: {command}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def run_pip(command: str, desc: str | None = None) -> str | None:
    """Pip with this interpreter; nothing under --skip-install."""
    if args.skip_install:
        return None
    return run(f'"{sys.executable}" -m pip {command} --prefer-binary', desc, f"Couldn't install {desc}")


def git_clone(url: str, tgt: str, name: str, commithash: str | None = None) -> None:
    """Not done here; on Neo the name is all there is, on Classic not even that."""
    raise NotImplementedError


if host_kind.kind == "classic":
    del git_clone


def run_installers() -> None:
    """Each extension's install.py as a sub-process, with the host on PYTHONPATH.

    In the host's folder; on SD.Next in the extension's.
    """
    from modules import errors, extensions

    for extension in extensions.active():
        installer = Path(extension.path) / "install.py"
        if not installer.is_file():
            continue
        paths = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])
        done = subprocess.run(
            [sys.executable, str(installer)],
            env={**os.environ, "PYTHONPATH": paths},
            cwd=extension.path if host_kind.is_sdnext() else None,
            capture_output=True,
            text=True,
        )
        sys.stdout.write(done.stdout)
        if done.returncode != 0:
            errors.say(f"Error running install.py for extension {extension.path}.\n{done.stderr}")


def main() -> None:
    """Set the host up and serve until stopped."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    if args.install and not args.skip_install:
        run_installers()
    from modules import webui

    webui.main()


if __name__ == "__main__":
    sys.modules["launch"] = sys.modules["__main__"]
    main()
