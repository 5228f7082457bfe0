"""Writes pictures of one grey value to the paths named; gives a line for each: "written" or the sentence.

Usage: write_in_child.py GREY OVERWRITE(0|1) MOST_FILE_BYTES(0: any) WAIT_FOR PATH…; starts when WAIT_FOR exists.
"""

import resource
import sys
import time
from pathlib import Path

import numpy as np

from lib_facerestore.engine import pixels
from lib_facerestore.engine.data import Picture
from lib_facerestore.errors import PictureError

grey, overwrite, most_bytes, wait_for = int(sys.argv[1]), sys.argv[2] == "1", int(sys.argv[3]), Path(sys.argv[4])
if most_bytes:
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
# Noise in two of three channels: the file is as large as the picture.
picture = np.random.default_rng(grey).integers(0, 255, (600, 900, 3), np.uint8)
picture[..., 0] = grey
while not wait_for.exists():
    time.sleep(0.001)
for name in sys.argv[5:]:
    try:
        pixels.write(Picture(picture), Path(name), overwrite)
        said = "written"
    except PictureError as error:
        said = str(error)
    sys.stdout.write(f"{said}\n")
    sys.stdout.flush()
