"""Reports to the console, where hosts leave every exception of an extension."""

from __future__ import annotations

import sys
import traceback

# Not in the hosts: what was reported, so that a test can ask GET /stub/errors instead of reading the console.
reported: list[str] = []


def say(text: str) -> None:
    """One message to standard error."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def report(message: str, *, exc_info: bool = False) -> None:
    """Message with stars, and the traceback when asked for."""
    text = "\n".join(f"*** {line}" for line in message.splitlines())
    if exc_info:
        text += "\n" + "".join(f"    {line}\n" for line in traceback.format_exc().splitlines())
    reported.append(text)
    say(text)


def display(error: BaseException, task: str, *, full_traceback: bool = False) -> None:
    """Task, class and words of an error, with its traceback."""
    text = f"{task or 'error'}: {type(error).__name__}\n{''.join(traceback.format_exception(error))}"
    reported.append(text)
    say(text)


def print_error_explanation(message: str) -> None:
    """A framed message."""
    say(f"=====\n{message}\n=====")
