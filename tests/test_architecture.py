"""Guards the house's plan: who may import whom, what an import may cost, where pixels may be converted."""

import ast
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HOUSE = ROOT / "lib_facerestore"
FILES = sorted(HOUSE.rglob("*.py"))
NAMES = [str(path.relative_to(ROOT)) for path in FILES]

GROUND = ("settings", "setting_info", "runtime", "errors", "version")
# What each room may import besides itself and the standard library: rooms of the house, then packages.
# tifffile and imagecodecs are used where they are installed, which is not in a WebUI.
ENGINE_PACKAGES = {"numpy", "cv2", "PIL", "tifffile", "imagecodecs"}
MODEL_PACKAGES = {"torch", "torchvision", "spandrel", "spandrel_extra_arches", "facexlib", "safetensors", "onnx"}
ALLOWED = {
    "settings": ({"errors", "setting_info"}, set()),
    "setting_info": ({"errors"}, set()),
    "runtime": (set(), set()),
    "errors": (set(), set()),
    "version": (set(), set()),
    "engine": ({"settings", "errors"}, ENGINE_PACKAGES),
    "models": (
        {"engine.data", "engine.ports", "engine.tiles", "engine.resize", "engine.sizes", "engine.align", *GROUND},
        {"numpy", "cv2", "PIL", "filelock", "tqdm", *MODEL_PACKAGES},
    ),
    "session": ({"engine", "models", *GROUND}, {"torch", "numpy"}),
    "cli": ({"engine", "models", "session", *GROUND}, {"numpy", "PIL", "tqdm", "torch"}),
    "hosts": (set(GROUND), {"modules", "modules_forge", "backend", "torch"}),
    "webui": (
        {"hosts", "engine", "models", "session", *GROUND},
        {"numpy", "PIL", "gradio", "fastapi", "starlette", "pydantic", "modules"},
    ),
}
# Not stages: what all share (values, notes on what ran, ports, sizes, the resize, colours below transparency), the
# border, the words of a report, and the recipe itself with the passes, variants and the fold that are a part of it.
SHARED = {"data", "ran", "ports", "sizes", "resize", "transparent"}
NO_STAGES = {*SHARED, "pixels", "report", "fold", "pipeline", "passes", "variants", "__init__"}


def imports(path):
    """Every imported name in full: `a.b` of `from a import b` too, wherever the import stands."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively; name the room"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def room(path):
    """The room of a file: its folder below the house, or the file's own name on the ground floor."""
    parts = path.relative_to(HOUSE).with_suffix("").parts
    return parts[0]


def is_within(module, rooms):
    return any(module == allowed or module.startswith(f"{allowed}.") for allowed in rooms)


def forbidden(path):
    """What a file imports and may not."""
    own = room(path)
    rooms, packages = ALLOWED[own]
    wrong = []
    for name in imports(path):
        top, _, rest = name.partition(".")
        if top == "lib_facerestore":
            if not is_within(rest, {own, *rooms}):
                wrong.append(name)
        elif top not in packages and top not in sys.stdlib_module_names:
            wrong.append(name)
    return wrong


@pytest.mark.parametrize("path", [p for p in FILES if room(p) not in ("__init__", "__main__")], ids=str)
def test_imports_follow_the_arrows(path):
    assert room(path) in ALLOWED, f"{room(path)} is a room that the plan does not know"
    assert forbidden(path) == []


def test_guard_sees_a_forbidden_import(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "HOUSE", tmp_path)
    (tmp_path / "engine").mkdir()
    file = tmp_path / "engine" / "align.py"
    file.write_text(
        "import json\nimport cv2\ndef f():\n    import torch\n    from lib_facerestore.models import bundled\n"
    )

    assert sorted(forbidden(file)) == ["lib_facerestore.models.bundled", "torch"]


def test_package_and_command_import_only_version_and_command_line():
    assert {n for n in imports(HOUSE / "__init__.py") if n.startswith("lib_")} == {"lib_facerestore.version.VERSION"}
    assert {n for n in imports(HOUSE / "__main__.py") if n.startswith("lib_")} == {"lib_facerestore.cli.main"}


def stages():
    """Stage name → its files."""
    found = {}
    for path in sorted((HOUSE / "engine").rglob("*.py")):
        name = path.relative_to(HOUSE / "engine").with_suffix("").parts[0]
        if name not in NO_STAGES:
            found.setdefault(name, []).append(path)
    return found


def test_stages_of_the_recipe_do_not_import_each_other():
    known = {"align", "mask", "paste", "selection"}

    assert known <= set(stages())
    for name, files in stages().items():
        for path in files:
            inside = {n.split(".")[2] for n in imports(path) if n.startswith("lib_facerestore.engine.")}
            assert inside <= {name, *SHARED}, f"{path} imports {inside - SHARED}"


def test_only_the_recipe_knows_all_stages():
    recipe = {
        n.split(".")[2]
        for name in ("pipeline", "passes", "variants")
        for n in imports(HOUSE / "engine" / f"{name}.py")
        if ".engine." in n
    }

    assert {"align", "mask", "paste", "selection"} <= recipe
    for name in ("pixels", "report", "data", "ports"):
        paths = [HOUSE / "engine" / f"{name}.py", *sorted((HOUSE / "engine" / name).glob("*.py"))]
        for path in filter(Path.is_file, paths):
            inside = {n.split(".")[2] for n in imports(path) if n.startswith("lib_facerestore.engine.")}
            assert not inside & {*stages(), "pipeline", "passes", "variants"}, path


CHECK = """
import socket, sys
def refuse(*args, **kwargs):
    raise AssertionError("a socket was opened")
socket.socket = socket.create_connection = refuse
import lib_facerestore
heavy = {"torch", "gradio", "spandrel", "cv2", "numpy", "PIL", "facexlib", "safetensors"} & set(sys.modules)
assert not heavy, heavy
print(lib_facerestore.__version__)
"""
CHECK_ROOMS = """
import socket, sys
def refuse(*args, **kwargs):
    raise AssertionError("a socket was opened")
socket.socket = socket.create_connection = refuse
import lib_facerestore.session, lib_facerestore.cli, lib_facerestore.engine.pipeline
import lib_facerestore.models.catalogue, lib_facerestore.models.detectors, lib_facerestore.models.restorers
heavy = {"torch", "gradio", "spandrel", "facexlib", "onnx"} & set(sys.modules)
assert not heavy, heavy
print("light")
"""


@pytest.mark.parametrize("code", [CHECK, CHECK_ROOMS], ids=["package", "all rooms"])
def test_import_loads_nothing_heavy_and_opens_no_socket(code):
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def border_tokens(path):
    """Lines of a file whose code holds BGR in a name or the number 255; comments and strings are not code."""
    lines = []
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            is_bgr = token.type == tokenize.NAME and "bgr" in token.string.lower()
            if is_bgr or (token.type == tokenize.NUMBER and token.string in ("255", "255.0", "255.")):
                lines.append(token.start[0])
    return lines


def is_border(path):
    parts = path.relative_to(HOUSE).with_suffix("").parts
    return parts[0] == "models" or parts[:2] == ("engine", "pixels")


@pytest.mark.parametrize("path", [path for path in FILES if not is_border(path)], ids=str)
def test_channels_and_levels_are_converted_at_the_borders_only(path):
    assert border_tokens(path) == []


def test_guard_sees_border_tokens_in_code_only(tmp_path):
    file = tmp_path / "code.py"
    file.write_text('# BGR 255\n"""BGR, 255"""\nx = 255\ny = COLOR_RGB2BGR\nto_bgr = 1\nz = 2550\n')

    assert border_tokens(file) == [3, 4, 5]
