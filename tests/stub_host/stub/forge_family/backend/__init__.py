"""Forge's memory manager, as far as extensions call it."""
