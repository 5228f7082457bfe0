"""Guards the house's plan: who may import whom, through which door, at what cost, and where pixels are converted."""

import ast
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HOUSE = ROOT / "lib_facerestore"
FILES = sorted(HOUSE.rglob("*.py"))

GROUND = ("settings", "setting_info", "runtime", "errors", "version", "whole_file")
# What each floor may import besides itself and the standard library: floors of the house, then packages.
# tifffile and imagecodecs are used where they are installed, which is not in a WebUI.
ENGINE_PACKAGES = {"numpy", "cv2", "PIL", "tifffile", "imagecodecs"}
MODEL_PACKAGES = {"torch", "torchvision", "spandrel", "spandrel_extra_arches", "facexlib", "safetensors"}
MODEL_PACKAGES |= {"onnx", "onnxruntime", "openvino"}  # optional
ALLOWED = {
    "settings": ({"errors", "setting_info"}, set()),
    "setting_info": ({"errors"}, set()),
    "runtime": (set(), set()),
    "errors": (set(), set()),
    "version": (set(), set()),
    "whole_file": (set(), set()),
    "engine": ({"settings", "errors", "whole_file"}, ENGINE_PACKAGES),
    "models": (
        {"engine.data", "engine.levels", "engine.ports", "engine.sizes", "engine.upscaling", "engine.faces", *GROUND},
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
# Folders with a door: others import from them only what `__all__` of the folder names, or from a module it names.
ROOMS = (
    "engine.faces", "engine.upscaling", "engine.pixels", "engine.tone",
    "models.catalogue", "models.checkpoints", "models.fetching", "models.weights", "models.devices",
    "models.networks", "models.adapters", "models.detection", "models.executors", "models.onnx_models",
    "session",
    "cli.restoring",
    "webui.jobs", "webui.gallery", "webui.page", "webui.lent", "webui.comparison", "webui.api",
)  # fmt: skip


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


def within_house(path):
    """The names that a file imports from the house, without the house's own name."""
    return {name.removeprefix("lib_facerestore.") for name in imports(path) if name.startswith("lib_facerestore.")}


def dotted(path):
    """A file's name as a module below the house; a door has its folder's."""
    return ".".join(path.relative_to(HOUSE).with_suffix("").parts).removesuffix(".__init__")


def floor(path):
    """The first part of a file's name below the house."""
    return dotted(path).split(".")[0]


def is_within(module, rooms):
    return any(module == allowed or module.startswith(f"{allowed}.") for allowed in rooms)


def forbidden(path):
    """What a file imports and may not."""
    own = floor(path)
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


@pytest.mark.parametrize("path", [p for p in FILES if dotted(p) not in ("__init__", "__main__")], ids=dotted)
def test_imports_follow_the_arrows(path):
    assert floor(path) in ALLOWED, f"{floor(path)} is a floor that the plan does not know"
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
    assert within_house(HOUSE / "__init__.py") == {"version.VERSION"}
    assert within_house(HOUSE / "__main__.py") == {"cli.main"}


def named_by(door):
    """What the `__all__` of a folder's `__init__.py` names."""
    for node in ast.parse(door.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


def around_the_door(path, room, public):
    """What a file outside a room imports from it that the room's door does not name."""
    if is_within(dotted(path), {room}):
        return []
    inside = [name.removeprefix(f"{room}.") for name in within_house(path) if name.startswith(f"{room}.")]
    return [f"{room}.{name}" for name in inside if name.split(".")[0] not in public]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_is_entered_by_its_door(room):
    folder = HOUSE / room.replace(".", "/")
    public = named_by(folder / "__init__.py")

    assert public, f"{room} has no __all__"
    assert [name for path in FILES for name in around_the_door(path, room, public)] == []


@pytest.mark.parametrize("room", ROOMS)
def test_a_door_names_only_what_is_there_and_what_somebody_uses(room):
    folder = HOUSE / room.replace(".", "/")
    public = named_by(folder / "__init__.py")
    there = {path.stem for path in folder.glob("*.py")} | {
        name.split(".")[-1] for name in imports(folder / "__init__.py")
    }
    users = [*FILES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]
    outside = [path for path in users if HOUSE not in path.parents or not is_within(dotted(path), {room})]
    texts = [path.read_text(encoding="utf-8") for path in outside]

    assert public <= there
    assert {name for name in public if not any(name in text for text in texts)} == set()


def test_guard_sees_who_goes_around_a_door(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "HOUSE", tmp_path)
    file = tmp_path / "pipeline.py"
    file.write_text("from lib_facerestore.faces import paste\nfrom lib_facerestore.faces.align import warp\n")

    assert around_the_door(file, "faces", {"paste"}) == ["faces.align.warp"]
    assert around_the_door(file, "faces", {"paste", "align"}) == []


def node_of(module):
    """The room that a module belongs to, or the module itself where it lies beside rooms."""
    return next((room for room in ROOMS if is_within(module, {room})), module)


def arrows():
    """Node → the nodes that its files import, at any place in the file."""
    modules = {dotted(path) for path in FILES}
    found = {}
    for path in FILES:
        for name in within_house(path):
            target = name if name in modules else name.rpartition(".")[0]
            found.setdefault(node_of(dotted(path)), set()).add(node_of(target))
    return found


def circle_in(graph):
    """The nodes of one circle of arrows, or []; an arrow from a node to itself is none."""
    done = set()

    def visit(node, way):
        if node in way:
            return way[way.index(node) :]
        if node in done:
            return []
        done.add(node)
        return next((found for to in sorted(graph.get(node, set()) - {node}) if (found := visit(to, [*way, node]))), [])

    return next((found for node in sorted(graph) if (found := visit(node, []))), [])


def test_rooms_import_each_other_in_one_direction_only():
    assert circle_in(arrows()) == []


def test_guard_sees_a_circle():
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c"]
    assert circle_in({"a": {"a", "b"}, "b": {"c"}}) == []


# What the files of the room of faces share; the stages among them are put together by `restore` and by the pipeline.
STAGES = ("align", "selection", "mask", "paste", "large_faces", "batches")


@pytest.mark.parametrize("stage", STAGES)
def test_stages_of_the_recipe_do_not_import_each_other(stage):
    faces = HOUSE / "engine" / "faces"
    assert (faces / f"{stage}.py").is_file()

    assert {name for name in within_house(faces / f"{stage}.py") if name.startswith("engine.faces")} == set()


def test_only_the_recipe_knows_all_stages():
    knows = {path: within_house(path) for path in (HOUSE / "engine").rglob("*.py")}
    recipe = {HOUSE / "engine" / f"{name}.py" for name in ("pipeline", "fold", "comparison")}

    assert {path for path, names in knows.items() if any(name.startswith("engine.faces") for name in names)} <= {
        *recipe, *(HOUSE / "engine" / "faces").glob("*.py")
    }  # fmt: skip
    assert {
        path for path, names in knows.items() if any(name.startswith("engine.pipeline") for name in names)
    } <= recipe


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
import lib_facerestore.models.catalogue, lib_facerestore.models.adapters, lib_facerestore.models.detection
import lib_facerestore.models.loading, lib_facerestore.models.doctor
heavy = {"torch", "gradio", "spandrel", "facexlib", "onnx", "onnxruntime", "openvino"} & set(sys.modules)
assert not heavy, heavy
print("light")
"""


@pytest.mark.parametrize("code", [CHECK, CHECK_ROOMS], ids=["package", "all rooms"])
def test_import_loads_nothing_heavy_and_opens_no_socket(code):
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


# Where a pixel changes its type: the functions of `engine/levels.py` that a module uses. What converts is in this table
# and in docs/conventions.md, or it does not convert. `pixels` reads and writes files; adapters make tensors.
CONVERTS = {
    "engine.faces.align": {"to_unit_float"},
    "engine.faces.large_faces": {"to_levels", "to_unit_float"},
    "engine.faces.paste": {"float_levels", "largest_level", "to_unit_float", "write_rounded"},
    "engine.upscaling.resize": {"float_levels", "write_rounded"},
    "engine.upscaling.background": {"float_levels", "write_rounded"},
    "engine.upscaling.tiles": {"float_levels", "largest_level", "to_levels"},
    "engine.tone.cells": {"to_unit_float"},
    "engine.tone.curve": {"to_levels", "to_unit_float"},
    "engine.tone.places": {"to_levels", "to_unit_float"},
    "engine.pixels.pil": {"to_eight_bits"},
    "engine.pixels.decode_tiff": {"to_sixteen_bits"},
    "models.detection.detection_size": {"to_eight_bits"},
    "models.detection.face_verification": {"to_levels"},
    "models.adapters.other_upscaler": {"to_eight_bits", "to_sixteen_bits"},
    "cli.restoring.one_file": {"to_levels"},
    "webui.comparison.variant_grid": {"to_levels"},
}
# Numbers that are no pixels and become float32 here: landmarks, masks, weights of a tone.
FLOAT_NUMBERS = {
    "engine.pipeline", "engine.faces.mask", "engine.tone.curve", "engine.tone.evidence", "engine.tone.places"
}  # fmt: skip
# PIL as such, beside `engine.pixels`: the exact resize of one float plane, a host's upscaler, the host's own pictures.
PIL_ROOMS = ("engine.pixels", "engine.upscaling.resize", "models.adapters.other_upscaler", "webui")
CONVERTERS = ("engine.levels", "engine.pixels", "models")


def used_of_levels(path):
    return {name.rpartition(".")[2] for name in within_house(path) if name.startswith("engine.levels.")}


def casts(path, may_make_floats=False):
    """Lines that convert pixels by hand: rint, iinfo, or a cast to uint8, uint16, a picture's own type or float32."""
    types = {"uint8", "uint16", "dtype"} | (set() if may_make_floats else {"float32"})
    lines = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        named = {value.attr for value in node.args if isinstance(value, ast.Attribute)}
        named |= {key.value.attr for key in node.keywords if isinstance(key.value, ast.Attribute)}
        if node.func.attr in ("rint", "iinfo") or (node.func.attr == "astype" and named & types):
            lines.append(node.lineno)
    return sorted(lines)


def test_levels_become_float_and_back_where_the_table_says():
    assert {dotted(path): used for path in FILES if (used := used_of_levels(path))} == CONVERTS


def test_conventions_name_every_place_that_converts():
    law = (ROOT / "docs" / "conventions.md").read_text(encoding="utf-8").partition("## Who may convert")[2]
    named = {module: module.replace(".", "/") for module in CONVERTS}

    assert law
    assert {
        module
        for module, path in named.items()
        if f"{path}.py`" not in law and f"`{path.rpartition('/')[0]}/`" not in law
    } == set()


@pytest.mark.parametrize("path", [path for path in FILES if not is_within(dotted(path), CONVERTERS)], ids=dotted)
def test_nobody_else_converts_pixels_by_hand(path):
    assert casts(path, may_make_floats=dotted(path) in FLOAT_NUMBERS) == []


def test_pil_is_known_where_files_and_hosts_are_and_for_one_resize():
    knows = {dotted(path) for path in FILES if any(name.split(".")[0] == "PIL" for name in imports(path))}

    assert {module for module in knows if not is_within(module, PIL_ROOMS)} == set()


def test_guards_see_who_converts(tmp_path):
    file = tmp_path / "stage.py"
    file.write_text(
        "from lib_facerestore.engine.levels import to_levels\n"
        "a = b.astype(np.uint8)\na = b.astype(dtype=np.uint16)\na = b.astype(c.dtype)\na = np.rint(b)\n"
        "a = np.iinfo(b.dtype)\na = b.astype(np.float32)\na = b.astype(np.int64)\na = b.view(np.uint8)\n"
    )

    assert used_of_levels(file) == {"to_levels"}
    assert casts(file) == [2, 3, 4, 5, 6, 7]
    assert casts(file, may_make_floats=True) == [2, 3, 4, 5, 6]


def border_tokens(path):
    """Lines of a file whose code holds BGR in a name or the number 255; comments and strings are not code."""
    lines = []
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            is_bgr = token.type == tokenize.NAME and "bgr" in token.string.lower()
            if is_bgr or (token.type == tokenize.NUMBER and token.string in ("255", "255.0", "255.")):
                lines.append(token.start[0])
    return lines


@pytest.mark.parametrize(
    "path", [path for path in FILES if not is_within(dotted(path), ("engine.pixels",))], ids=dotted
)
def test_only_the_room_of_pixels_knows_bgr_and_the_number_of_white(path):
    assert border_tokens(path) == []


def test_guard_sees_border_tokens_in_code_only(tmp_path):
    file = tmp_path / "code.py"
    file.write_text('# BGR 255\n"""BGR, 255"""\nx = 255\ny = COLOR_RGB2BGR\nto_bgr = 1\nz = 2550\n')

    assert border_tokens(file) == [3, 4, 5]
