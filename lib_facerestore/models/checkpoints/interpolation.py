"""Two checkpoints of one network mixed into one (deep network interpolation, DNI). Reads and writes no file."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from lib_facerestore.errors import SettingsError, WeightsUnknown

if TYPE_CHECKING:
    import torch

    StateDict: TypeAlias = dict[str, torch.Tensor]


def interpolate(state_a: StateDict, state_b: StateDict, weight: float) -> StateDict:
    """Mix the weights of two checkpoints of one network: weight·a + (1 − weight)·b, in float32.

    The result has the keys and shapes of both, and new memory. weight in [0, 1]: 1 gives a, 0 gives b.
    Raises: SettingsError when weight is outside [0, 1]; WeightsUnknown when keys or shapes differ.
    Source: Wang et al., Deep Network Interpolation, CVPR 2019; direction as Real-ESRGAN's general-x4v3 (denoise).
    """
    if not 0.0 <= weight <= 1.0:
        raise SettingsError("denoise", weight, "a number from 0 to 1")
    shapes_a, shapes_b = ({key: tuple(value.shape) for key, value in s.items()} for s in (state_a, state_b))
    if shapes_a != shapes_b:
        differing = sorted(key for key in shapes_a.keys() | shapes_b if shapes_a.get(key) != shapes_b.get(key))
        problem = f"differ in {len(differing)} weights, so they are not the same network and cannot be mixed."
        raise WeightsUnknown("The two checkpoints", problem, tuple(differing))
    return {key: weight * a.float() + (1.0 - weight) * state_b[key].float() for key, a in state_a.items()}
