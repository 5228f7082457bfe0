"""Upscalers: the embedded networks over tiles, and what happens when memory, numbers or channels are not as hoped."""

import dataclasses
import tracemalloc

import numpy as np
import pytest
import spandrel
import torch
from basicsr.archs.rrdbnet_arch import RRDBNet
from PIL import Image
from spandrel.architectures.Compact import CompactArch
from torch import nn

from helpers.support import smooth_noise
from lib_facerestore.engine.ports import NoProgress
from lib_facerestore.engine.upscaling import resize, tiles
from lib_facerestore.engine.upscaling.resize import resize_exact
from lib_facerestore.errors import InferenceFailed, Interrupted, OutOfMemory, WeightsUnknown
from lib_facerestore.models import catalogue, networks, weights
from lib_facerestore.models.adapters import LanczosUpscaler, TiledUpscaler
from lib_facerestore.models.adapters.tile_budget import TileBudget, fallback_steps
from lib_facerestore.models.adapters.tile_context import measure_context
from lib_facerestore.models.catalogue import ModelSpec

CPU = torch.device("cpu")
FAKE = ModelSpec("fake network", ("upscaler",), "esrgan", "MIT", context_px=4)


class FakeNetwork(nn.Module):
    """Repeats pixels `scale` times; does what it was told on the way."""

    def __init__(self, scale=2, before=lambda x: None, after=lambda x: x):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.scale, self.before, self.after, self.shapes = scale, before, after, []

    def forward(self, x):
        self.shapes.append(tuple(x.shape))
        self.before(x)
        return self.after(x.repeat_interleave(self.scale, 2).repeat_interleave(self.scale, 3))


def described(network, channels=(3, 3), sizes=None, scale=2):
    return spandrel.ImageModelDescriptor(
        network, network.state_dict(), CompactArch(), "SR", [], True, True, scale, *channels, size_requirements=sizes
    )


def fake_upscaler(first=None, channels=(3, 3), sizes=None, **told):
    network = FakeNetwork(**told)
    return TiledUpscaler(FAKE, "0" * 64, described(network, channels, sizes), CPU, first), network


def repeated(pixels, scale=2):
    return np.repeat(np.repeat(pixels, scale, 0), scale, 1)


def embedded(name, runtime):
    spec = catalogue.by_name(f"{name} (embedded)", "upscaler")
    found = weights.resolve(spec, runtime)
    state = weights.load(found, runtime)
    return spec, found.sha256, networks.build(state, spec.name, CPU), state


@pytest.fixture(scope="module")
def photograph(request):
    """A part with eyes, hair and skin, 105 px high and 111 px wide."""
    path = request.config.rootpath / "samples" / "photographs" / "astronaut.jpg"
    return np.asarray(Image.open(path).convert("RGB"))[60:165, 160:271]


@pytest.fixture(scope="module")
def photograph_strip(request):
    """Through both eyes, 24 px high and 384 px wide."""
    path = request.config.rootpath / "samples" / "photographs" / "astronaut.jpg"
    return np.asarray(Image.open(path).convert("RGB"))[100:124, 64:448]


@pytest.fixture(scope="module")
def x4plus(runtime):
    return embedded("Real-ESRGAN x4plus", runtime)


@pytest.fixture(scope="module")
def compact(runtime):
    return embedded("Real-ESRGAN animevideov3", runtime)


def in_grid(upscaler_parts, pixels, count, context_px, monkeypatch):
    """The picture through the real adapter, with a grid forced upon it."""
    spec, sha256, model, _ = upscaler_parts
    grid = tiles.grid(pixels.shape[:2], count, context_px)
    with monkeypatch.context() as patch:
        patch.setattr(tiles, "plan", lambda *_: grid)
        done = TiledUpscaler(spec, sha256, model, CPU).upscale(pixels, NoProgress())
    assert done.tiles == count[0] * count[1]
    return done.pixels.astype(np.int16), grid


def seam_gradients(pixels, grid, scale=4):
    """Mean step over the lines where cores meet: across rows, across columns; 0 where there is no such line."""
    rows = sorted({tile.rows.start * scale for tile in grid} - {0})
    columns = sorted({tile.columns.start * scale for tile in grid} - {0})
    across_rows = np.abs(pixels[rows] - pixels[[row - 1 for row in rows]])
    across_columns = np.abs(pixels[:, columns] - pixels[:, [column - 1 for column in columns]])
    return across_rows.mean() if rows else 0.0, across_columns.mean() if columns else 0.0


def test_x4plus_in_nine_tiles_is_x4plus(x4plus, photograph_strip, monkeypatch):
    # Nine columns of a low strip with cores of about 32 px, the smallest of the fallback steps. Measured here: 48 px of
    # context max 3, mean 0.017; 64 px max 1, mean 0.002.
    untiled, _ = in_grid(x4plus, photograph_strip, (1, 1), 0, monkeypatch)

    tiled, grid = in_grid(x4plus, photograph_strip, (1, 9), x4plus[0].context_px, monkeypatch)

    assert np.abs(tiled - untiled).max() <= 3
    assert np.abs(tiled - untiled).mean() <= 0.01
    # A seam is a step that the picture does not have: the same lines, tiled and untiled.
    np.testing.assert_allclose(seam_gradients(tiled, grid)[1], seam_gradients(untiled, grid)[1], rtol=0.01)


def test_compact_in_nine_tiles_is_compact(compact, photograph, monkeypatch):
    untiled, _ = in_grid(compact, photograph, (1, 1), 0, monkeypatch)

    tiled, grid = in_grid(compact, photograph, (3, 3), 24, monkeypatch)

    assert np.abs(tiled - untiled).max() <= 1
    np.testing.assert_allclose(seam_gradients(tiled, grid), seam_gradients(untiled, grid), rtol=0.01)


def test_without_context_the_same_measures_see_the_seams(compact, photograph, monkeypatch):
    untiled, _ = in_grid(compact, photograph, (1, 1), 0, monkeypatch)

    tiled, grid = in_grid(compact, photograph, (3, 3), 0, monkeypatch)

    assert np.abs(tiled - untiled).max() > 10
    assert (np.array(seam_gradients(tiled, grid)) > 1.05 * np.array(seam_gradients(untiled, grid))).all()


def test_x4plus_agrees_with_basicsr(x4plus, photograph):
    spec, sha256, model, state = x4plus
    official = RRDBNet(3, 3, scale=4, num_feat=64, num_block=23, num_grow_ch=32)
    official.load_state_dict(state, strict=True)
    crop = photograph[20:64, 30:82].astype(np.float32)[None] / 255
    with torch.inference_mode():
        expected = official.eval()(torch.from_numpy(crop).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).numpy()

    upscaler = TiledUpscaler(spec, sha256, model, CPU)
    ours = upscaler._forward(crop, "cpu", upscaler._runner)

    assert ours.shape == (1, 176, 208, 3)
    assert np.abs(ours - expected).max() <= 1e-4


def test_the_same_picture_gives_the_same_bytes(compact, photograph):
    spec, sha256, model, _ = compact

    first, second = (
        TiledUpscaler(spec, sha256, model, CPU, TileBudget("cpu", 72 * 80, 2)).upscale(photograph, NoProgress())
        for _ in range(2)
    )

    assert first.tiles > 1
    np.testing.assert_array_equal(first.pixels, second.pixels)


@pytest.mark.parametrize("shape", [(1, 67, 3), (67, 1, 3), (1, 1, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_pictures_one_pixel_wide_or_high_are_upscaled(compact, shape, dtype):
    spec, sha256, model, _ = compact
    middle = np.iinfo(dtype).max // 2

    done = TiledUpscaler(spec, sha256, model, CPU).upscale(np.full(shape, middle, dtype), NoProgress())

    assert done.pixels.shape == (shape[0] * 4, shape[1] * 4, 3)
    assert done.pixels.dtype == dtype
    # A grey line stays about grey; black would mean that it was lost.
    assert np.abs(done.pixels / np.iinfo(dtype).max - 0.5).max() < 0.25


def test_a_picture_that_fits_is_one_tile():
    upscaler, network = fake_upscaler()
    pixels = smooth_noise(50, 73)

    done = upscaler.upscale(pixels, NoProgress())

    np.testing.assert_array_equal(done.pixels, repeated(pixels))
    assert (done.tiles, done.warnings, network.shapes) == (1, (), [(1, 3, 50, 73)])


@pytest.mark.parametrize("size_hw", [(120, 154), (90, 121), (77, 301), (360, 484)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_picture_reduced_on_the_way_is_the_whole_one_reduced(compact, size_hw, dtype):
    spec, sha256, model, _ = compact
    upscaler = TiledUpscaler(spec, sha256, model, CPU, TileBudget("cpu", 64 * 64, 1))
    pixels = smooth_noise(90, 121, dtype=dtype)

    whole = upscaler.upscale(pixels, NoProgress())
    reduced = upscaler.upscale_to(pixels, size_hw, NoProgress())

    assert whole.pixels.shape == (360, 484, 3)
    assert whole.tiles == reduced.tiles > 9
    np.testing.assert_array_equal(reduced.pixels, resize_exact(whole.pixels, size_hw))


def test_the_networks_own_canvas_never_exists_where_the_picture_is_to_be_smaller(monkeypatch):
    monkeypatch.setattr(resize, "_BAND_PX", 100_000)  # else the resize's bands would be the whole of so small a picture
    network = FakeNetwork(scale=8)
    upscaler = TiledUpscaler(FAKE, "0" * 64, described(network, scale=8), CPU, TileBudget("cpu", 64 * 64, 1))
    pixels = smooth_noise(401, 300)
    tracemalloc.start()

    upscaler.upscale_to(pixels, (802, 600), NoProgress())

    # NumPy's memory: the canvas would be 401·8 × 300·8 × 3 bytes, 23 MB; a row of tiles is an eighth of it.
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 401 * 8 * 300 * 8 * 3 / 2


def test_out_of_memory_halves_the_batch_then_the_tile_and_says_so():
    def refuse(x):
        if x.shape[0] * x.shape[2] * x.shape[3] > 2000:
            raise torch.OutOfMemoryError("no")

    upscaler, network = fake_upscaler(TileBudget("cpu", 3600, 4), before=refuse)
    pixels = smooth_noise(50, 301)  # five tiles in a row

    done = upscaler.upscale(pixels, NoProgress())

    np.testing.assert_array_equal(done.pixels, repeated(pixels))
    # 4, 2 and 1 tiles of at most 3600 px are refused, then all of at most 1800 px run.
    assert [shape[0] for shape in network.shapes[:4]] == [4, 2, 1, 1]
    assert len(network.shapes) == 3 + done.tiles
    assert done.warnings[0] == "cpu had no memory for 4 × 60² px at once; went on with 2 × 60² px on cpu."
    assert done.warnings[2] == "cpu had no memory for 1 × 60² px at once; went on with 1 × 42² px on cpu."
    assert len(done.warnings) == 3


def refuse_cuda(upscaler, network):
    """Weights find no room on the GPU."""
    network.moves = []

    def to(device, dtype=None):
        network.moves.append(str(device))
        if device.type == "cuda":
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.")
        return network

    network.to = to
    upscaler._device = torch.device("cuda:0")


def test_weights_that_find_no_room_run_on_the_cpu_and_that_is_said():
    upscaler, network = fake_upscaler(TileBudget("cuda:0", 3600, 1))
    refuse_cuda(upscaler, network)
    pixels = smooth_noise(50, 61)

    done = upscaler.upscale(pixels, NoProgress())

    np.testing.assert_array_equal(done.pixels, repeated(pixels))
    assert done.device == "cpu"
    assert done.warnings[-1].endswith("px on cpu.")
    # Each time a part of the weights may have moved.
    assert network.moves[:2] == ["cuda:0", "cpu"]


def on_gpu(device):
    """An upscaler that starts on a device which takes the weights."""
    upscaler, network = fake_upscaler()
    network.to = lambda *args, **more: network
    upscaler._device = torch.device(device)
    return upscaler


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
@pytest.mark.parametrize("device", ["cuda:0", "xpu:0", "meta"])
def test_a_device_that_fails_is_left_for_the_cpu_at_once_and_that_is_remembered(device):
    upscaler = on_gpu(device)
    pixels = smooth_noise(50, 301)

    first, second = (upscaler.upscale(pixels, NoProgress()) for _ in range(2))

    # The error is torch's own for a device that this machine has not, or that holds no numbers.
    np.testing.assert_array_equal(first.pixels, repeated(pixels))
    assert first.device == second.device == "cpu"
    (warning,) = first.warnings
    assert warning == f"fake network failed on {device}: {upscaler.failures[device]}. It went on on the CPU."
    # A further run of the same picture does not ask the device again.
    assert second.warnings == ()


def test_numbers_that_are_no_picture_are_made_once_more_on_the_cpu(monkeypatch):
    upscaler = on_gpu("xpu:0")
    forward, pixels = upscaler._forward, smooth_noise(50, 61)
    spoilt = lambda batch, device, call: forward(batch, "cpu", call) * (1.0 if device == "cpu" else np.nan)  # noqa: E731
    monkeypatch.setattr(upscaler, "_forward", spoilt)

    done = upscaler.upscale(pixels, NoProgress())

    np.testing.assert_array_equal(done.pixels, repeated(pixels))
    assert done.warnings == (
        "fake network failed on xpu:0: a tile came out with values that are not numbers, in float32 too. "
        "It went on on the CPU.",
    )


def test_a_device_that_cannot_measure_the_context_still_gives_the_picture(monkeypatch):
    upscaler = on_gpu("meta")
    upscaler._context_px = 0
    monkeypatch.setattr(type(upscaler._model), "device", torch.device("meta"))
    pixels = smooth_noise(50, 61)

    np.testing.assert_array_equal(upscaler.upscale(pixels, NoProgress()).pixels, repeated(pixels))


def test_a_picture_is_not_lost_when_its_network_finds_no_way_back():
    upscaler, network = fake_upscaler(TileBudget("cpu", 3600, 1))
    refuse_cuda(upscaler, network)
    pixels = smooth_noise(50, 61)

    np.testing.assert_array_equal(upscaler.upscale(pixels, NoProgress()).pixels, repeated(pixels))
    with pytest.raises(OutOfMemory, match="cuda:0 has no memory left for fake network"):
        upscaler.move(torch.device("cuda:0"))


def test_without_memory_to_measure_it_the_context_is_the_largest():
    def refuse(x):
        if x.shape[-2:] == (64, 256):
            raise torch.cuda.OutOfMemoryError("no")

    network = FakeNetwork(before=refuse)
    unmeasured = dataclasses.replace(FAKE, context_px=0)

    done = TiledUpscaler(unmeasured, "0" * 64, described(network), CPU).upscale(smooth_noise(50, 61), NoProgress())

    assert done.pixels.shape == (100, 122, 3)


def test_memory_that_is_never_enough_is_an_error():
    def refuse(x):
        raise torch.OutOfMemoryError("no")

    upscaler, network = fake_upscaler(TileBudget("cpu", 8000, 2), before=refuse)

    with pytest.raises(OutOfMemory, match="fake network"):
        upscaler.upscale(smooth_noise(90, 121), NoProgress())
    assert len(network.shapes) == len(list(fallback_steps(TileBudget("cpu", 8000, 2), 4)))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_tile_with_bad_numbers_is_repeated(bad):
    spoilt = []

    def spoil_second_call(x):
        spoilt.append(1)
        return torch.full_like(x, bad) if len(spoilt) == 2 else x

    upscaler, network = fake_upscaler(TileBudget("cpu", 2500, 1), after=spoil_second_call)
    pixels = smooth_noise(60, 83)

    done = upscaler.upscale(pixels, NoProgress())

    np.testing.assert_array_equal(done.pixels, repeated(pixels))
    assert len(network.shapes) == done.tiles + 1
    assert done.warnings == ("fake network gave values that are not numbers in a tile; it was repeated in float32.",)


def test_bad_numbers_in_float32_too_are_an_error():
    upscaler, network = fake_upscaler(after=lambda x: x * float("nan"))

    with pytest.raises(InferenceFailed, match="not numbers, in float32 too"):
        upscaler.upscale(smooth_noise(30, 41), NoProgress())
    assert len(network.shapes) == 2


def test_an_overflow_of_half_precision_is_repeated_in_float32():
    network = FakeNetwork(after=lambda x: x * 1e5 / 1e5).half()
    upscaler = TiledUpscaler(FAKE, "0" * 64, described(network), CPU)
    pixels = np.full((20, 33, 3), 200, np.uint8)  # 0.78 · 1e5 is above 65,504, the largest half

    done = upscaler.upscale(pixels, NoProgress())

    assert (done.pixels == 200).all()
    assert len(done.warnings) == 1
    assert network.weight.dtype == torch.float16


@pytest.mark.parametrize("channels", [(1, 1), (4, 4)])
def test_networks_of_one_and_four_channels_give_the_right_picture(channels):
    upscaler, network = fake_upscaler(TileBudget("cpu", 1600, 2), channels)
    pixels = smooth_noise(60, 83)

    done = upscaler.upscale(pixels, NoProgress())

    np.testing.assert_array_equal(done.pixels, repeated(pixels))
    assert {shape[1] for shape in network.shapes} == {channels[0]}


def test_networks_of_other_channels_are_refused_with_a_sentence():
    with pytest.raises(WeightsUnknown, match="fake network takes 6 and gives 3 channels"):
        fake_upscaler(channels=(6, 3))


@pytest.mark.parametrize("size_hw", [(37, 53), (5, 90), (1, 1)])
def test_size_requirements_are_met_by_reflection_and_cut_off(size_hw):
    sizes = spandrel.SizeRequirements(minimum=16, multiple_of=8)
    upscaler, network = fake_upscaler(TileBudget("cpu", 24 * 24, 1), sizes=sizes)
    pixels = smooth_noise(*size_hw)

    done = upscaler.upscale(pixels, NoProgress())

    np.testing.assert_array_equal(done.pixels, repeated(pixels))
    assert all(side % 8 == 0 and side >= 16 for shape in network.shapes for side in shape[2:])


def test_a_stop_ends_within_one_batch():
    class StopAfterTwo(NoProgress):
        checks = 0

        def check(self):
            self.checks += 1
            if self.checks == 3:
                raise Interrupted

    upscaler, network = fake_upscaler(TileBudget("cpu", 1600, 1))

    with pytest.raises(Interrupted):
        upscaler.upscale(smooth_noise(90, 121), StopAfterTwo())
    assert len(network.shapes) == 2


def test_a_measured_context_is_the_reach_of_the_network():
    # A mean over 19 px reaches 9 px to each side; the next multiple of 4 is 12.
    wide = nn.Conv2d(3, 3, (1, 19), padding=(0, 9), bias=False)
    nn.init.constant_(wide.weight, 1 / (3 * 19))
    narrow = nn.Conv2d(3, 3, 1)

    assert measure_context(described(wide, scale=1)) == 12
    assert measure_context(described(narrow, scale=1)) == 0


def test_the_measured_context_of_compact_is_what_the_catalogue_has(compact):
    spec, _, model, _ = compact

    # 18 convolutions of 3×3 cannot reach further than 18 px.
    assert 0 < measure_context(model) <= 20 <= spec.context_px


def test_lanczos_leaves_the_work_to_the_exact_resize():
    pixels = smooth_noise(20, 31)

    done = LanczosUpscaler().upscale(pixels, NoProgress())

    np.testing.assert_array_equal(done.pixels, pixels)
    assert LanczosUpscaler.scale == 1
