"""Options that nobody gave: what runs is the dataclasses' own default, whatever that is."""

import pytest

from lib_facerestore.cli import commands
from lib_facerestore.engine.pixels.decode import ReadLimits
from lib_facerestore.engine.pixels.encode import WriteOptions
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

    names = ("device", "folders", "models_folder", "downloads_allowed", "mirrors", "licence", "face_batch")
    assert [getattr(runtime, name) for name in names] == [getattr(Runtime(), name) for name in names]


def test_another_default_of_a_dataclass_is_the_commands_too(monkeypatch):
    monkeypatch.setattr(commands, "WriteOptions", lambda: WriteOptions("png", 80, "4:4:4", "{name}-restored"))
    monkeypatch.setattr(commands, "ReadLimits", lambda: ReadLimits(megapixels=12.0))
    monkeypatch.setattr(commands, "Runtime", lambda: Runtime(device="cpu", licence="commercial"))

    options = parsed("upscale")

    given = (options.format, options.quality, options.chroma, options.name, options.max_megapixels)
    assert given == ("png", 80, "4:4:4", "{name}-restored", 12.0)
    assert (options.device, options.licence) == ("cpu", "commercial")


def test_settings_that_are_not_given_keep_their_defaults():
    assert commands.settings_from(parsed("restore")) == RestoreSettings()
