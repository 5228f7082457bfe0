"""The command line. The only place beside the WebUI shell that talks to a person."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from lib_facerestore.errors import FaceRestoreError, SettingsError

EXIT_DONE, EXIT_SOME_FAILED, EXIT_WRONG_USE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give the exit status: 0 done, 1 some picture failed, 2 wrong use."""
    from lib_facerestore.cli import commands

    # Linux: tensors of many MB in huge pages; else the page faults of each new one cost x4plus a fifth of its speed on
    # a CPU (437 against 524 µs a px, 400×512 px). torch reads it once, so a host's process decides for itself.
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    options = commands.parser().parse_args(arguments)
    try:
        status: int = options.run(options)
        return status
    except SettingsError as error:
        print(error, file=sys.stderr)
        return EXIT_WRONG_USE
    except FaceRestoreError as error:
        print(error, file=sys.stderr)
        return EXIT_SOME_FAILED
    except KeyboardInterrupt:
        print("Stopped; the pictures finished so far are kept.", file=sys.stderr)
        return EXIT_SOME_FAILED
