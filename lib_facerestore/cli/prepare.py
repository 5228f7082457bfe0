"""`facerestore prepare`: compiles restorers for this processor, so that no picture has to wait for it."""

from __future__ import annotations

import argparse
import sys

from lib_facerestore.cli.exit_status import EXIT_DONE, EXIT_SOME_FAILED
from lib_facerestore.errors import FaceRestoreError, SettingsError
from lib_facerestore.models.executors import CompiledFiles, openvino_advice, openvino_version
from lib_facerestore.models.loading import Preparable
from lib_facerestore.runtime import Runtime
from lib_facerestore.session import Session
from lib_facerestore.settings import RestoreSettings


def prepare_models(options: argparse.Namespace, runtime: Runtime) -> int:
    """Compile what was named, or clear what was compiled; exit status 1 where something failed.

    Raises: SettingsError for an unknown name.
    """
    files = CompiledFiles.in_cache(runtime.cache_folder)
    if options.clear:
        return _clear(files)
    if not openvino_version():
        advice = f"OpenVINO is not installed; networks run in torch. Install it with: {openvino_advice()}"
        print(advice, file=sys.stderr)
        return EXIT_SOME_FAILED
    status = EXIT_DONE
    for name in options.names or ["auto"]:
        try:
            _prepare_one(name, runtime)
        except SettingsError:
            raise
        except FaceRestoreError as error:
            print(error, file=sys.stderr)
            status = EXIT_SOME_FAILED
    count, size = files.count()
    print(f"{files.folder}: {count} compiled networks, {size / 1e6:.0f} MB")
    return status


def _prepare_one(name: str, runtime: Runtime) -> None:
    settings = RestoreSettings(restorer=name, mask="feather", upscaler="none", aligned_input=True)
    restorer = Session(runtime).tools(settings).restorer
    sentences: tuple[str, ...] = restorer.prepare() if isinstance(restorer, Preparable) else ()
    if not sentences and restorer is not None:
        sentences = (f"{restorer.used.name}: nothing to compile on {restorer.device}",)
    print("\n".join(sentences))


def _clear(files: CompiledFiles) -> int:
    try:
        print(f"{files.clear()} compiled networks were removed from {files.folder}")
    except OSError as error:
        print(f"{files.folder} cannot be cleared: {error.strerror}", file=sys.stderr)
        return EXIT_SOME_FAILED
    return EXIT_DONE
