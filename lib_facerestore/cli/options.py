"""Options that several commands share: of files, of the machine, of its networks, and one for each setting."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lib_facerestore.cli.help_text import UPSCALE
from lib_facerestore.cli.option_parser import OptionParser
from lib_facerestore.cli.option_types import MOST_FACES_AT_ONCE, faces_at_once, named, number
from lib_facerestore.engine.pixels import Chroma, FormatName, ReadLimits, WriteOptions
from lib_facerestore.runtime import Licence, Runtime, WantedExecutor, WantedPrecision
from lib_facerestore.setting_info import choices
from lib_facerestore.settings import field_types, setting_default, setting_info

DEFAULT_UPSCALE = 4.0


def add_run_options(command: argparse.ArgumentParser) -> None:
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
    add_file_options(command)
    add_machine_options(command)
    add_network_options(command)
    for name, kind in field_types().items():
        _add_setting(command, name, kind)


def add_file_options(command: argparse.ArgumentParser) -> None:
    """How files are read and written."""
    writing, reading = WriteOptions(), ReadLimits()
    add = command.add_argument
    _add_choice(add, "--format", choices(FormatName), "format of the results", writing.format)
    add("--quality", type=int, default=writing.quality, help="1 to 100; 0: at least the input's (default: %(default)s)")
    _add_choice(add, "--chroma", choices(Chroma), "colour resolution of JPEG results", writing.chroma)
    add("--name", default=writing.name, help="name of the results, {name} is the input's (default: %(default)s)")
    text = "refuse larger pictures (default: %(default)g; 200 take about 1.4 GB at work)"
    add("--max-megapixels", type=float, default=reading.megapixels, help=text)


def add_machine_options(command: argparse.ArgumentParser) -> None:
    """The device and the folders. Without `add_network_options` networks run as the runtime's defaults say."""
    runtime = Runtime()
    command.set_defaults(precision=runtime.precision, faces_at_once=runtime.face_batch, executor=runtime.executor)
    text = "auto, gpu, cpu, or as torch names it: cuda, cuda:1, xpu, mps, directml (default: %(default)s)"
    command.add_argument("--device", default=runtime.device, help=text)
    command.add_argument("--models", type=Path, metavar="FOLDER", help="folder for weights")
    command.add_argument("--look-in", type=Path, action="append", default=[], metavar="FOLDER", help="more weights")
    command.add_argument("--download", action="store_true", help="fetch missing weights at their first use")
    command.add_argument("--mirror", action="append", default=[], metavar="URL", help="tried before the official place")
    _add_choice(command.add_argument, "--licence", choices(Licence), "commercial hides the others", runtime.licence)


def add_network_options(command: argparse.ArgumentParser) -> None:
    """How networks run."""
    runtime, add = Runtime(), command.add_argument
    text = "half is faster, and used for a model only where it agrees with full"
    _add_choice(add, "--precision", choices(WantedPrecision), text, runtime.precision)
    text = "what runs networks on a CPU; auto takes OpenVINO where it is installed and faster"
    _add_choice(add, "--executor", choices(WantedExecutor), text, runtime.executor)
    text = f"faces that a GPU restores together, 1 to {MOST_FACES_AT_ONCE}; a CPU takes one (default: %(default)s)"
    add("--faces-at-once", type=faces_at_once, default=runtime.face_batch, metavar="N", help=text)


def _add_choice(add: Callable[..., Any], flag: str, words: tuple[str, ...], text: str, default: str) -> None:
    """An option that takes one of a few words; they stand in the text, where they can be wrapped."""
    listed = f"{text}; one of: {', '.join(words)} (default: {default})"
    add(flag, choices=words, default=default, metavar="WORD", help=listed)


def _add_setting(command: argparse.ArgumentParser, name: str, kind: Any) -> None:
    info = setting_info(name)
    default = setting_default(name)
    if name == "scale" and isinstance(command, OptionParser) and command.layout is UPSCALE:
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
