"""In the place of an extension's package; its state survives Reload UI."""

seen: list = []
