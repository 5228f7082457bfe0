"""What is drawn into the host's pages: the controls of a tab, and the panel that fetches models."""

__all__ = [
    "compat",
    "controls",
    "models_panel",
    "options_section",
]
