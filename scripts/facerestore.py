"""The extension's only file in scripts/: hands its classes to the WebUI and registers its callbacks."""

# Imported now, because some WebUIs keep this folder on sys.path only while scripts load.
from lib_facerestore.webui import callbacks
from lib_facerestore.webui.comparison.face_grid import FaceGridScript
from lib_facerestore.webui.extras import FaceRestoreExtras
from lib_facerestore.webui.script import FaceRestoreScript

__all__ = ["FaceGridScript", "FaceRestoreExtras", "FaceRestoreScript"]

callbacks.register()
