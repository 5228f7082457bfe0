"""The package in which reForge and Classic keep their memory manager."""
