"""argparse as the command line wants it: wrong use in one line, help in the parts that a layout names."""

from __future__ import annotations

import argparse
import difflib
from typing import Any, NoReturn

from lib_facerestore.cli.exit_status import EXIT_WRONG_USE
from lib_facerestore.cli.help_text import Formatter, Layout, sections


class OptionParser(argparse.ArgumentParser):
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
        """End with exit status 2 and one sentence; for an unknown option with the nearest ones."""
        unknown = [word.split("=")[0] for word in message.split() if word.startswith("--")]
        if "unrecognized" in message and unknown:
            nearest = difflib.get_close_matches(unknown[0], sorted(set(all_options(self))), 2)
            meant = f", did you mean {' or '.join(nearest)}?" if nearest else "."
            self.exit(EXIT_WRONG_USE, f"There is no option {unknown[0]}{meant}\n")
        self.exit(EXIT_WRONG_USE, f"{message[:1].upper()}{message[1:]}. See {self.prog} --help.\n")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """End with a sentence that stays one line, whatever the words hold that it names."""
        from lib_facerestore.cli.console import one_line

        super().exit(status, message and one_line(message.rstrip("\n")) + "\n")


def all_options(parser: argparse.ArgumentParser) -> list[str]:
    """Option names of a parser and of its commands."""
    names = list(parser._option_string_actions)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            names += [name for command in action.choices.values() for name in all_options(command)]
    return names
