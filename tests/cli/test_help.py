"""`--help`: what comes first, what belongs together, and whether it can be read in a narrow and in a wide terminal."""

from __future__ import annotations

import re
from typing import Any

import pytest

from lib_facerestore.cli import commands, main
from lib_facerestore.cli.help_text import RESTORE, UPSCALE
from lib_facerestore.cli.option_parser import all_options
from lib_facerestore.setting_info import choices
from lib_facerestore.settings import RestoreSettings, field_types, setting_info

EVERY = ["", "restore", "upscale", "fetch", "models", "doctor", "prepare", "bench"]


def help_of(command, capsys, monkeypatch, columns=100):
    monkeypatch.setenv("COLUMNS", str(columns))
    with pytest.raises(SystemExit) as end:
        main([command, "--help"] if command else ["--help"])
    assert end.value.code == 0
    return capsys.readouterr().out


def parts(text):
    """Title of each part with the options that are described in it, in their order."""
    found, title = {}, ""
    for line in text.splitlines():
        if re.fullmatch(r"[a-z ]+:", line):
            title = line.rstrip(":")
        elif title and (flags := re.findall(r"(?:^ {2}|, )(--[a-z-]+)|^ {2}(?=PICTURE)", line)):
            found.setdefault(title, []).extend(flag for flag in flags if flag)
    return found


def flag(name):
    return "--" + name.replace("_", "-")


@pytest.mark.parametrize(("command", "layout"), [("restore", RESTORE), ("upscale", UPSCALE)])
def test_the_ten_usual_options_come_first(command, layout, capsys, monkeypatch):
    shown = parts(help_of(command, capsys, monkeypatch))

    assert shown["usual options"] == [*(flag(name) for name in layout.usual), "--help"]
    assert len(layout.usual) == 10


def test_the_other_options_of_restore_are_grouped_as_the_settings_are(capsys, monkeypatch):
    shown = parts(help_of("restore", capsys, monkeypatch))

    titles = {"model": "restoring", "faces": "faces", "mask": "mask", "upscale": "upscaling"}
    for name in field_types():
        if name not in RESTORE.usual:
            assert flag(name) in shown[titles[setting_info(name).group]], name
    assert list(shown)[-6:] == ["restoring", "faces", "mask", "upscaling", "files", "machine"]
    assert {"--report", "--compare", "--quality", "--name"} <= set(shown["files"])
    assert {"--device", "--precision", "--executor", "--models", "--download", "--mirror"} <= set(shown["machine"])


def test_every_option_of_restore_is_shown_once(capsys, monkeypatch):
    text = help_of("restore", capsys, monkeypatch)

    shown = [name for names in parts(text).values() for name in names]
    known = {name for name in all_options(commands.parser()) if name.startswith("--")}
    actions: Any = commands.parser()._subparsers._group_actions
    parser = actions[0].choices["restore"]
    assert len(shown) == len(set(shown))
    assert set(shown) == {name for name in parser._option_string_actions if name.startswith("--")} <= known


def test_upscale_shows_nothing_of_faces_and_still_takes_it(capsys, monkeypatch):
    shown = [name for names in parts(help_of("upscale", capsys, monkeypatch)).values() for name in names]

    of_faces = [name for name in field_types() if setting_info(name).group in ("faces", "mask")]
    for name in (*of_faces, "restorer", "fidelity", "visibility", "order", "large_faces", "faces_at_once"):
        assert flag(name) not in shown
    options = commands.parser().parse_args(
        ["upscale", "a.png", "-o", "out", "--mask", "feather", "--restorer", "codeformer", "--min-face-px", "9"]
    )
    settings = commands.settings_from(options)
    assert settings == RestoreSettings(restorer="none", mask="feather", min_face_px=9, scale=4.0)


def test_upscale_says_its_own_scale(capsys, monkeypatch):
    text = re.sub(r"\s+", " ", help_of("upscale", capsys, monkeypatch))

    assert "(default: 4 unless a size is given, 0.05 to 8 ×)" in text


@pytest.mark.parametrize("columns", [40, 80, 200])
@pytest.mark.parametrize("command", EVERY)
def test_no_line_is_wider_than_the_terminal_or_a_page(command, columns, capsys, monkeypatch):
    text = help_of(command, capsys, monkeypatch, columns)

    assert max(len(line) for line in text.splitlines()) <= min(columns, 100)


@pytest.mark.parametrize("name", [name for name, kind in field_types().items() if kind not in (bool, int, float, str)])
def test_the_words_of_a_choice_stand_in_its_text(name, capsys, monkeypatch):
    text = re.sub(r"\s+", " ", help_of("restore", capsys, monkeypatch))

    assert f"ne of: {', '.join(choices(field_types()[name]))} (default: " in text


def test_a_wrong_word_is_answered_with_the_right_ones(capsys):
    with pytest.raises(SystemExit):
        main(["restore", "a.png", "-o", "out", "--mask", "oval"])

    said = capsys.readouterr().err
    assert "'oval'" in said
    assert "landmarks" in said
