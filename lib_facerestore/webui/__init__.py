"""The extension inside a WebUI: its pages, hooks, options and HTTP routes.

Whatever the host calls here runs inside `border.guarded`, so that no exception ends a job of the host.
"""
