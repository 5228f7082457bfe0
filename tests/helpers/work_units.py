"""Which tests one process runs together, where several share the work."""

from __future__ import annotations

import re

from xdist.scheduler import LoadScopeScheduling

# A test's parameters stand in brackets; one of them may be the host that it runs on.
HOST = re.compile(r"[\[-](gradio3|gradio4)[\]-]")


class ByFileAndHost(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives a process the tests of one file that run on one host: they share fixtures, and both hosts share the work.

    Units come in the order of collection, so that the longest, which are collected first, do not come last.
    """

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)


def unit_of(nodeid: str) -> str:
    """The file of a test, and the host where it has one: "tests/webui/test_start.py gradio4"."""
    file, _, rest = nodeid.partition("::")
    found = HOST.search(rest)
    return f"{file} {found[1]}" if found else file
