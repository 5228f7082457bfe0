"""The extension's flags on the host's command line. Reads nothing and imports nothing heavy."""

from __future__ import annotations

from argparse import ArgumentParser, _ArgumentGroup


def preload(parser: ArgumentParser | _ArgumentGroup) -> None:
    """Add the extension's flags to the host's parser.

    Every default is a plain value, because the host's API lists all flags by the types of their defaults.
    """
    parser.add_argument(
        "--facerestore-models-path",
        type=str,
        default="",
        help="folder that face restoration and upscaling models are fetched to; searched after the WebUI's own",
    )
    parser.add_argument(
        "--no-facerestore",
        action="store_true",
        help="switch face restoration off; its libraries are never loaded",
    )
    parser.add_argument(
        "--no-facerestore-upscale",
        action="store_true",
        help="switch the upscaling of the face restoration extension off; a restorer may still be an upscaling network",
    )
