"""Starts the host, serves until told to stop, and builds the page anew for Reload UI."""

from __future__ import annotations

import time

from modules import (
    absences,
    cmd_args,
    errors,
    extensions,
    face_restoration,
    gradio_extensions,  # noqa: F401 - its changes come first
    host_kind,
    infotext_utils,
    modelloader,
    progress,
    script_callbacks,
    scripts,
    shared,
    ui,
    ui_tempdir,
)
from modules.call_queue import queue_lock
from modules.shared_cmd_options import cmd_opts

# What hosts have imported when they load the scripts of extensions.
HEAVY = ("torch", "torchvision", "cv2", "scipy", "safetensors", "facexlib.detection", "facexlib.parsing")


def _import_what_hosts_import() -> None:
    import importlib

    for name in HEAVY:
        importlib.import_module(name)


def _load_scripts() -> None:
    extensions.list_extensions()
    scripts.load_scripts()
    modelloader.load_upscalers()


def _start_page() -> None:
    from modules.api.api import Api

    script_callbacks.before_ui_callback()
    shared.demo = ui.create_ui()
    ui.install_files_of_page()
    shared.demo.queue(64)
    app, _, _ = shared.demo.launch(
        server_name="0.0.0.0" if cmd_opts.listen else "127.0.0.1",
        server_port=cmd_opts.port,
        prevent_thread_lock=True,
        quiet=True,
        auth=list(cmd_args.credentials_of_page().items()) or None,
        allowed_paths=[cmd_opts.data_dir, shared.script_path, *(one.path for one in extensions.extensions)],
        **({"show_api": False} if host_kind.GRADIO < 4 else {}),
    )
    app.user_middleware = [one for one in app.user_middleware if one.cls.__name__ != "CORSMiddleware"]
    # Built at the first request; a request until here would leave it without what follows, on real hosts too.
    app.middleware_stack = None
    progress.setup_progress_api(app)
    if cmd_opts.api:
        Api(app, queue_lock)
    app.add_api_route("/stub/errors", lambda: list(errors.reported), methods=["GET"])
    script_callbacks.app_started_callback(shared.demo, app)


def _serve_api_only(started: float) -> None:
    """Under --nowebui: the routes without a page, until the process ends."""
    import uvicorn
    from fastapi import FastAPI

    from modules.api.api import Api

    app = FastAPI()
    ui.create_ui()  # what hosts do too where no page has drawn the scripts
    Api(app, queue_lock)
    script_callbacks.before_ui_callback()
    script_callbacks.app_started_callback(None, app)
    errors.say(f"Startup time: {time.perf_counter() - started:.1f}s.")
    uvicorn.run(app, host="0.0.0.0" if cmd_opts.listen else "127.0.0.1", port=cmd_opts.port, log_level="warning")


def _wait_for_command() -> str:
    """Serve; on the Forge family this thread does the page's jobs."""
    while True:
        if host_kind.is_forge_family():
            from modules_forge import main_thread

            main_thread.loop_once(0.02)
            command = shared.state.wait_for_server_command(timeout=0)
        else:
            command = shared.state.wait_for_server_command(timeout=1)
        if command in ("stop", "restart"):
            return command


def main() -> None:
    """Until a stop, or Ctrl+C."""
    started = time.perf_counter()
    _import_what_hosts_import()
    if not host_kind.is_sdnext():
        face_restoration.setup_builtin()
    absences.apply()
    _load_scripts()
    if cmd_opts.nowebui:
        _serve_api_only(started)
        return
    while True:
        _start_page()
        errors.say(f"Stub host ({host_kind.kind}) on http://127.0.0.1:{cmd_opts.port}")
        errors.say(f"Startup time: {time.perf_counter() - started:.1f}s.")
        try:
            command = _wait_for_command()
        except KeyboardInterrupt:
            command = "stop"
        if command == "stop":
            shared.demo.close()
            return
        errors.say("Restarting UI...")
        shared.demo.close()
        time.sleep(0.5)
        started = time.perf_counter()
        script_callbacks.app_reload_callback()
        script_callbacks.script_unloaded_callback()
        _load_scripts()


__all__ = ["infotext_utils", "main", "ui_tempdir"]
