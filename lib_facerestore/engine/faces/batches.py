"""Crops through a restorer, in batches of one picture. A failure becomes one face's reason, never the picture's end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from lib_facerestore.engine.data import Crop, FloatPixels
from lib_facerestore.engine.ports import HasFallback, Progress, Restorer, RunsInWays
from lib_facerestore.engine.ran import Notes
from lib_facerestore.errors import DeviceFailed, InferenceFailed, OutOfMemory

T = TypeVar("T")


def restore_in_batches(
    crops: Sequence[Crop],
    restorer: Restorer,
    fidelity_of: Callable[[Crop], float],
    most: int,
    progress: Progress,
    notes: Notes,
) -> list[tuple[Crop, FloatPixels | str]]:
    """Each crop with its restored pixels, or with the reason why it has none.

    Shapes: each face (kS, kS, 3) float32 in [0, 1], with the factor k of the restorer.
    most: faces in one batch. notes: get the restorer, its device, and a sentence for each batch that was repeated.
    Raises: Interrupted; DeviceLost.
    """
    done: list[tuple[Crop, FloatPixels | str]] = []
    for batch in _batches(crops, fidelity_of, most):
        progress.check()
        done += zip(batch, _restore_batch(batch, restorer, fidelity_of(batch[0]), notes))
        progress.step(len(done), len(crops), "faces")
    return done


def _batches(crops: Sequence[Crop], fidelity_of: Callable[[Crop], float], most: int) -> list[list[Crop]]:
    """Crops of equal fidelity, at most so many together, in a fixed order."""
    groups: dict[float, list[Crop]] = {}
    for crop in crops:
        groups.setdefault(fidelity_of(crop), []).append(crop)
    return [group[start : start + most] for group in groups.values() for start in range(0, len(group), most)]


def _restore_batch(batch: list[Crop], restorer: Restorer, fidelity: float, notes: Notes) -> list[FloatPixels | str]:
    """Restored pixels for each crop, or the reason it has none: the whole batch at once, else face by face."""
    notes.called(restorer.used)
    failure = None
    if len(batch) > 1:
        try:
            restored: list[FloatPixels | str] = list(restorer.restore(batch, fidelity))
            return _noted(restorer, restored, notes)
        except (InferenceFailed, OutOfMemory) as error:
            # A device that failed is not asked again: some fail by hanging, others take the process with them.
            if isinstance(error, DeviceFailed) and restorer.fall_back():
                failure = (error.device, error.problem)
                notes.warn(f"{error} It went on on the CPU.")
            else:
                notes.warn(f"A batch of {len(batch)} faces was repeated one by one. {error}")
    faces = [_restore_one(crop, restorer, fidelity, notes) for crop in batch]
    if failure is not None and not all(isinstance(face, str) for face in faces):
        restorer.avoid(*failure)
    return faces


def _restore_one(crop: Crop, restorer: Restorer, fidelity: float, notes: Notes) -> FloatPixels | str:
    """One face alone, on the CPU in the end, or the reason it has no pixels."""
    try:
        return on_cpu_at_last(restorer, lambda: restorer.restore([crop], fidelity)[0], notes)
    except (InferenceFailed, OutOfMemory) as error:
        return str(error)


def on_cpu_at_last(network: HasFallback, call: Callable[[], T], notes: Notes) -> T:
    """What the call of the network gives; on the CPU where its device fails or has no memory.

    A device that failed where the CPU then gives a result is to blame, and the network avoids it from then on.
    notes: get the network and the device that gave the result, and a sentence where it is the CPU instead.
    Raises: what the call raises; DeviceLost.
    """
    try:
        return _noted(network, call(), notes)
    except (OutOfMemory, DeviceFailed) as error:
        if not network.fall_back():
            raise
        notes.warn(f"{error} It went on on the CPU.")
        failure = (error.device, error.problem) if isinstance(error, DeviceFailed) else None
    # Outside of the handler, which would keep what the failed call had on the device.
    result = _noted(network, call(), notes)
    if failure is not None:
        network.avoid(*failure)
    return result


def _noted(network: HasFallback, result: T, notes: Notes) -> T:
    """Note who gave the result, where and how."""
    way, sentences = network.ran_in() if isinstance(network, RunsInWays) else ("", ())
    for sentence in sentences:
        notes.warn(sentence)
    notes.gave(network.used, f"{network.device} ({way})" if way else network.device)
    return result
