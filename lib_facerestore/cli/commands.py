"""The commands: which options each takes, and what it runs. Options of a run derive from the settings' fields."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

from lib_facerestore.cli.exit_status import EXIT_DONE
from lib_facerestore.cli.help_text import RESTORE, UPSCALE
from lib_facerestore.cli.option_parser import OptionParser
from lib_facerestore.cli.options import (
    DEFAULT_UPSCALE,
    add_machine_options,
    add_network_options,
    add_run_options,
)
from lib_facerestore.runtime import Runtime
from lib_facerestore.settings import SIZE_SETTINGS, RestoreSettings, field_types
from lib_facerestore.version import VERSION

# Two short lines; argparse would list every option.
_USAGE = "%(prog)s [options]\n       PICTURE ... -o FOLDER"


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = OptionParser(prog="facerestore", description="Finds, restores and pastes back faces; enlarges pictures.")
    top.add_argument("--version", action="version", version=VERSION)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=OptionParser)
    _add_restore(commands)
    _add_upscale(commands)
    _add_fetch(commands)
    text, usage = "list the models and where their weights are", "%(prog)s [options]"
    models = commands.add_parser("models", help=text, description=text, usage=usage, allow_abbrev=False)
    add_machine_options(models)
    models.add_argument("--markdown", action="store_true", help="as the table of the README")
    models.set_defaults(run=_run_models)
    text = "check versions, device and weights; say what is damaged, missing or of no use"
    doctor = commands.add_parser("doctor", help=text, description=text, usage=usage, allow_abbrev=False)
    add_machine_options(doctor)
    doctor.set_defaults(run=_run_doctor)
    _add_prepare(commands)
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
        executor=options.executor,
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
    add_run_options(command)
    command.set_defaults(run=_run_restore)


def _add_upscale(commands: Any) -> None:
    text = "enlarge pictures, four times unless a size is given; faces are left to the upscaler"
    command = commands.add_parser("upscale", help=text, description=text, usage=_USAGE, allow_abbrev=False)
    command.layout = UPSCALE
    add_run_options(command)
    command.set_defaults(run=_run_restore, faces=False, no_restore=True, no_upscale=False)


def _add_fetch(commands: Any) -> None:
    text, usage = "download official weights", "%(prog)s [options]\n       [NAME ...]"
    command = commands.add_parser("fetch", help=text, description=text, usage=usage, allow_abbrev=False)
    command.add_argument("names", nargs="*", metavar="NAME", help="models, such as codeformer or 'gfpgan 1.4'")
    command.add_argument(
        "--all", action="store_true", help="every model that the licence mode shows and a command can use, in one form"
    )
    command.add_argument("--for", dest="for_restorer", metavar="NAME", help="a restorer, a detector and a parser")
    add_machine_options(command)
    command.set_defaults(run=_run_fetch)


def _add_prepare(commands: Any) -> None:
    text = "compile restorers for this processor, where OpenVINO is installed"
    usage = "%(prog)s [options]\n       [NAME ...]"
    command = commands.add_parser("prepare", help=text, description=text, usage=usage, allow_abbrev=False)
    command.add_argument("names", nargs="*", metavar="NAME", help="restorers (default: the one that auto takes)")
    command.add_argument("--clear", action="store_true", help="remove what was compiled")
    add_machine_options(command)
    add_network_options(command)
    command.set_defaults(run=_run_prepare)


def _add_bench(commands: Any) -> None:
    from lib_facerestore.cli import bench

    text = "measure the speed beside what hosts do today; needs the repository"
    usage = "%(prog)s [options]"
    command = commands.add_parser("bench", help=text, description=text, usage=usage, allow_abbrev=False)
    bench.add_options(command)
    command.set_defaults(run=bench.run_bench)


def _run_restore(options: argparse.Namespace) -> int:
    from lib_facerestore.cli.restoring.restore import restore_files

    return restore_files(options, settings_from(options), runtime_from(options))


def _run_prepare(options: argparse.Namespace) -> int:
    from lib_facerestore.cli.prepare import prepare_models

    return prepare_models(options, runtime_from(options))


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
