"""docs/api.md: its request gives its answer, its program runs, and the schema shows the same example."""

import json
import re
import subprocess
import sys

import pytest
from PIL import Image

from helpers.api_client import post, send
from helpers.running_host import ROOT

TEXT = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")


def block(mark, language):
    """The code block below a comment that begins so."""
    return re.search(rf"<!-- {mark}.*?-->\n```{language}\n(.*?)```", TEXT, re.DOTALL)[1]


def without_chance(answer):
    """An answer without what differs from run to run: seconds, and the bytes of the picture's file."""
    (picture,) = answer["pictures"]
    for of in (picture, picture["report"]):
        of["status"] = re.sub(r"\d+\.\d\d s", "- s", of["status"])
    return {**answer, "pictures": [{**picture, "picture": "", "report": {**picture["report"], "seconds": {}}}]}


def test_request_gives_the_answer(host):
    answer = post(host, "restore", json.loads(block("request", "json")))

    assert answer.picture().size_hw == (24, 32)
    assert without_chance(answer.json) == without_chance(json.loads(block("answer", "json")))


def test_schema_shows_the_same_request(host):
    body = send(host, "GET", "/openapi.json").json["paths"]["/facerestore/restore"]["post"]["requestBody"]

    assert body["content"]["application/json"]["example"] == json.loads(block("request", "json"))


@pytest.mark.timeout(300)
def test_program_restores_a_photograph(host, tmp_path):
    program = block("program", "python").replace("http://127.0.0.1:7860", host.address)
    (tmp_path / "samples").symlink_to(ROOT / "samples")

    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=250)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1 face: 1 restored · Real-ESRGAN x4plus (embedded), visibility 0.8 · ")
    assert Image.open(tmp_path / "restored.jpg").size == (512, 440)


def test_every_route_of_the_table_is_there(host):
    paths = send(host, "GET", "/openapi.json").json["paths"]

    named = re.findall(r"`(GET|POST|DELETE) (/facerestore/\w+)`", TEXT)
    assert {(method.lower(), path) for method, path in named} == {
        (method, path) for path in paths if path.startswith("/facerestore") for method in paths[path]
    }
