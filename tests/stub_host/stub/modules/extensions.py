"""The folders under extensions/, in sorted order, with their metadata.ini."""

from __future__ import annotations

import configparser
import os
import re
from collections import namedtuple
from dataclasses import dataclass, field

from modules import paths_internal, shared_cmd_options

ScriptFile = namedtuple("ScriptFile", ["basedir", "filename", "path"])


@dataclass
class Extension:
    """One folder; its canonical name is the folder's name in lower case."""

    name: str
    path: str
    enabled: bool = True
    is_builtin: bool = False
    metadata: configparser.ConfigParser = field(default_factory=configparser.ConfigParser)

    @property
    def canonical_name(self) -> str:
        return self.name.lower()

    def list_files(self, folder: str, extension: str) -> list[ScriptFile]:
        """Files of one kind directly in one of its folders."""
        where = os.path.join(self.path, folder)
        if not os.path.isdir(where):
            return []
        names = [name for name in sorted(os.listdir(where)) if name.lower().endswith(extension)]
        return [ScriptFile(self.path, name, os.path.join(where, name)) for name in names]

    def order(self, script: str, word: str) -> list[str]:
        """Names after `Before` or `After` for a script, from its own section and from its folder's.

        script: "scripts/file.py", which is the section's name too. Commas and spaces divide.
        """
        found: list[str] = []
        for section in (script, script.split("/")[0]):
            if self.metadata.has_option(section, word):
                found += re.split(r"[,\s]+", self.metadata.get(section, word).lower())
        return [name for name in found if name]


extensions: list[Extension] = []


def list_extensions() -> None:
    """Look again at the folder."""
    extensions.clear()
    flags = shared_cmd_options.cmd_opts
    if flags.disable_all_extensions or flags.disable_extra_extensions:
        return
    for name in sorted(os.listdir(paths_internal.extensions_dir)):
        path = os.path.join(paths_internal.extensions_dir, name)
        if os.path.isdir(path):
            extension = Extension(name, path)
            extension.metadata.read(os.path.join(path, "metadata.ini"), encoding="utf8")
            extensions.append(extension)


def active() -> list[Extension]:
    """Those that are not disabled in config.json."""
    from modules import shared

    disabled = shared.opts.data.get("disabled_extensions", []) if getattr(shared, "opts", None) else []
    return [extension for extension in extensions if extension.name not in disabled]
