"""A neighbour for tests: GET /watched tells which packages this process has imported and whom it has spoken to.

To be loaded before us. What hosts import by themselves is forgotten then, so that packages imported later are seen.
"""

import sys

from modules import script_callbacks

FORGOTTEN = ("facexlib",)

spoken_to = []


def note(event, arguments):
    """Write down every address; Python calls this for all that it does, from all threads."""
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        spoken_to.append(list(address[:2]) if isinstance(address, tuple) else [str(address), 0])
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        spoken_to.append([str(arguments[0]), arguments[1] if len(arguments) > 1 else 0])


def tell(demo, app):
    """Add the route."""
    app.add_api_route(
        "/watched",
        lambda: {"packages": sorted({name.split(".")[0] for name in sys.modules}), "spoken_to": list(spoken_to)},
        methods=["GET"],
    )


for name in [name for name in sys.modules if name.split(".")[0] in FORGOTTEN]:
    del sys.modules[name]
sys.addaudithook(note)
script_callbacks.on_app_started(tell)
