"""The host's own "Restore faces": the registered restorer that the settings name."""

from __future__ import annotations

from modules import shared


class FaceRestoration:
    """Base of restorers in shared.face_restorers."""

    def name(self):
        return "None"

    def restore(self, np_image):
        return np_image


class Tinted(FaceRestoration):
    """In the place of CodeFormer and GFPGAN: makes the upper left 8×8 px red, so that a test sees whether it ran."""

    def __init__(self, name: str):
        self._name = name

    def name(self):
        return self._name

    def restore(self, np_image):
        changed = np_image.copy()
        changed[:8, :8] = (255, 0, 0)
        return changed


def restore_faces(np_image):
    """The picture from the first restorer of the chosen name; unchanged when there is none. Exceptions pass."""
    wanted = shared.opts.face_restoration_model
    for restorer in shared.face_restorers:
        if wanted is None or restorer.name() == wanted:
            return restorer.restore(np_image)
    return np_image


def setup_builtin() -> None:
    """Once per process: reload does not repeat it and does not clear the list."""
    shared.face_restorers += [Tinted("CodeFormer"), Tinted("GFPGAN")]
