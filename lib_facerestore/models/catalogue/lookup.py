"""Rows of the catalogue by role and by name. Looks into no folder."""

from __future__ import annotations

from collections.abc import Iterable

from lib_facerestore.models.catalogue import names
from lib_facerestore.models.catalogue.rows import MODELS
from lib_facerestore.models.catalogue.spec import Kind, ModelSpec


def of_kind(kind: Kind, models: Iterable[ModelSpec] = MODELS) -> tuple[ModelSpec, ...]:
    """The rows that can play the role, in the order of the table, which is best first."""
    return tuple(spec for spec in models if kind in spec.kinds)


def by_name(name: str, kind: Kind, models: Iterable[ModelSpec] = MODELS) -> ModelSpec:
    """The best row of a role that a person may mean by that name; see `names.matching`.

    Raises: SettingsError with the nearest names where no row fits.
    """
    specs = of_kind(kind, models)
    alike = names.matching(name, specs)
    if not alike:
        raise names.unknown_name(kind, name, specs)
    return alike[0]
