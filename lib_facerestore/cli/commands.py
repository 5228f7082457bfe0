"""The commands and their options. Options of a run derive from the settings' fields."""

from __future__ import annotations

import argparse
import dataclasses
import difflib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from lib_facerestore.cli.exit_status import EXIT_DONE, EXIT_WRONG_USE
from lib_facerestore.cli.help_text import RESTORE, UPSCALE, Formatter, Layout, sections
from lib_facerestore.engine.pixels import Chroma, FormatName, ReadLimits, WriteOptions
from lib_facerestore.runtime import Licence, Runtime, WantedPrecision
from lib_facerestore.setting_info import choices
from lib_facerestore.settings import SIZE_SETTINGS, RestoreSettings, field_types, setting_default, setting_info
from lib_facerestore.version import VERSION

DEFAULT_UPSCALE = 4.0
# Four faces take 2.7 GB of a GPU with GFPGAN in float32; a thousand is a slip of the finger.
MOST_FACES_AT_ONCE = 64
# Two short lines; argparse would list every option.
_USAGE = "%(prog)s [options]\n       PICTURE ... -o FOLDER"


class _Parser(argparse.ArgumentParser):
    """Says what was wrong in one line, without the whole usage before it. layout: of the help; None: argparse's own."""

    layout: Layout | None = None

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **{"formatter_class": Formatter, **more})

    def format_help(self) -> str:
        """The help, in the parts that the layout names."""
        if self.layout is None:
            return super().format_help()
        formatter = self._get_formatter()
        formatter.add_usage(self.usage, self._actions, self._mutually_exclusive_groups)
        formatter.add_text(self.description)
        for title, actions in sections(self.layout, self._actions):
            formatter.start_section(title)
            formatter.add_arguments(actions)
            formatter.end_section()
        return formatter.format_help()

    def error(self, message: str) -> NoReturn:
        unknown = [word.split("=")[0] for word in message.split() if word.startswith("--")]
        if "unrecognized" in message and unknown:
            nearest = difflib.get_close_matches(unknown[0], sorted(set(_all_options(self))), 2)
            meant = f", did you mean {' or '.join(nearest)}?" if nearest else "."
            self.exit(EXIT_WRONG_USE, f"There is no option {unknown[0]}{meant}\n")
        self.exit(EXIT_WRONG_USE, f"{message[:1].upper()}{message[1:]}. See {self.prog} --help.\n")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """End with a sentence that stays one line, whatever the words hold that it names."""
        from lib_facerestore.cli.console import one_line

        super().exit(status, message and one_line(message.rstrip("\n")) + "\n")


def _all_options(parser: argparse.ArgumentParser) -> list[str]:
    """Option names of a parser and of its commands."""
    names = list(parser._option_string_actions)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            names += [name for command in action.choices.values() for name in _all_options(command)]
    return names


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = _Parser(prog="facerestore", description="Finds, restores and pastes back faces; enlarges pictures.")
    top.add_argument("--version", action="version", version=VERSION)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)
    _add_restore(commands)
    _add_upscale(commands)
    _add_fetch(commands)
    text, usage = "list the models and where their weights are", "%(prog)s [options]"
    models = commands.add_parser("models", help=text, description=text, usage=usage, allow_abbrev=False)
    _add_machine_options(models)
    models.add_argument("--markdown", action="store_true", help="as the table of the README")
    models.set_defaults(run=_run_models)
    text = "check versions, device and weights; say what is damaged, missing or of no use"
    doctor = commands.add_parser("doctor", help=text, description=text, usage=usage, allow_abbrev=False)
    _add_machine_options(doctor)
    doctor.set_defaults(run=_run_doctor)
    _add_bench(commands)
    return top


def settings_from(options: argparse.Namespace) -> RestoreSettings:
    """The settings that the options name; fields that were not given keep their defaults.

    Raises: SettingsError.
    """
    given = {name: value for name in field_types() if (value := getattr(options, name)) is not None}
    if options.no_restore:
        given["restorer"] = "none"
    if options.no_upscale:
        given = {name: value for name, value in given.items() if name not in SIZE_SETTINGS} | {"upscaler": "none"}
    elif options.command == "upscale" and not given.keys() & SIZE_SETTINGS:
        given["scale"] = DEFAULT_UPSCALE
    return RestoreSettings.from_mapping(given)


def runtime_from(options: argparse.Namespace) -> Runtime:
    """The machine as the options describe it."""
    runtime = Runtime(
        device=options.device,
        folders=tuple(options.look_in),
        downloads_allowed=options.download,
        mirrors=tuple(options.mirror),
        licence=options.licence,
        precision=options.precision,
        face_batch=options.faces_at_once,
    )
    return runtime if options.models is None else dataclasses.replace(runtime, models_folder=options.models)


def _add_restore(commands: Any) -> None:
    text = "restore the faces in pictures"
    command = commands.add_parser("restore", help=text, description=text, usage=_USAGE, allow_abbrev=False)
    command.layout = RESTORE
    command.add_argument("--faces", action="store_true", help="also write each face's crop before and after")
    command.add_argument("--no-restore", action="store_true", help="leave faces alone; loads nothing for them")
    command.add_argument("--no-upscale", action="store_true", help="leave the size alone; loads no upscaler")
    _add_run_options(command)
    command.set_defaults(run=_run_restore)


def _add_upscale(commands: Any) -> None:
    text = "enlarge pictures, four times unless a size is given; faces are left to the upscaler"
    command = commands.add_parser("upscale", help=text, description=text, usage=_USAGE, allow_abbrev=False)
    command.layout = UPSCALE
    _add_run_options(command)
    command.set_defaults(run=_run_restore, faces=False, no_restore=True, no_upscale=False)


def _add_run_options(command: argparse.ArgumentParser) -> None:
    """What restoring and upscaling files have in common."""
    text = "a file, a folder (the pictures in it, without its own folders), or a pattern in quotes such as '*.jpg'"
    command.add_argument("pictures", nargs="+", type=named, metavar="PICTURE", help=text)
    text = "folder for the results"
    command.add_argument(
        "-o", "--output", type=lambda text: Path(named(text)), required=True, metavar="FOLDER", help=text
    )
    existing = command.add_mutually_exclusive_group()
    existing.add_argument("--overwrite", action="store_true", help="replace results that are there already")
    existing.add_argument("--skip-existing", action="store_true", help="leave pictures out whose result is there")
    text = "write what was done to each picture; - or /dev/stdout: print it at the end"
    command.add_argument("--report", metavar="FILE.json", help=text)
    command.add_argument("--compare", action="store_true", help="also write a before | after picture")
    _add_file_options(command)
    _add_machine_options(command)
    _add_network_options(command)
    for name, kind in field_types().items():
        _add_setting(command, name, kind)


def _add_fetch(commands: Any) -> None:
    text, usage = "download official weights", "%(prog)s [options]\n       [NAME ...]"
    command = commands.add_parser("fetch", help=text, description=text, usage=usage, allow_abbrev=False)
    command.add_argument("names", nargs="*", metavar="NAME", help="models, such as codeformer or 'gfpgan 1.4'")
    command.add_argument(
        "--all", action="store_true", help="every model that the licence mode shows and a command can use"
    )
    command.add_argument("--for", dest="for_restorer", metavar="NAME", help="a restorer, a detector and a parser")
    _add_machine_options(command)
    command.set_defaults(run=_run_fetch)


def _add_bench(commands: Any) -> None:
    from lib_facerestore.cli import bench

    text = "measure the speed beside what hosts do today; needs the repository"
    usage = "%(prog)s [options]"
    command = commands.add_parser("bench", help=text, description=text, usage=usage, allow_abbrev=False)
    bench.add_options(command)
    command.set_defaults(run=bench.run_bench)


def _add_file_options(command: argparse.ArgumentParser) -> None:
    writing, reading = WriteOptions(), ReadLimits()
    add = command.add_argument
    _add_choice(add, "--format", choices(FormatName), "format of the results", writing.format)
    add("--quality", type=int, default=writing.quality, help="1 to 100; 0: at least the input's (default: %(default)s)")
    _add_choice(add, "--chroma", choices(Chroma), "colour resolution of JPEG results", writing.chroma)
    add("--name", default=writing.name, help="name of the results, {name} is the input's (default: %(default)s)")
    text = "refuse larger pictures (default: %(default)g; 200 take about 1.4 GB at work)"
    add("--max-megapixels", type=float, default=reading.megapixels, help=text)


def _add_machine_options(command: argparse.ArgumentParser) -> None:
    runtime = Runtime()
    command.set_defaults(precision=runtime.precision, faces_at_once=runtime.face_batch)
    command.add_argument("--device", default=runtime.device, help="auto, cpu, cuda, cuda:1, mps (default: %(default)s)")
    command.add_argument("--models", type=Path, metavar="FOLDER", help="folder for weights")
    command.add_argument("--look-in", type=Path, action="append", default=[], metavar="FOLDER", help="more weights")
    command.add_argument("--download", action="store_true", help="fetch missing weights at their first use")
    command.add_argument("--mirror", action="append", default=[], metavar="URL", help="tried before the official place")
    _add_choice(command.add_argument, "--licence", choices(Licence), "commercial hides the others", runtime.licence)


def _add_network_options(command: argparse.ArgumentParser) -> None:
    """How networks of faces run; other commands run none and take what the runtime has."""
    runtime, add = Runtime(), command.add_argument
    text = "half is faster, and used for a face model only where it agrees with full"
    _add_choice(add, "--precision", choices(WantedPrecision), text, runtime.precision)
    text = f"faces that a GPU restores together, 1 to {MOST_FACES_AT_ONCE}; a CPU takes one (default: %(default)s)"
    add("--faces-at-once", type=faces_at_once, default=runtime.face_batch, metavar="N", help=text)


def _add_choice(add: Callable[..., Any], flag: str, words: tuple[str, ...], text: str, default: str) -> None:
    """An option that takes one of a few words; they stand in the text, where they can be wrapped."""
    listed = f"{text}; one of: {', '.join(words)} (default: {default})"
    add(flag, choices=words, default=default, metavar="WORD", help=listed)


def _add_setting(command: argparse.ArgumentParser, name: str, kind: Any) -> None:
    info = setting_info(name)
    default = setting_default(name)
    if name == "scale" and isinstance(command, _Parser) and command.layout is UPSCALE:
        default = f"{DEFAULT_UPSCALE:g} unless a size is given"
    flag = "--" + name.replace("_", "-")
    span = "" if info.low is None else f", {info.low:g} to {info.high:g}{' ' + info.unit if info.unit else ''}"
    text = f"{info.help} (default: {default}{span})".replace("%", "%%")
    if kind is bool:
        command.add_argument(flag, action=argparse.BooleanOptionalAction, default=None, help=text)
    elif kind in (int, float):
        command.add_argument(flag, type=number, default=None, metavar="NUMBER", help=text)
    elif words := choices(kind):
        text = f"{info.help} One of: {', '.join(words)} (default: {default})".replace("%", "%%")
        command.add_argument(flag, choices=words, default=None, metavar="WORD", help=text)
    else:
        command.add_argument(flag, default=None, metavar="NAME", help=text)


def named(text: str) -> str:
    """A name that was not left empty, as an unset variable leaves it: as a path it would be the current folder.

    Raises: argparse.ArgumentTypeError, which argparse says.
    """
    if not text:
        raise argparse.ArgumentTypeError("the name is empty")
    return text


def faces_at_once(text: str) -> int:
    """A whole number of faces.

    Raises: argparse.ArgumentTypeError, which argparse says.
    """
    allowed = [str(count) for count in range(1, MOST_FACES_AT_ONCE + 1)]
    if text not in allowed:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to {MOST_FACES_AT_ONCE}")
    return int(text)


def number(text: str) -> float:
    """Any number; its range is the settings' business. argparse turns the ValueError into its own sentence."""
    return float(text)


def _run_restore(options: argparse.Namespace) -> int:
    from lib_facerestore.cli.restore import restore_files

    return restore_files(options, settings_from(options), runtime_from(options))


def _run_fetch(options: argparse.Namespace) -> int:
    from lib_facerestore.cli.fetch import fetch_models

    return fetch_models(options, runtime_from(options))


def _run_models(options: argparse.Namespace) -> int:
    from lib_facerestore.cli.inventory import model_table, print_models

    if options.markdown:
        print(model_table())
        return EXIT_DONE
    return print_models(runtime_from(options))


def _run_doctor(options: argparse.Namespace) -> int:
    from lib_facerestore.cli.inventory import print_doctor

    return print_doctor(runtime_from(options))
