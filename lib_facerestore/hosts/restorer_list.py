"""The host's list of face restorers, from which its own "Restore faces" takes one. Adds entries; restores nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol


class FaceRestorer(Protocol):
    """An entry of the list, with the methods that hosts call."""

    is_of_facerestore: bool
    """True on this extension's entries, by which they are found again."""

    def name(self) -> str:
        """The entry's name in the host's settings and in its API."""

    def restore(self, np_image: Any) -> Any:
        """Restore the faces of one picture.

        Shapes: (H, W, 3) RGB uint8 → (H, W, 3) RGB uint8. It must not raise, which would end the host's job.
        """


def put(restorers: Sequence[FaceRestorer]) -> None:
    """Replace this extension's entries in the host's list by these; other entries stay.

    Earlier entries have to be removed, because they outlive the host's Reload UI. A host without such a list has no
    "Restore faces", and nothing is done.
    """
    from modules import shared

    entries = getattr(shared, "face_restorers", None)
    if entries is not None:
        entries[:] = [entry for entry in entries if not getattr(entry, "is_of_facerestore", False)]
        entries.extend(restorers)
