"""This extension's restorers and upscalers as entries of the host's own lists."""

__all__ = [
    "host_restorers",
    "host_upscalers",
    "pending_messages",
]
