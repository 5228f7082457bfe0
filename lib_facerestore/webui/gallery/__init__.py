"""The buttons below the host's galleries, which restore what is shown there."""

__all__ = [
    "gallery_buttons",
]
