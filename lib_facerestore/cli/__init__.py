"""The command line. The only place beside the WebUI shell that talks to a person."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # typing takes milliseconds to import, and no signal is heard until then
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lib_facerestore.cli.stopping import Stop


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give the exit status: 0 done, 1 some picture failed, 2 wrong use, 128 + n after signal n.

    arguments: None takes those of the process, which then ends with the command.
    """
    from lib_facerestore.cli.stopping import Stop

    with Stop(ends_process=arguments is None) as stop:
        try:
            stop.listen()
            try:
                return _run(arguments, stop)
            finally:  # also where argparse exits
                stop.finish()
        except KeyboardInterrupt:
            return _say_stopped(stop)
        except Exception:
            if stop.number is None:
                raise
            return _say_stopped(stop)  # a library turned our exception into its own, or was left half imported


def _run(arguments: Sequence[str] | None, stop: Stop) -> int:
    """Raises: Stopped."""
    from lib_facerestore.cli.console import complain, whole_console

    with whole_console():
        import argparse

        from lib_facerestore.cli import commands
        from lib_facerestore.cli.exit_status import EXIT_SOME_FAILED, EXIT_WRONG_USE
        from lib_facerestore.errors import FaceRestoreError, SettingsError

        # Linux: tensors of many MB in huge pages; else the page faults of each new one cost x4plus a fifth of its speed
        # on a CPU (437 against 524 µs a px, 400×512 px). torch reads it once, so a host's process decides for itself.
        os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
        # AMD's GPUs: take the quickest way that is known for a convolution; else each new size of a face or tile is
        # searched for a better one, for minutes. Also read once, and by ROCm alone.
        os.environ.setdefault("MIOPEN_FIND_MODE", "2")
        options = commands.parser().parse_args(arguments, argparse.Namespace(stop=stop))
        try:
            status: int = options.run(options)
        except SettingsError as error:
            complain(error)
            return EXIT_WRONG_USE
        except FaceRestoreError as error:
            stop.check()
            complain(error)
            return EXIT_SOME_FAILED
        return status


def _say_stopped(stop: Stop) -> int:
    from lib_facerestore.cli.console import complain, whole_console

    with whole_console():
        complain(f"Stopped by {stop.name}. {stop.so_far}".strip())
    return stop.exit_status
