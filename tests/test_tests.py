"""Guards how tests share: what they have in common lies in `helpers` and `stub_host`, never in a test module."""

import ast
from pathlib import Path

import pytest

from helpers.work_units import unit_of

TESTS = Path(__file__).resolve().parent
# A host loads these: they are parts of other programs, which put their own folders on the path.
OF_HOSTS = ("stub_host/stub/", "stub_host/probe_extension/", "stub_host/photo_extension/", "webui/extensions/")
FILES = [
    path for path in sorted(TESTS.rglob("*.py")) if not path.relative_to(TESTS).as_posix().startswith(OF_HOSTS)
]  # fmt: skip


def imported(path):
    """Names of the modules that a file imports, and `a.b` of `from a import b` too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or "."} | {f"{node.module or ''}.{alias.name}" for alias in node.names}
    return found


def of_tests(names):
    """Those that are test modules or conftest."""
    parts = {name: name.split(".") for name in names}
    return sorted(
        name for name, words in parts.items() if any(word.startswith("test_") or word == "conftest" for word in words)
    )


def path_edits(path):
    """Lines where a file names `sys.path`, or imports `path` of `sys`."""
    lines: list[int] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "sys.path":
            lines.append(node.lineno)
        if isinstance(node, ast.ImportFrom) and node.module == "sys" and "path" in {one.name for one in node.names}:
            lines.append(node.lineno)
    return lines


def test_no_test_module_is_imported():
    assert len(FILES) > 100

    assert {path.name: found for path in FILES if (found := of_tests(imported(path)))} == {}


def test_nothing_edits_the_path_of_modules():
    assert {path.name: found for path in FILES if (found := path_edits(path))} == {}


def test_guards_see_what_they_guard_against(tmp_path):
    file = tmp_path / "a.py"
    file.write_text(
        "import helpers.support\nimport engine.test_report\nfrom webui.test_page import page\n"
        "from engine import test_data\nfrom . import conftest\nimport sys\n"
        "sys.path.insert(0, 'tests')\nfrom sys import path\n"
    )

    assert of_tests(imported(file)) == [
        ".conftest", "engine.test_data", "engine.test_report", "webui.test_page", "webui.test_page.page"
    ]  # fmt: skip
    assert sorted(path_edits(file)) == [7, 8]


@pytest.mark.parametrize(
    ("test", "unit"),
    [
        ("tests/webui/test_start.py::test_a[gradio4]", "tests/webui/test_start.py gradio4"),
        ("tests/webui/test_start.py::test_a[gradio3-word]", "tests/webui/test_start.py gradio3"),
        ("tests/webui/test_start.py::test_a[word-gradio3]", "tests/webui/test_start.py gradio3"),
        ("tests/webui/test_start.py::test_a", "tests/webui/test_start.py"),
        ("tests/cli/test_help.py::test_a[gradio31]", "tests/cli/test_help.py"),
    ],
)
def test_processes_share_the_work_by_file_and_host(test, unit):
    assert unit_of(test) == unit
