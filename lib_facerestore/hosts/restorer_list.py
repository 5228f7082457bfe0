"""The host's list of face restorers, from which its own "Restore faces" takes one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol


class FaceRestorer(Protocol):
    """What a host calls of an entry of ours."""

    is_of_facerestore: bool

    def name(self) -> str:
        """The name in the Settings and in the API."""

    def restore(self, np_image: Any) -> Any:
        """Shapes: (H, W, 3) RGB uint8 → the same. Must not raise: that would end the host's job."""


def put(restorers: Sequence[FaceRestorer]) -> None:
    """Have these of ours in the list, each once, and none that was there before: Reload UI leaves them.

    A host without such a list has no "Restore faces".
    """
    from modules import shared

    entries = getattr(shared, "face_restorers", None)
    if entries is not None:
        entries[:] = [entry for entry in entries if not getattr(entry, "is_of_facerestore", False)]
        entries.extend(restorers)
