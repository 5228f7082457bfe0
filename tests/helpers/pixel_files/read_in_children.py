"""Reads each file named in a child of its own; prints a line of JSON for each: what was said, and megabytes taken."""

import json
import os
import resource
import sys
from pathlib import Path

from lib_facerestore.engine import pixels
from lib_facerestore.errors import PictureError

for name in sys.argv[1:]:
    sys.stdout.flush()
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    child = os.fork()
    if child == 0:
        try:
            said = f"read {pixels.read(Path(name)).size_hw}"
        except PictureError as error:
            said = str(error)
        extra_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb) / 1024
        sys.stdout.write(json.dumps([said, extra_mb]) + "\n")
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(child, 0)
