"""Installs the packages that the extension needs and the host lacks. The host runs this file at every start.

No version of an installed package is changed. Only the standard library is imported, because every other package may be
missing here.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Package:
    """One package that the extension needs; any version is right where neither of the two limits is given."""

    name: str
    """Its name for pip."""
    module: str
    """The module that it brings, as Python imports it."""
    at_least: str = ""
    """The lowest version that is right; "" for no limit."""
    exactly: str = ""
    """The only version that is right; "" for no such limit."""

    @property
    def requirement(self) -> str:
        """The package as pip takes it, with its version where one is required."""
        if self.exactly:
            return f"{self.name}=={self.exactly}"
        return f"{self.name}>={self.at_least}" if self.at_least else self.name


PACKAGES = (
    Package("spandrel", "spandrel", at_least="0.3.4"),
    Package("spandrel_extra_arches", "spandrel_extra_arches", at_least="0.1.1"),
    Package("facexlib", "facexlib", exactly="0.3.0"),
    Package("opencv-python", "cv2"),  # any wheel that brings cv2 will do; they overwrite each other's files
    Package("safetensors", "safetensors"),
    Package("filelock", "filelock"),
    Package("tqdm", "tqdm"),
    Package("numpy", "numpy"),
    Package("Pillow", "PIL"),
)
# What facexlib 0.3.0 requires and no other package here brings. filterpy: its tracking module, imported with the rest.
FACEXLIB_NEEDS = ("filterpy", "numba", "scipy")
# A version in the form that pip reads in a constraint file (PEP 440).
VERSION = re.compile(r"(\d+!)?\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?(\.dev\d+)?(\+[a-z0-9]+([.][a-z0-9]+)*)?", re.I)


def main(argv: Sequence[str] = ()) -> int:
    """Install the missing packages; the result is the exit status: 0 where nothing more is to be done."""
    for sentence in outdated():
        say(sentence)
    wanted = missing()
    if not wanted:
        return 0
    if is_skipped(argv):
        say(f"Face restoration lacks {names(wanted)}; nothing is installed because of --skip-install.")
        return 0
    if not is_importable("torch"):
        say(f"torch is missing from {sys.executable}. Install the WebUI first: face restoration uses its torch.")
        return 1
    reason = install(wanted)
    left = missing()
    if left:
        say(f"Face restoration lacks {names(left)}{reason}. Run: {by_hand(left)}")
    return 1 if left else 0


def missing() -> list[Package]:
    """Packages whose module cannot be found, in the order of PACKAGES."""
    importlib.invalidate_caches()
    return [package for package in PACKAGES if not is_importable(package.module)]


def outdated() -> list[str]:
    """One sentence for each installed package of an unsuitable version; it stays, because the host chose it."""
    return [
        f"{package.name} {version} is installed, and face restoration was made for {package.requirement}. "
        "The host chose that version, so it stays; update the WebUI if models fail to load."
        for package in PACKAGES
        if (version := installed_version(package.name)) and not does(version, package)
    ]


def is_importable(module: str) -> bool:
    """Whether Python finds the module, without importing it; a folder without code does not count."""
    try:
        spec = importlib.util.find_spec(module)
    except ValueError:  # a module that some program put into sys.modules without a spec; it can be imported
        return True
    return spec is not None and spec.origin is not None


def is_skipped(argv: Sequence[str]) -> bool:
    """Whether the host was started with --skip-install."""
    try:
        skip = importlib.import_module("launch").args.skip_install
    except (Exception, SystemExit):  # not inside a host, or one without this flag: whatever its launcher raises
        words = [*argv, *sys.argv[1:], *os.environ.get("COMMANDLINE_ARGS", "").split()]
        return "--skip-install" in words
    return bool(skip)


def installed_version(name: str) -> str:
    """The version of an installed distribution; "" where none is installed."""
    try:
        return importlib.metadata.version(name) or ""
    except importlib.metadata.PackageNotFoundError:
        return ""


def does(version: str, package: Package) -> bool:
    """Whether a version lies within the limits of the package."""
    if package.exactly:
        return release(version) == release(package.exactly)
    return release(version) >= release(package.at_least)


def release(version: str) -> tuple[int, ...]:
    """The leading numbers of a version: "0.3.4.post1" gives (0, 3, 4)."""
    found = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(number) for number in found[0].split(".")) if found else ()


def pins() -> list[str]:
    """A line "name==version" for each installed distribution; of two with one name the first on the path counts."""
    found: dict[str, str] = {}
    for distribution in importlib.metadata.distributions():
        name, version = distribution.metadata["Name"], distribution.version
        if name and version and VERSION.fullmatch(version):
            found.setdefault(re.sub(r"[-_.]+", "-", name).lower(), version)
    return [f"{name}=={version}" for name, version in sorted(found.items())]


def calls(wanted: Sequence[Package]) -> list[list[str]]:
    """The arguments of each call of pip that the packages need.

    There is one call, or two where facexlib would install a second OpenCV over the host's: it is installed without its
    dependencies then, and those of them that are needed are named.
    """
    requirements = [package.requirement for package in wanted]
    facexlib = next((package for package in wanted if package.name == "facexlib"), None)
    has_other_opencv = is_importable("cv2") and not installed_version("opencv-python")
    if facexlib is None or not has_other_opencv:
        return [requirements]
    rest = [requirement for requirement in requirements if requirement != facexlib.requirement]
    return [[*rest, *FACEXLIB_NEEDS], ["--no-deps", facexlib.requirement]]


def install(wanted: Sequence[Package]) -> str:
    """Let pip install the packages, with every installed version as a constraint.

    The result goes on a sentence: why pip failed, or that the package is still missing although pip succeeded.
    """
    with tempfile.TemporaryDirectory(prefix="facerestore-") as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text("\n".join(pins()), encoding="utf-8")
        for requirements in calls(wanted):
            say(f"Installing for face restoration: {' '.join(requirements)}")
            command = [*pip(), "--prefer-binary", "--no-input", "--constraint", str(constraints), *requirements]
            if reason := failure(command):
                return reason
    return ", although pip has it on record"


def pip() -> list[str]:
    """The beginning of every pip command, with the package index of INDEX_URL where the host has set it."""
    index = os.environ.get("INDEX_URL", "")
    return [sys.executable, "-m", "pip", "install", *(["--index-url", index] if index else [])]


def failure(command: Sequence[str]) -> str:
    """Run a pip command; the result is "" on success, else the reason of the failure, as the end of a sentence."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", errors="replace", check=False)
    except OSError as error:
        return f", and pip could not be started: {error.strerror}"
    if done.returncode == 0:
        return ""
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    told = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")] or lines[-1:]
    return f", and pip failed: {told[0].rstrip('.')}" if told else f", and pip failed with status {done.returncode}"


def by_hand(wanted: Sequence[Package]) -> str:
    """The command that a person can run to install the packages; it changes no version of the host's packages."""
    recorded = [f"{package.name}=={version}" for package in wanted if (version := installed_version(package.name))]
    if recorded:
        return f'"{sys.executable}" -m pip install --force-reinstall --no-deps {" ".join(recorded)}'
    return f'"{sys.executable}" "{Path(__file__).resolve()}"'


def names(packages: Sequence[Package]) -> str:
    """The packages' names as a sentence lists them: "a, b and c"."""
    *others, last = [package.name for package in packages]
    return f"{', '.join(others)} and {last}" if others else last


def say(sentence: str) -> None:
    """Write a sentence to the console; the host shows it when this script has ended."""
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    status = main(sys.argv[1:])
    if status:  # some hosts run this file in their own process: leaving is only for failures
        sys.exit(status)
