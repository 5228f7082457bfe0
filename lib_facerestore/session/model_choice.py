"""Which models a job uses: the names in the settings to rows of the catalogue. Loads nothing.

All questions are answered from one listing of the folders, made when the job began.
"""

from __future__ import annotations

from dataclasses import dataclass

from lib_facerestore.errors import SettingsError, WeightsMissing
from lib_facerestore.models import weights
from lib_facerestore.models.catalogue import ModelSpec, names
from lib_facerestore.runtime import Runtime
from lib_facerestore.settings import RestoreSettings, setting_default

AUTO, LANCZOS = "auto", "lanczos"


@dataclass(frozen=True)
class Partner:
    """The checkpoint that a denoise strength mixes in."""

    spec: ModelSpec | None = None
    """None where nothing is mixed."""
    notices: tuple[str, ...] = ()
    """Why a strength that was asked for has no effect."""


@dataclass(frozen=True)
class ModelChoice:
    """Answers for one job which models its settings mean."""

    runtime: Runtime
    """With the files that its folders had when the job began."""

    def detector(self) -> ModelSpec:
        """The detector. Raises: WeightsMissing."""
        return weights.choose(AUTO, "detector", self.runtime)

    def restorers(self, name: str) -> tuple[ModelSpec, ...]:
        """The rows to try in this order: one for a name, for "auto" all that are present.

        Raises: SettingsError for an unknown name; WeightsError.
        """
        if name.lower() == AUTO:
            return weights.present("restorer", self.runtime)
        return (weights.choose(name, "restorer", self.runtime),)

    def parser(self, settings: RestoreSettings) -> ModelSpec | None:
        """The parser where the mask is to be parsed; under "auto" only one whose file is present.

        Raises: WeightsMissing where the mask has to be parsed and no parser may be fetched.
        """
        if settings.mask not in ("auto", "parsing"):
            return None
        try:
            return weights.choose(AUTO, "parser", self.runtime)
        except WeightsMissing:
            if settings.mask == "auto":
                return None
            if self.runtime.downloads_allowed:
                return weights.choose("parsenet", "parser", self.runtime)
            advice = f"{self.runtime.how_to_fetch('parsenet')} Or choose another mask."
            raise WeightsMissing("every face parser", advice) from None

    def upscalers(self, name: str) -> tuple[ModelSpec, ...] | None:
        """The rows to try in this order: one for a name, for "auto" all that are present, none for the plain resize.

        None where only the host can run the upscaler of that name.
        Raises: SettingsError for a name that neither the catalogue nor the host knows; WeightsError.
        """
        if is_named(name):
            spec = self.upscaler_row(name)
            return None if spec is None else (spec,)
        if name.lower() != AUTO:
            return ()
        try:
            return weights.present("upscaler", self.runtime)
        except WeightsMissing:
            return ()

    def upscaler_row(self, name: str) -> ModelSpec | None:
        """The row of that name, also where the host names the same file; None for what only the host can run.

        Raises: SettingsError for a name that neither the catalogue nor the host knows; WeightsError.
        """
        try:
            return weights.choose(name, "upscaler", self.runtime)
        except SettingsError:
            others = self.runtime.other_upscalers
            if name not in others.names():
                raise
            file = others.file(name)
            return None if file is None else weights.rows_by_file("upscaler", self.runtime).get(file.resolve())

    def cleaner(self, name: str) -> ModelSpec | None:
        """The row of that name where it may have factor 1, so that it has work to do at the picture's own size.

        Only one that was chosen by name: nobody asked for more than the size to stay. A host does not tell the factor
        of its upscalers, and a user's own file has to be loaded to know.
        """
        spec = self.upscaler_row(name) if is_named(name) else None
        return spec if spec is not None and spec.scale <= 1 else None

    def partner(self, spec: ModelSpec, settings: RestoreSettings) -> Partner:
        """The checkpoint that the denoise strength mixes into an upscaler."""
        if spec.dni_partner:
            partner = weights.choose(spec.dni_partner, "upscaler", self.runtime)
            if weights.is_present(partner, self.runtime) or self.runtime.downloads_allowed:
                return Partner(partner)
            lacking = f"The denoise strength had no effect: {partner.name}, which it mixes in, is missing."
            return Partner(notices=(f"{lacking} {self.runtime.how_to_fetch(names.typed_name(partner.name))}",))
        if settings.denoise != setting_default("denoise"):
            return Partner(
                notices=(f"The denoise strength had no effect: {spec.name} has no partner checkpoint to mix with.",)
            )
        return Partner()


def is_named(name: str) -> bool:
    """Whether a text in an upscaler's place names one, and is none of the words for a choice or for no network."""
    return name.lower() not in (AUTO, LANCZOS, "none")
