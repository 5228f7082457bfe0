"""The WebUI that runs this extension, and how its kinds differ. Each feature is probed; no version is asked for.

No other room tells hosts apart. Pages and controls are in `webui`.
"""
