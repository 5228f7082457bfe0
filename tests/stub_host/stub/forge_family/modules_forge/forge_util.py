"""The same helpers under the name that reForge and Classic have them by."""

from modules_forge.utils import prepare_free_memory

__all__ = ["prepare_free_memory"]
