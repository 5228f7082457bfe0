"""Options that nobody gave: what runs is the dataclasses' own default, whatever that is."""

import pytest

from lib_facerestore.cli import commands
from lib_facerestore.cli import options as shared
from lib_facerestore.cli.exit_status import EXIT_WRONG_USE
from lib_facerestore.engine.pixels import WriteOptions
from lib_facerestore.engine.pixels.decode import ReadLimits
from lib_facerestore.runtime import Runtime
from lib_facerestore.settings import RestoreSettings


def parsed(command, *words):
    return commands.parser().parse_args([command, "a.png", "-o", "out", *words])


@pytest.mark.parametrize("command", ["restore", "upscale"])
def test_options_of_files_default_to_those_of_reading_and_writing(command):
    options = parsed(command)

    writing = WriteOptions(options.format, options.quality, options.chroma, options.name)
    assert writing == WriteOptions()
    assert options.max_megapixels == ReadLimits().megapixels


def test_options_of_the_machine_default_to_those_of_the_runtime(monkeypatch, tmp_path):
    monkeypatch.setenv("FACERESTORE_HOME", str(tmp_path))

    runtime = commands.runtime_from(parsed("restore"))

    names = (
        "device",
        "folders",
        "models_folder",
        "downloads_allowed",
        "mirrors",
        "licence",
        "precision",
        "executor",
        "face_batch",
    )
    assert [getattr(runtime, name) for name in names] == [getattr(Runtime(), name) for name in names]


@pytest.mark.parametrize("command", ["restore", "upscale"])
def test_precision_executor_and_faces_at_once_reach_the_runtime(command):
    runtime = commands.runtime_from(
        parsed(command, "--precision", "half", "--executor", "openvino", "--faces-at-once", "7")
    )

    assert (runtime.precision, runtime.executor, runtime.face_batch) == ("half", "openvino", 7)


@pytest.mark.parametrize("words", [["fetch"], ["models"], ["doctor"]])
def test_commands_that_run_no_network_take_the_runtimes_own(words):
    runtime = commands.runtime_from(commands.parser().parse_args(words))

    assert (runtime.precision, runtime.face_batch) == (Runtime().precision, Runtime().face_batch)


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--executor", "tensorrt", "Argument --executor: invalid choice: 'tensorrt'"),
        ("--precision", "quarter", "Argument --precision: invalid choice: 'quarter'"),
        *(
            ("--faces-at-once", value, f"Argument --faces-at-once: '{value}' is no whole number from 1 to 64.")
            for value in ("0", "-1", "65", "2.5", "many", "", "1" * 5000)
        ),
    ],
)
def test_a_bad_precision_or_number_of_faces_is_wrong_use_said_in_one_line(option, value, said, capsys):
    with pytest.raises(SystemExit) as end:
        parsed("restore", f"{option}={value}")

    lines = capsys.readouterr().err.splitlines()
    assert end.value.code == EXIT_WRONG_USE
    assert len(lines) == 1
    assert lines[0].startswith(said)


def test_another_default_of_a_dataclass_is_the_commands_too(monkeypatch):
    monkeypatch.setattr(shared, "WriteOptions", lambda: WriteOptions("png", 80, "4:4:4", "{name}-restored"))
    monkeypatch.setattr(shared, "ReadLimits", lambda: ReadLimits(megapixels=12.0))
    monkeypatch.setattr(shared, "Runtime", lambda: Runtime(device="cpu", licence="commercial"))

    options = parsed("upscale")

    given = (options.format, options.quality, options.chroma, options.name, options.max_megapixels)
    assert given == ("png", 80, "4:4:4", "{name}-restored", 12.0)
    assert (options.device, options.licence) == ("cpu", "commercial")


def test_settings_that_are_not_given_keep_their_defaults():
    assert commands.settings_from(parsed("restore")) == RestoreSettings()
