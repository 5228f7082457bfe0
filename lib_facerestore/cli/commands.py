"""The commands and their options. Options of a run derive from the settings' fields."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, NoReturn

from lib_facerestore.cli import EXIT_WRONG_USE
from lib_facerestore.errors import SettingsError
from lib_facerestore.settings import RestoreSettings, choices, field_types, setting_info
from lib_facerestore.version import VERSION


class _Parser(argparse.ArgumentParser):
    """Says what was wrong in one line, without the whole usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_WRONG_USE, f"{message[:1].upper()}{message[1:]}. See {self.prog} --help.\n")


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = _Parser(prog="facerestore", description="Finds, restores and pastes back faces in pictures.")
    top.add_argument("--version", action="version", version=VERSION)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)
    _add_restore(commands)
    models = commands.add_parser("models", help="list the models and where their weights are", allow_abbrev=False)
    models.set_defaults(run=_run_models)
    doctor = commands.add_parser("doctor", help="check versions, device and weights", allow_abbrev=False)
    _add_machine_options(doctor)
    doctor.set_defaults(run=_run_doctor)
    return top


def settings_from(options: argparse.Namespace) -> RestoreSettings:
    """The settings that the options name; fields that were not given keep their defaults.

    Raises: SettingsError.
    """
    given = {name: value for name in field_types() if (value := getattr(options, name)) is not None}
    return RestoreSettings.from_mapping(given)


def _add_restore(commands: Any) -> None:
    command = commands.add_parser("restore", help="restore the faces in pictures", allow_abbrev=False)
    command.add_argument("pictures", nargs="+", type=Path, metavar="PICTURE")
    command.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="folder for the results")
    command.add_argument("--overwrite", action="store_true", help="replace results that are there already")
    command.add_argument("--report", type=Path, metavar="FILE.json", help="write what was done to each picture")
    command.add_argument("--compare", action="store_true", help="also write a before | after picture")
    command.add_argument("--faces", action="store_true", help="also write each face's crop before and after")
    _add_machine_options(command)
    for name, kind in field_types().items():
        _add_setting(command, name, kind)
    command.set_defaults(run=_run_restore)


def _add_machine_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps (default: auto)")


def _add_setting(command: argparse.ArgumentParser, name: str, kind: Any) -> None:
    info = setting_info(name)
    default = RestoreSettings.__dataclass_fields__[name].default
    flag = "--" + name.replace("_", "-")
    span = "" if info.low is None else f", {info.low:g} to {info.high:g}{' ' + info.unit if info.unit else ''}"
    text = f"{info.help} (default: {default}{span})".replace("%", "%%")
    if kind is bool:
        command.add_argument(flag, action=argparse.BooleanOptionalAction, default=None, help=text)
    elif kind in (int, float):
        command.add_argument(flag, type=_number, default=None, metavar="NUMBER", help=text)
    else:
        command.add_argument(flag, choices=choices(kind) or None, default=None, help=text)


def _number(text: str) -> float:
    """Any number; its range is the settings' business. argparse turns the ValueError into its own sentence."""
    return float(text)


def _run_restore(options: argparse.Namespace) -> int:
    import sys

    from lib_facerestore.cli.restore import restore_files

    try:
        settings = settings_from(options)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return EXIT_WRONG_USE
    return restore_files(options, settings)


def _run_models(options: argparse.Namespace) -> int:
    from lib_facerestore.cli.inventory import print_models

    return print_models()


def _run_doctor(options: argparse.Namespace) -> int:
    from lib_facerestore.cli.inventory import print_doctor

    return print_doctor(options.device)
