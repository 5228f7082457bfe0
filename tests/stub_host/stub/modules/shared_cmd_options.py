"""The flags under the name that host code imports them by."""

from modules.cmd_args import cmd_opts

__all__ = ["cmd_opts"]
