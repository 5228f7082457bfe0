"""What this extension draws into the host's pages: the controls of a tab, its Settings, and the panel of models."""

__all__ = [
    "compat",
    "controls",
    "models_panel",
    "options_section",
]
