"""The installer in real environments: made from nothing, with a real pip that reads a folder of small wheels."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

INSTALLER = Path(__file__).resolve().parents[1] / "install.py"
# What a host ships, as distribution, module, version; the modules are empty.
HOST = (
    ("torch", "torch", "2.1.2+cu121"),
    ("spandrel", "spandrel", "0.3.4"),
    ("spandrel_extra_arches", "spandrel_extra_arches", "0.1.1"),
    ("facexlib", "facexlib", "0.3.0"),
    ("opencv_python_headless", "cv2", "4.8.1.78"),
    ("safetensors", "safetensors", "0.4.2"),
    ("filelock", "filelock", "3.13.1"),
    ("tqdm", "tqdm", "4.66.1"),
    ("numpy", "numpy", "1.26.2"),
    ("Pillow", "PIL", "9.5.0"),
)


def wheel(folder: Path, name: str, module: str, version: str, *requires: str) -> Path:
    """A wheel with one empty module, as small as pip accepts."""
    info = f"{name}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {require}\n" for require in requires)
    files = {
        f"{module}/__init__.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = f"{info}/RECORD"
    rows = [f"{path},sha256={checksum(text)},{len(text)}" for path, text in files.items()]
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, text in {**files, record: "\n".join([*rows, f"{record},,"])}.items():
            archive.writestr(inside, text)
    return path


def checksum(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


class Host:
    """A virtual environment of its own, a folder of wheels that pip may take from, and a root folder."""

    def __init__(self, folder: Path, with_pip: bool) -> None:
        self.wheels, self.root, venv = folder / "wheels", folder / "webui", folder / "venv"
        for made in (self.wheels, self.root):
            made.mkdir()
        options = [] if with_pip else ["--without-pip"]
        subprocess.run([sys.executable, "-m", "venv", *options, venv], check=True)
        self.python = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        where = "import sysconfig; print(sysconfig.get_path('purelib'))"
        self.site = Path(subprocess.check_output([self.python, "-c", where], text=True).strip())

    def ship(self, *without: str) -> None:
        """Put in what hosts have, except some modules."""
        for name, module, version in HOST:
            if module not in without:
                self.unpack(name, module, version)

    def unpack(self, name: str, module: str, version: str) -> None:
        with zipfile.ZipFile(wheel(self.root, name, module, version)) as archive:
            archive.extractall(self.site)

    def offer(self, name: str, module: str, version: str, *requires: str) -> None:
        """Put a wheel where pip finds it."""
        wheel(self.wheels, name, module, version, *requires)

    def launcher(self, text: str) -> None:
        """Write the host's own launch module."""
        (self.root / "launch.py").write_text(text, encoding="utf-8")

    def install(self, *argv: str, **environment: str) -> subprocess.CompletedProcess:
        """Run the installer as hosts do: in their folder, which is on PYTHONPATH; pip has no network."""
        own = {k: v for k, v in os.environ.items() if not k.startswith("PIP_") and k != "COMMANDLINE_ARGS"}
        pip = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels), "PIP_CONFIG_FILE": os.devnull}
        env = {**own, **pip, "PYTHONPATH": str(self.root), **environment}
        command = [str(self.python), str(INSTALLER), *argv]
        return subprocess.run(command, cwd=self.root, env=env, capture_output=True, text=True, check=False)

    def versions(self) -> dict[str, str]:
        """What is on record, by distribution; pip and setuptools left out."""
        records = [path.name.removesuffix(".dist-info").split("-") for path in self.site.glob("*.dist-info")]
        return {name: version for name, version in records if name not in ("pip", "setuptools")}


@pytest.fixture
def bare(tmp_path: Path) -> Host:
    """A host without pip: whatever asks pip for something fails there."""
    return Host(tmp_path, with_pip=False)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A host with pip."""
    return Host(tmp_path, with_pip=True)


def test_a_complete_host_is_left_alone_and_pip_is_not_called(bare):
    bare.ship()
    before = sorted(bare.site.rglob("*"))

    done = bare.install()

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [path for path in sorted(bare.site.rglob("*")) if "__pycache__" not in path.parts] == before


def test_the_missing_package_is_installed_and_no_pin_moves(host):
    host.ship("filelock", "facexlib")
    host.offer("filelock", "filelock", "3.20.0", "numpy>=1.20", "tinydep")
    host.offer("filelock", "filelock", "4.0.0", "numpy>=2")  # newer, and would move the host's numpy
    host.offer("numpy", "numpy", "2.3.0")
    host.offer("tinydep", "tinydep", "1.0")
    host.offer("tqdm", "tqdm", "5.0")
    for name in ("filterpy", "numba", "scipy"):
        host.offer(name, name, "1.0", "numpy")
    host.offer("facexlib", "facexlib", "0.3.0", "numpy", "tqdm", "torch", "opencv-python", "filterpy")
    host.offer("opencv_python", "cv2", "5.0.0")  # would put its cv2 over that of opencv-python-headless
    before = host.versions()

    done = host.install()

    added = {"filelock": "3.20.0", "tinydep": "1.0", "facexlib": "0.3.0"}
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines() == [
        "Installing for face restoration: filelock filterpy numba scipy",
        "Installing for face restoration: --no-deps facexlib==0.3.0",
    ]
    assert host.versions() == {**before, **added, "filterpy": "1.0", "numba": "1.0", "scipy": "1.0"}
    assert host.install().stdout == ""


def test_a_package_that_would_move_a_pin_is_not_installed_and_the_reason_is_said(host):
    host.ship("filelock")
    host.offer("filelock", "filelock", "4.0.0", "numpy>=2")
    host.offer("numpy", "numpy", "2.3.0")
    before = host.versions()

    done = host.install()

    assert done.returncode == 1
    sentence = done.stdout.splitlines()[-1]
    assert sentence.startswith("Face restoration lacks filelock, and pip failed: Cannot install filelock==4.0.0")
    assert sentence.endswith(f'. Run: "{host.python}" "{INSTALLER}"')
    assert "Traceback" not in done.stdout + done.stderr
    assert host.versions() == before


def test_a_failing_pip_gives_one_sentence_and_no_trace(bare):
    bare.ship("spandrel_extra_arches", "tqdm")

    done = bare.install()

    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "Installing for face restoration: spandrel_extra_arches>=0.1.1 tqdm",
        f"Face restoration lacks spandrel_extra_arches and tqdm, and pip failed: {bare.python}: No module named pip. "
        f'Run: "{bare.python}" "{INSTALLER}"',
    ]
    assert done.stderr == ""


def test_a_package_on_record_without_its_files_is_said(host):
    host.ship()
    (host.site / "spandrel" / "__init__.py").unlink()
    (host.site / "spandrel" / "cache").mkdir()  # a folder without code is no module

    done = host.install()

    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == (
        "Face restoration lacks spandrel, although pip has it on record. "
        f'Run: "{host.python}" -m pip install --force-reinstall --no-deps spandrel==0.3.4'
    )


def test_an_older_spandrel_is_said_and_stays(bare):
    bare.ship("spandrel")
    bare.unpack("spandrel", "spandrel", "0.3.3")

    done = bare.install()

    assert done.returncode == 0
    assert done.stdout.startswith("spandrel 0.3.3 is installed, and face restoration was made for spandrel>=0.3.4. ")
    assert bare.versions()["spandrel"] == "0.3.3"


def test_a_newer_spandrel_is_fine(bare):
    bare.ship("spandrel")
    bare.unpack("spandrel", "spandrel", "0.4.10")

    done = bare.install()

    assert (done.returncode, done.stdout) == (0, "")


def test_torch_is_never_installed(host):
    host.ship("torch", "tqdm")
    host.offer("torch", "torch", "2.9")
    host.offer("tqdm", "tqdm", "4.66.1")

    done = host.install()

    assert done.returncode == 1
    assert done.stdout == (
        f"torch is missing from {host.python}. Install the WebUI first: face restoration uses its torch.\n"
    )
    assert "torch" not in host.versions()


@pytest.mark.parametrize(
    ("launcher", "argv", "environment"),
    [
        ("from types import SimpleNamespace\nargs = SimpleNamespace(skip_install=True)", (), {}),
        ("raise RuntimeError('not a host')", ("--skip-install",), {}),
        ("raise SystemExit(2)", (), {"COMMANDLINE_ARGS": "--xformers --skip-install"}),
        (None, (), {"COMMANDLINE_ARGS": "--skip-install"}),
    ],
)
def test_skip_install_is_honoured(bare, launcher, argv, environment):
    bare.ship("tqdm")
    if launcher:
        bare.launcher(launcher)

    done = bare.install(*argv, **environment)

    assert done.returncode == 0
    assert done.stdout == "Face restoration lacks tqdm; nothing is installed because of --skip-install.\n"


def test_the_hosts_launcher_decides_over_the_command_line(bare):
    bare.ship("tqdm")
    bare.launcher("from types import SimpleNamespace\nargs = SimpleNamespace(skip_install=False)")

    done = bare.install(COMMANDLINE_ARGS="--skip-install")

    assert done.returncode == 1
    assert "No module named pip" in done.stdout
