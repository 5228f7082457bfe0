"""`facerestore upscale` with the embedded network on a part of a photograph, and what each command must not load."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from basicsr.archs.rrdbnet_arch import RRDBNet

from lib_facerestore.cli import main
from lib_facerestore.engine import pixels
from lib_facerestore.engine.data import Picture
from lib_facerestore.engine.upscaling.resize import resize_exact

ROOT = Path(__file__).resolve().parents[3]
SMALL = "Real-ESRGAN animevideov3 (embedded)"


@pytest.fixture(autouse=True)
def shared_cache(runtime, monkeypatch):
    """Weights converted once for all tests."""
    monkeypatch.setenv("FACERESTORE_HOME", str(runtime.cache_folder.parent))


@pytest.fixture
def part(photograph, tmp_path) -> Path:
    """Eyes and hair, 44 px high and 61 px wide, with alpha."""
    rgb = photograph[80:124, 190:251]
    path = tmp_path / "in" / "part.png"
    path.parent.mkdir()
    pixels.write(Picture(rgb, np.ascontiguousarray(rgb[..., 0])), path, False)
    return path


@pytest.fixture
def small_face(tmp_path) -> Path:
    """A photograph of 128×150 px with one face of about 50 px."""
    path = tmp_path / "in" / "face.jpg"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes((ROOT / "samples" / "degraded" / "hopper.jpg").read_bytes())
    return path


def upscale(picture, *options):
    """Status, the finished picture or None, and its record in the report; out/ lies beside the input's folder."""
    out = picture.parents[1] / "out"
    report = picture.parents[1] / "report.json"
    status = main(["upscale", str(picture), "-o", str(out), "--upscaler", SMALL, "--report", str(report), *options])
    record = json.loads(report.read_text())[0] if report.exists() else {}
    target = out / picture.name
    return status, pixels.read(target) if target.exists() else None, record


def modules_after(*arguments):
    """Names of all modules that a process of its own has loaded when the command is done; it must succeed."""
    code = (
        "import sys; from lib_facerestore.cli import main; status = main(sys.argv[1:]);"
        "print('\\n'.join(sys.modules)); sys.exit(status)"
    )
    command = [sys.executable, "-c", code, *map(str, arguments), "--device", "cpu"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines())


def ours(*names):
    return {f"lib_facerestore.{name}" for name in names}


def test_a_picture_is_enlarged_four_times_and_the_report_says_how(part, capsys):
    status, after, record = upscale(part)

    assert status == 0
    assert after.size_hw == (176, 244)
    assert after.alpha.shape == (176, 244)
    assert (record["upscaler"], record["tiles"], record["scale"]) == (SMALL, 1, 4.0)
    assert record["size_hw"] == [176, 244]
    assert record["device"]
    assert record["seconds"]["upscale"] > 0
    assert [model["role"] for model in record["models"]] == ["upscaler"]
    assert record["faces"] == []
    assert f"{SMALL} ×4, 1 tile · " in capsys.readouterr().out


def test_a_fraction_gives_the_exact_size_and_strength_zero_the_plain_resize(part):
    _, network, record = upscale(part, "--scale", "2.5")
    _, plain, _ = upscale(part, "--scale", "2.5", "--upscale-strength", "0", "--overwrite")

    assert network.size_hw == plain.size_hw == (110, 153)  # 61 · 2.5 = 152.5
    assert record["size_hw"] == [110, 153]
    assert np.array_equal(plain.pixels, resize_exact(pixels.read(part).pixels, (110, 153)))
    assert np.abs(network.pixels.astype(int) - plain.pixels).mean() > 0.5


def test_width_and_height_are_filled_and_cut(part):
    _, after, record = upscale(part, "--width", "120", "--height", "120", "--size-mode", "crop")

    assert after.size_hw == (120, 120)
    assert after.alpha.shape == (120, 120)
    assert record["size_hw"] == [120, 120]


def test_the_compared_input_is_cut_as_its_result_is(photograph, tmp_path):
    path = tmp_path / "in" / "part.png"
    path.parent.mkdir()
    pixels.write(Picture(photograph[80:124, 190:251]), path)

    _, after, _ = upscale(
        path, "--width", "120", "--height", "120", "--size-mode", "crop", "--upscale-strength", "0", "--compare"
    )

    compared = pixels.read(tmp_path / "out" / "part-compare.png").pixels
    assert np.array_equal(compared, np.hstack([after.pixels, after.pixels]))


def test_a_compared_result_keeps_the_colours_that_it_got(photograph, tmp_path):
    path = tmp_path / "in" / "part.png"
    path.parent.mkdir()
    pixels.write(Picture(np.repeat(photograph[80:124, 190:251, :1], 3, axis=2), is_grey=True), path)

    _, after, _ = upscale(path, "--scale", "2", "--keep-tone", "off", "--upscale-strength", "1", "--compare")

    compared = pixels.read(tmp_path / "out" / "part-compare.png").pixels
    assert np.ptp(after.pixels, axis=2).max() > 0
    assert np.array_equal(compared[:, after.size_hw[1] :], after.pixels)


@pytest.mark.parametrize("scale", ["0", "-1", "nan", "100"])
def test_what_is_no_scale_is_wrong_use_in_a_sentence(part, scale, capsys):
    status, after, _ = upscale(part, f"--scale={scale}")

    assert (status, after) == (2, None)
    assert "must be a number from 0.05 to 8." in capsys.readouterr().err


def test_a_scale_below_one_and_a_shorter_side_reduce_without_any_network(part, capsys):
    _, half, by_scale = upscale(part, "--scale", "0.5")
    _, short, by_side = upscale(part, "--longest-side", "20", "--overwrite")

    source = pixels.read(part)
    assert half.size_hw == (22, 31)  # 61 · 0.5 = 30.5
    assert np.array_equal(short.pixels, resize_exact(source.pixels, (14, 20)))  # 44 · 20/61 = 14.4
    for record in (by_scale, by_side):
        assert (record["upscaler"], record["tiles"], record["models"]) == ("Lanczos", 0, [])
    assert "Lanczos ×0.5" in capsys.readouterr().out


@pytest.mark.parametrize("size", [("--scale", "0.4"), ("--longest-side", "60"), ("--width", "61")])
def test_reducing_loads_no_network(part, tmp_path, size):
    loaded = modules_after("upscale", part, "-o", tmp_path / "out", "--upscaler", SMALL, *size)

    assert not loaded & {*ours("models.adapters"), "spandrel"}


def test_among_pictures_that_shrink_one_that_grows_still_gets_the_network(part, photograph, tmp_path):
    large = part.with_name("large.png")
    pixels.write(Picture(photograph[:150, :200]), large)
    out, report = tmp_path / "out", tmp_path / "r.json"

    options = ["--upscaler", SMALL, "--longest-side", "122", "--report", str(report)]
    status = main(["upscale", str(large), str(part), "-o", str(out), *options])

    shrunk, grown = json.loads(report.read_text())
    assert status == 0
    assert (shrunk["upscaler"], shrunk["tiles"], shrunk["size_hw"]) == ("Lanczos", 0, [92, 122])  # 91.5
    assert (grown["upscaler"], grown["tiles"], grown["size_hw"]) == (SMALL, 1, [88, 122])


def test_denoise_without_a_partner_warns_in_output_and_report(part, capsys):
    sentence = f"The denoise strength had no effect: {SMALL} has no partner checkpoint to mix with."

    status, _, record = upscale(part, "--scale", "2", "--denoise", "0.3")

    assert status == 0
    assert record["warnings"] == [sentence]
    assert sentence in capsys.readouterr().out


def test_a_wrong_name_suggests_the_nearest_and_writes_nothing(part, tmp_path, capsys):
    status = main(["upscale", str(part), "-o", str(tmp_path / "out"), "--upscaler", "animevideo3"])

    assert status == 2
    assert "Real-ESRGAN animevideov3" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_upscaling_alone_loads_nothing_for_faces(small_face, tmp_path):
    options = ("--no-restore", "--scale", "1.5", "--upscaler", SMALL)

    loaded = modules_after("restore", small_face, "-o", tmp_path / "out", *options)

    assert "lib_facerestore.models.adapters.tiled_upscaler" in loaded
    assert not loaded & {"facexlib", "basicsr", "gfpgan"}


def test_restoring_alone_loads_no_upscaler_though_its_restorer_is_one(small_face, tmp_path):
    network = RRDBNet(3, 3, scale=4, num_feat=8, num_block=1)  # of x4plus' kind, and quick
    (tmp_path / "models").mkdir()
    torch.save({"params_ema": network.state_dict()}, tmp_path / "models" / "4xSmall.pth")
    options = ["--no-upscale", "--scale", "2", "--restorer", "4xSmall", "--upscaler", "4xSmall"]
    options += ["--models", tmp_path / "models", "--report", tmp_path / "r.json"]

    loaded = modules_after("restore", small_face, "-o", tmp_path / "out", *options)

    (record,) = json.loads((tmp_path / "r.json").read_text())
    assert "lib_facerestore.models.adapters.restorers" in loaded
    assert {used["role"] for used in record["models"]} == {"detector", "restorer"}
    assert "restored" in [face["outcome"] for face in record["faces"]]
    assert (record["restorer"], record["upscaler"], record["size_hw"]) == ("4xSmall", "", [150, 128])


def test_with_neither_no_network_is_loaded(small_face, tmp_path):
    loaded = modules_after("restore", small_face, "-o", tmp_path / "out", "--no-restore", "--no-upscale")

    assert (tmp_path / "out" / "face.jpg").exists()
    assert not loaded & {*ours("models.adapters"), "spandrel", "facexlib"}


STOPPED = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore it
from lib_facerestore.cli import main
from lib_facerestore.models.adapters import tiled_upscaler
tiled_upscaler.first_budget = lambda device, *_: tiled_upscaler.TileBudget(device, 1, 1)  # the smallest tiles
forward = tiled_upscaler.TiledUpscaler._forward
def slowly(self, batch, device, call):
    print("tile", flush=True)
    time.sleep(1)
    return forward(self, batch, device, call)
tiled_upscaler.TiledUpscaler._forward = slowly
sys.exit(main(sys.argv[1:]))
"""


def test_ctrl_c_between_tiles_ends_at_once_and_leaves_no_file(part, tmp_path):
    command = [sys.executable, "-c", STOPPED, "upscale", str(part), "-o", str(tmp_path / "out"), "--upscaler", SMALL]
    child = subprocess.Popen(
        [*command, "--device", "cpu"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        assert child.stdout.readline() == "tile\n"
        os.kill(child.pid, signal.SIGINT)
        out, err = child.communicate(timeout=60)
    finally:
        child.kill()

    assert child.returncode == 130
    assert err == "Stopped by SIGINT. 0 of 1 pictures are done; what was finished is kept.\n"
    assert out.count("tile") <= 2  # of nine; the one under way ends, one more may have begun before the signal came
    assert list((tmp_path / "out").iterdir()) == []
