"""Two checkpoints mixed into one by the denoise strength."""

import pytest
import torch

from lib_facerestore.errors import SettingsError, WeightsUnknown
from lib_facerestore.models.checkpoints import interpolate


def test_interpolation_of_two_checkpoints():
    generator = torch.Generator().manual_seed(1)
    a, b = ({"w": torch.randn(4, 3, 3, 3, generator=generator), "b": torch.randn(5)} for _ in range(2))

    none, half, whole = (interpolate(a, b, weight) for weight in (0.0, 0.5, 1.0))

    for key in a:
        assert torch.equal(whole[key], a[key])
        assert torch.equal(none[key], b[key])
        torch.testing.assert_close(half[key], (a[key] + b[key]) / 2)
        assert half[key].dtype == torch.float32


def test_checkpoints_of_different_networks_are_refused_a_mix():
    with pytest.raises(WeightsUnknown, match="differ in 2 weights"):
        interpolate({"a": torch.zeros(3), "b": torch.zeros(2)}, {"a": torch.zeros(4)}, 0.5)


@pytest.mark.parametrize("weight", [-0.1, 1.5, float("nan")])
def test_interpolation_refuses_weights_outside_the_range(weight):
    with pytest.raises(SettingsError, match="denoise"):
        interpolate({}, {}, weight)
