"""The extension inside a WebUI: pages, hooks, settings. The only room that turns an exception into a notice."""
