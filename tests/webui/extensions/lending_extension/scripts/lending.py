"""A neighbour for tests: upscalers in the host's list, each of which does one thing.

Most hosts find them as a subclass; reForge and Neo look at no classes, so they are appended there.

"Neighbour x2" inverts what it enlarges, so that it can be told from any resize; "Neighbour idle" gives its picture
back, as hosts' own do when their file is damaged; "Neighbour broken" raises; "Neighbour stopped" presses Interrupt.
"Neighbour restoring" first has the host's restorer named "Face restore" work on the picture, "Neighbour waiting" has
it do so in a thread of its own and waits.
"""

import threading

import numpy as np
from modules import script_callbacks, shared
from modules.upscaler import Upscaler, UpscalerData
from PIL import Image, ImageOps

RESTORING, WAITING = "Neighbour restoring", "Neighbour waiting"
NAMES = ("Neighbour x2", "Neighbour idle", "Neighbour broken", "Neighbour stopped", RESTORING, WAITING)
MOST_SECONDS = 120


def restored(img):
    """The picture as the host's restorer of that name makes it."""
    (restorer,) = [entry for entry in shared.face_restorers if entry.name() == "Face restore"]
    return Image.fromarray(restorer.restore(np.array(img)))


def restored_in_a_thread(img):
    """The same, in a thread that is waited for, but not for ever."""
    made = []
    thread = threading.Thread(target=lambda: made.append(restored(img)), daemon=True)
    thread.start()
    thread.join(MOST_SECONDS)
    return made[0]


class UpscalerNeighbour(Upscaler):
    """See above."""

    def __init__(self, dirname=None):
        self.name = "Neighbour"
        super().__init__()
        self.scalers = [UpscalerData(name, name, self, 2) for name in NAMES]

    def do_upscale(self, img, selected_model=None):
        if selected_model == "Neighbour broken":
            raise RuntimeError("broken on purpose")
        if selected_model == "Neighbour idle":
            return img
        if selected_model == "Neighbour stopped":
            shared.state.interrupt()
        if selected_model == RESTORING:
            img = restored(img)
        if selected_model == WAITING:
            img = restored_in_a_thread(img)
        return ImageOps.invert(img.resize((img.width * 2, img.height * 2), Image.Resampling.BICUBIC))


def append():
    """Before the page is drawn, where the host did not find the class."""
    if all(entry.name != NAMES[0] for entry in shared.sd_upscalers):
        shared.sd_upscalers += UpscalerNeighbour().scalers


script_callbacks.on_before_ui(append)
