"""`facerestore models` and `facerestore doctor`: what is here, what is missing, what to do."""

from __future__ import annotations

import sys

from lib_facerestore.cli.exit_status import EXIT_DONE, EXIT_SOME_FAILED
from lib_facerestore.errors import WeightsError
from lib_facerestore.models import catalogue, weights
from lib_facerestore.models.catalogue import ModelSpec
from lib_facerestore.models.doctor import examine
from lib_facerestore.runtime import Runtime


def print_models(runtime: Runtime) -> int:
    """One line for each model: name, roles, licence, size, where its weights are; then files that cannot be used."""
    runtime = weights.listed(runtime)
    for spec in weights.available(runtime):
        try:
            found = weights.find(spec, runtime)
            where = str(found.path) if found else "missing"
        except WeightsError as error:
            where = str(error)
        roles = ", ".join(spec.kinds)
        print(f"{spec.name:38} {roles:20} {spec.licence:14} {_size(spec):>9}  {where}")
    for reason in weights.refused(runtime):
        print(reason)
    return EXIT_DONE


def model_table() -> str:
    """The catalogue as a Markdown table."""
    lines = ["| model | role | licence | size | SHA-256 begins | from |", "|---|---|---|---|---|---|"]
    for spec in catalogue.MODELS:
        sha256 = spec.bundled.sha256 if spec.bundled else spec.remote.sha256 if spec.remote else ""
        source = f"package {spec.bundled.distribution}" if spec.bundled else spec.remote.urls[0] if spec.remote else ""
        licence = f"{spec.licence}; {spec.licence_note}" if spec.licence_note else spec.licence
        sources = " (one source)" if spec.hash_sources == "one" else ""
        roles = ", ".join(spec.kinds)
        lines.append(f"| {spec.name} | {roles} | {licence} | {_size(spec)} | {sha256[:12]}{sources} | {source} |")
    return "\n".join(lines)


def print_doctor(runtime: Runtime) -> int:
    """Versions, device and every model's state; exit status 1 when something is damaged or wrong.

    What is missing is said with what brings it, and is no failure: it was never there.
    """
    found = examine(runtime)
    print("\n".join(found.lines))
    for problem in found.problems:
        print(problem, file=sys.stderr)
    if found.missing:
        print(found.missing, file=sys.stderr)
    return EXIT_SOME_FAILED if found.problems else EXIT_DONE


def _size(spec: ModelSpec) -> str:
    return f"{spec.size_bytes / 1e6:.1f} MB" if spec.size_bytes else "unknown"
