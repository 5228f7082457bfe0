"""The stub against what was read and seen in real hosts: hooks, lists, masks, arguments, saving, infotexts."""

from __future__ import annotations

import base64
import http.client

import pytest
from PIL import Image

from stub_host import environments
from stub_host.process import StubHost, encoded, encoded_file

PROBE_ON = {"probe": {"args": [True, 0.25, "b"]}}


def events(stub):
    return stub.call("/probe")["events"]


def words(stub, name):
    return next(event[1:] for event in events(stub) if event[0] == name)


@pytest.fixture
def picture():
    return Image.radial_gradient("L").resize((192, 128)).convert("RGB")


@pytest.fixture
def mask():
    image = Image.new("L", (192, 128))
    image.paste(255, (60, 40, 120, 90))
    return image


def test_hooks_come_in_the_hosts_order(stub):
    stub.txt2img(batch_size=2, n_iter=1)

    names = [event[0] for event in events(stub)]
    batch = ["before_process_batch", "process_batch", "post_sample", "postprocess_batch", "postprocess_batch_list"]
    image = ["postprocess_image", "postprocess_maskoverlay", "postprocess_image_after_composite"]
    assert names == ["process", *batch, *image, *image, "postprocess", "modes", "saved", "save_samples"]


def test_image_arguments_have_an_index_on_forge_only(stub, is_forge):
    stub.txt2img(batch_size=2, n_iter=2)

    indexes = [event[2] for event in events(stub) if event[0] == "postprocess_image"]
    assert indexes == (["0", "1", "2", "3"] if is_forge else ["None"] * 4)


def test_saved_batches_have_a_grid_first_and_a_text_for_each_picture(stub):
    answer = stub.txt2img(batch_size=2, n_iter=2, save_images=True)

    assert words(stub, "postprocess") == ["5", "5", "1"]
    assert [picture.info["parameters"] for picture in answer.pictures()] == answer.infotexts()
    assert [text.split("Seed: ")[1][:1] for text in answer.infotexts()] == ["7", "7", "8", "9", "1"]


def test_unsaved_batches_have_no_grid_and_no_files(stub):
    before = stub.files()

    stub.txt2img(batch_size=2, n_iter=2)

    assert words(stub, "postprocess") == ["4", "4", "0"]
    assert words(stub, "saved") == ["None"] * 4
    assert words(stub, "save_samples") == ["False"]
    assert stub.files() == before


def test_saved_paths_are_relative_and_forge_makes_them_rgba(stub, is_forge):
    stub.txt2img(save_images=True)

    (path,) = words(stub, "saved")
    assert path.startswith("outputs/txt2img-images/")
    assert path.endswith("-7.png")
    assert (stub.folder / path).is_file()
    assert words(stub, "modes") == (["RGBA"] if is_forge else ["RGB"])
    assert words(stub, "save_samples") == ["True"]


def test_forge_hides_the_text_in_alpha(stub, is_forge):
    answer = stub.txt2img(save_images=True)
    (path,) = words(stub, "saved")
    with Image.open(stub.folder / path) as file:
        bare = file.copy()
    bare.info.clear()

    found = stub.call("/sdapi/v1/png-info", {"image": encoded(bare)})["info"]
    assert found == (answer.infotexts()[0] if is_forge else "")


def test_lists_are_indexed_per_batch_and_callables_per_job(stub):
    answer = stub.txt2img(batch_size=2, n_iter=2, save_images=True, alwayson_scripts=PROBE_ON)

    lists = [text.split("Probe list: ")[1][:2] for text in answer.infotexts()]
    calls = [text.split("Probe call: ")[1][:1] for text in answer.infotexts()]
    assert lists == ["L0", "L0", "L1", "L0", "L1"]
    # The grid's text comes last, when the iteration is the last one: 1 × 2 + 0.
    assert calls == ["2", "0", "1", "2", "3"]


def test_values_with_commas_and_colons_are_quoted(stub):
    answer = stub.txt2img(alwayson_scripts={"Probe": {"args": [True, 0.25, "quoted"]}})

    assert 'Probe kind: "a, b: c"' in answer.infotexts()[0]


def test_hook_exceptions_are_printed_and_swallowed(stub):
    answer = stub.txt2img(alwayson_scripts={"probe": {"args": [True, 0.25, "raise"]}})

    assert answer.status == 200
    assert "The probe was told to raise." in stub.said()
    assert words(stub, "postprocess") == ["1", "1", "0"]


@pytest.mark.parametrize(
    ("args", "seen"),
    [
        ([], ["False", "0.5", "a"]),
        ([True], ["True", "0.5", "a"]),
        ([True, 9, "unknown", "too", "much"], ["True", "9", "unknown"]),
        ([None, {"a": 1}, 3], ["None", "{'a': 1}", "3"]),
    ],
)
def test_arguments_by_api_are_filled_up_cut_off_and_not_checked(stub, args, seen):
    stub.txt2img(alwayson_scripts={"PROBE": {"args": args}})

    assert words(stub, "process")[:3] == seen


def test_wrong_script_requests_have_the_hosts_status(stub, is_forge):
    unknown = stub.txt2img(alwayson_scripts={"nobody": {"args": []}})
    as_dict = stub.txt2img(alwayson_scripts={"probe": {"args": {"enabled": True}}})

    assert unknown.status == 422
    assert unknown["detail"] == "Script 'nobody' not found"
    assert ("error" in unknown) is not is_forge
    assert as_dict.status == 500
    assert as_dict["message" if is_forge else "errors"] == "0"


def test_masks_stand_in_the_list_without_texts(stub, picture, mask):
    options = {"return_mask": True, "return_mask_composite": True}
    stub.call("/sdapi/v1/options", options)

    stub.img2img(picture, mask=encoded(mask), inpaint_full_res=False, batch_size=2, save_images=True)
    stub_words = words(stub, "postprocess")
    stub.call("/sdapi/v1/options", dict.fromkeys(options, False))

    assert stub_words == ["7", "3", "1"]


def test_overlay_restores_the_original_outside_the_mask(stub, picture, mask):
    for full_res in (False, True):
        answer = stub.img2img(picture, mask=encoded(mask), inpaint_full_res=full_res, mask_blur=0)

        (made,) = answer.pictures()
        assert made.size == (192, 128)
        assert made.getpixel((10, 10)) == picture.getpixel((10, 10))
        assert made.getpixel((90, 65)) != picture.getpixel((90, 65))


def test_size_change_after_composite_kills_a_job_with_mask_composite(stub, picture, mask):
    stub.call("/sdapi/v1/options", {"return_mask_composite": True})
    double = {"probe": {"args": [True, 0.5, "double after composite"]}}

    answer = stub.img2img(picture, mask=encoded(mask), inpaint_full_res=False, alwayson_scripts=double)
    stub.call("/sdapi/v1/options", {"return_mask_composite": False})

    assert answer.status == 500
    assert "images do not match" in str(answer)


def test_hires_fix_ends_large_with_the_first_size_in_the_text(stub):
    more = {"hr_additional_modules": ["Use same choices"]}
    answer = stub.txt2img(enable_hr=True, hr_scale=2, hr_upscaler="Probe double", **more)

    assert answer.pictures()[0].size == (384, 256)
    assert "Size: 192x128" in answer.infotexts()[0]
    assert ["before_hr"] in events(stub)


def test_forge_wants_additional_modules_for_hires_fix(stub, is_forge):
    answer = stub.txt2img(enable_hr=True, hr_upscaler="Lanczos")

    assert answer.status == (500 if is_forge else 200)


def test_host_restores_faces_before_postprocess_image(stub):
    answer = stub.txt2img(restore_faces=True)

    assert words(stub, "postprocess_image")[2] == "(255, 0, 0)"
    assert "Face restoration: CodeFormer" in answer.infotexts()[0]
    assert words(stub, "process")[4] == "True"


def test_settings_that_were_never_saved_stay_after_a_request(stub):
    stub.txt2img(override_settings={"add_version_to_infotext": False, "probe_level": 0.9})
    second = stub.txt2img()
    level = stub.call("/sdapi/v1/options").get("probe_level", 0.5)

    assert "Version" not in second.infotexts()[0]
    assert level == 0.5


def test_only_forge_keeps_extensions_on_the_path_and_leaves_their_options_out(stub, is_forge):
    said = stub.call("/probe")

    assert said["is_on_path_while_loading"]
    assert said["is_on_path"] is is_forge
    assert said["word"] == "said"
    assert ("probe_switch" in stub.call("/sdapi/v1/options")) is not is_forge
    assert {"setting_probe_switch", "setting_probe_level"} <= set(said["seen"])


def test_extras_by_api_gives_none_and_rgb(stub, picture):
    answer = stub.call("/sdapi/v1/extra-single-image", {"image": encoded(picture), "upscaling_resize": 1})

    assert answer.status == 200
    assert words(stub, "process_firstpass") == ["None", "None"]
    assert words(stub, "process") == ["None", "None", "RGB", "(192, 128)"]


def test_sd_upscale_runs_inner_jobs(stub, picture):
    script = {"script_name": "SD upscale", "script_args": ["", 64, "Lanczos", 2]}
    answer = stub.img2img(picture, **script)

    assert answer.pictures()[0].size == (384, 256)
    assert words(stub, "save_samples") == ["False"]


def test_plot_has_a_grid_and_a_text_for_each_cell(stub):
    script = {"script_name": "X/Y/Z plot", "script_args": [1, "1, 2", [], 2, "2, 3", [], True]}
    answer = stub.txt2img(**script)

    assert [picture.size for picture in answer.pictures()] == [(384, 256)] + [(192, 128)] * 4
    assert [text.split("Seed: ")[1][:1] for text in answer.infotexts()] == ["1", "1", "2", "1", "2"]


def test_prompts_from_a_text_make_a_job_each(stub):
    script = {"script_name": "Prompts from file or textbox", "script_args": [False, False, "start", "one\n\ntwo"]}
    answer = stub.txt2img(**script)

    assert [text.split("\n")[0] for text in answer.infotexts()] == ["one", "two"]


def test_same_request_gives_the_same_bytes(stub):
    assert stub.txt2img()["images"] == stub.txt2img()["images"]


def test_number_suffix_leaves_a_wrong_path_on_a1111(stub, is_forge):
    options = {"save_images_add_number": False, "save_images_replace_action": "Add number suffix"}
    stub.call("/sdapi/v1/options", {**options, "samples_filename_pattern": "same"})

    stub.txt2img(save_images=True)
    stub.txt2img(save_images=True)
    (path,) = words(stub, "saved")
    usual = {"save_images_add_number": True, "save_images_replace_action": "Replace", "samples_filename_pattern": ""}
    stub.call("/sdapi/v1/options", usual)

    assert {"same.png", "same-1.png"} <= {file.name for file in stub.files()}
    assert path.endswith("/same-1.png" if is_forge else "/same.png")


@pytest.mark.parametrize("kind", ["jpg", "webp"])
def test_other_formats_keep_the_text(stub, kind):
    stub.call("/sdapi/v1/options", {"samples_format": kind})

    answer = stub.txt2img(save_images=True)
    (path,) = words(stub, "saved")
    stub.call("/sdapi/v1/options", {"samples_format": "png"})
    found = stub.call("/sdapi/v1/png-info", {"image": encoded_file(stub.folder / path)})

    assert path.endswith(f".{kind}")
    assert found["info"] == answer.infotexts()[0]


def test_reload_builds_everything_anew_without_doubling(stub):
    names = [one["name"] for one in stub.call("/sdapi/v1/upscalers")["list"]]

    stub.call("/sdapi/v1/server-restart", {})
    stub.wait_for_start(2)
    seen = stub.call("/probe")["seen"]

    assert seen.count("script executed") == 2
    assert seen[seen.index("before_reload") :][:2] == ["before_reload", "script_unloaded"]
    assert [one["name"] for one in stub.call("/sdapi/v1/upscalers")["list"]] == names
    assert stub.txt2img().status == 200


@pytest.fixture(scope="module", params=environments.KINDS)
def guarded(request, tmp_path_factory):
    """A stub that asks for credentials."""
    folder = tmp_path_factory.mktemp(request.param)
    with StubHost(request.param, folder, {}, "--api-auth", "ann:secret") as host:
        yield host


@pytest.mark.parametrize(("who", "status"), [("", 401), ("ann:wrong", 401), ("eve:secret", 401), ("ann:secret", 200)])
def test_credentials_are_asked_for_as_hosts_do(guarded, who, status):
    headers = {"Authorization": "Basic " + base64.b64encode(who.encode()).decode()} if who else {}
    connection = http.client.HTTPConnection("127.0.0.1", guarded.port)
    connection.request("GET", "/sdapi/v1/scripts", headers=headers)
    answer = connection.getresponse()

    assert answer.status == status
    # A1111's handler of refusals loses it.
    has_header = status == 401 and guarded.kind != "gradio3"
    assert answer.getheader("WWW-Authenticate") == ("Basic" if has_header else None)
