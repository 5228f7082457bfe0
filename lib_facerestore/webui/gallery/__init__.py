"""The buttons below the host's galleries of txt2img and img2img, which restore pictures that are shown there."""

__all__ = [
    "gallery_buttons",
]
