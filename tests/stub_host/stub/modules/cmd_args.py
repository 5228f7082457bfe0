"""Command line: the stub's own flags, the hosts' flags that extensions read, and what preload.py of extensions adds."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from modules import absences, errors, host_kind

SCRIPT_PATH = Path(__file__).resolve().parents[1]
FOLDERS = ("gfpgan", "codeformer", "esrgan", "realesrgan", "dat", "bsrgan", "swinir", "scunet")


def _first_parser() -> argparse.ArgumentParser:
    """The stub's own flags, which say what kind it is."""
    parser = argparse.ArgumentParser(conflict_handler="resolve")
    add = parser.add_argument
    add("--data-dir", type=str, default=".", help="the host's folder: outputs, models, config.json, extensions")
    add("--extension", action="append", default=[], help="[NAME=]PATH of a folder to link into extensions; repeatable")
    add("--kind", type=str, default=host_kind.kind, choices=host_kind.KINDS)
    add("--install", action="store_true", help="run install.py of the extensions first")
    add("--step-seconds", type=float, default=0.0, help="how long one sampling step takes")
    add("--port", type=int, default=7871)
    return parser


def _parser() -> argparse.ArgumentParser:
    """All flags that this kind of host has."""
    parser = _first_parser()

    def add(flag: str, **options: object) -> None:
        if not absences.is_flag_absent(flag.strip("-").replace("-", "_")):
            parser.add_argument(flag, **options)

    add("--api", action=argparse.BooleanOptionalAction, default=False)
    add("--nowebui", action="store_true")
    add("--listen", action="store_true")
    add("--api-auth", type=str, default=None)
    if host_kind.is_sdnext():
        add("--auth", type=str, default=None)
        add("--auth-file", type=str, default=None)
    else:
        add("--gradio-auth", type=str, default=None)
    add("--skip-install", action="store_true")
    add("--models-dir", type=str, default=None)
    if absences.is_flag_absent("models_dir"):
        add("--model-ref", type=str, default=None)
    add("--use-cpu", nargs="+", type=str.lower, default=[])
    add("--no-half", action="store_true")
    add("--precision", type=str, default="autocast")
    add("--lowvram", action="store_true")
    add("--medvram", action="store_true")
    add("--medvram-sdxl", action="store_true")
    add("--hide-ui-dir-config", action="store_true")
    add("--no-prompt-history", action="store_true")
    add("--freeze-settings", action="store_true")
    add("--disable-extra-extensions", action="store_true")
    add("--disable-all-extensions", action="store_true")
    add("--always-cpu", action="store_true")
    for name in FOLDERS:
        add(f"--{name}-models-path", type=str, default=None)
    return parser


def link_extensions(folder: Path, wanted: list[str]) -> None:
    """Make extensions/ hold a link to each wanted folder and no other link; real folders there stay."""
    folder.mkdir(parents=True, exist_ok=True)
    for entry in folder.iterdir():
        if entry.is_symlink():
            entry.unlink()
    for item in wanted:
        name, _, path = item.rpartition("=")
        target = Path(path).resolve()
        (folder / (name or target.name)).symlink_to(target)


def preload(parser: argparse.ArgumentParser, folder: Path) -> None:
    """Call preload(parser) of every extension; an exception is reported and ignored."""
    from modules import script_loading

    for extension in sorted(folder.iterdir(), key=lambda path: path.name.lower()):
        file = extension / "preload.py"
        if not file.is_file():
            continue
        try:
            module = script_loading.load_module(str(file))
            if hasattr(module, "preload"):
                module.preload(parser)
        except Exception:
            errors.report(f"Error running preload() for {file}", exc_info=True)


def parse(argv: list[str]) -> argparse.Namespace:
    """The flags; the process then stands in the data folder, as a host stands in its own."""
    first, _ = _first_parser().parse_known_args(argv)
    data = Path(first.data_dir).resolve()
    data.mkdir(parents=True, exist_ok=True)
    wanted = list(first.extension)
    link_extensions(data / "extensions", wanted)
    os.chdir(data)
    host_kind.kind = first.kind
    if host_kind.is_forge_family():
        sys.path.insert(1, str(SCRIPT_PATH / "forge_family"))
    parser = _parser()
    preload(parser, data / "extensions")
    options = parser.parse_args(argv)
    options.data_dir = str(data)
    options.ui_settings_file = str(data / "config.json")
    options.ui_config_file = str(data / "ui-config.json")
    return options


def credentials_of_page() -> dict[str, str]:
    """Users and passwords of the page; on SD.Next those of the API as well."""
    if not host_kind.is_sdnext():
        pairs = (cmd_opts.gradio_auth or "").split(",")
    else:
        pairs = (cmd_opts.auth or "").split(",")
        if cmd_opts.auth_file:
            pairs += Path(cmd_opts.auth_file).read_text(encoding="utf-8").splitlines()
    named = [pair.replace('"', "").partition(":") for pair in pairs if ":" in pair]
    return {user.strip(): password.strip() for user, _, password in named}


cmd_opts = parse(sys.argv[1:] if Path(sys.argv[0]).name == "launch.py" else [])
