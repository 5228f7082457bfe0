"""Restorers and upscalers that the host can choose in its own lists."""

__all__ = [
    "host_restorers",
    "host_upscalers",
    "pending_messages",
]
