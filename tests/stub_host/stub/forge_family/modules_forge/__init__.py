"""Forge's own package, as far as extensions call it."""
