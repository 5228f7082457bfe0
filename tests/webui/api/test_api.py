"""Our HTTP routes on a running host: pictures in their own depth, several with one broken, faces, beside a job."""

import dataclasses
import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import ImageCms

from helpers.api_client import base64_of, get, post, send, upload
from helpers.generations import STATUS
from lib_facerestore.engine import pixels
from lib_facerestore.engine.data import Metadata, Picture
from lib_facerestore.engine.pixels.decode import decode
from lib_facerestore.settings import RestoreSettings, field_types, setting_info

RESTORED = "Face restore: Real-ESRGAN x4plus (embedded), Face restore visibility: 1, Face restore faces: 1/1"
PLAIN = {"restorer": "none", "upscaler": "Lanczos"}
ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
EXIF = b"II*\x00\x08\x00\x00\x00\x01\x00\x0f\x01\x02\x00\x04\x00\x00\x00abc\x00\x00\x00\x00\x00"


def sixteen_bit(portrait):
    """The portrait's file with 16 bits per channel, of which the lower ones are noise, alpha, EXIF, ICC and a text."""
    eight = pixels.read(portrait)
    low = np.random.default_rng(5).integers(0, 256, eight.pixels.shape)
    deep = (eight.pixels.astype(np.uint16) << 8) + low.astype(np.uint16)
    alpha = np.linspace(30000, 65535, deep[..., 0].size).astype(np.uint16).reshape(deep.shape[:2])
    metadata = Metadata("PNG", exif=EXIF, icc=ICC, text=(("parameters", "a portrait, Seed: 7"),))
    return pixels.encode(Picture(deep, alpha, metadata=metadata), Path("a.png"), pixels.WriteOptions())


@pytest.fixture(scope="module")
def restored_alone(host, portrait):
    """The answer to the portrait, while nothing else runs."""
    return post(host, "restore", {"pictures": [base64_of(portrait)]})


def test_face_is_restored_and_the_report_says_so(restored_alone, portrait):
    before = pixels.read(portrait).pixels
    (answer,) = restored_alone.json["pictures"]

    assert restored_alone.status == 200
    assert restored_alone.json["notices"] == []
    assert answer["error"] is None
    assert STATUS.fullmatch(answer["status"])
    assert answer["infotext"] == RESTORED
    assert [face["outcome"] for face in answer["report"]["faces"]] == ["restored"]
    assert {model["role"] for model in answer["report"]["models"]} >= {"detector", "restorer"}
    after = restored_alone.picture().pixels
    assert (answer["width"], answer["height"]) == (192, 160)
    assert (after != before).any()
    assert (after[:, :20] == before[:, :20]).all()


def test_same_request_gives_the_same_picture(host, portrait, restored_alone):
    again = post(host, "restore", {"pictures": [base64_of(portrait)]})

    assert again.json["pictures"][0]["picture"] == restored_alone.json["pictures"][0]["picture"]


def test_sixteen_bits_alpha_and_metadata_come_back(host, portrait):
    data = sixteen_bit(portrait)

    answer = upload(host, "restore", [("pictures", data)])

    before, after = decode(data, "sent", pixels.ReadLimits()), answer.picture()
    assert answer.status == 200
    assert after.pixels.dtype == np.uint16
    assert (after.pixels[:, :20] == before.pixels[:, :20]).all()
    assert (after.pixels != before.pixels).any()
    assert (after.pixels % 257 != 0).mean() > 0.9
    assert (after.alpha == before.alpha).all()
    assert (after.metadata.exif, after.metadata.icc) == (before.metadata.exif, ICC)
    assert after.metadata.text == before.metadata.text


@pytest.mark.parametrize("settings", [PLAIN, {**PLAIN, "scale": 2}, {**PLAIN, "scale": 0.5}, {**PLAIN, "width": 300}])
def test_sixteen_bits_survive_every_size(host, portrait, settings):
    sent = {"pictures": [base64_of(sixteen_bit(portrait))], "settings": settings}

    answer = post(host, "restore", sent)

    found = answer.picture()
    width = settings.get("width") or 192 * settings.get("scale", 1)
    assert (found.pixels.dtype, found.size_hw) == (np.dtype(np.uint16), (round(width * 160 / 192), width))
    assert answer.json["pictures"][0]["report"]["warnings"] == []


def test_broken_picture_does_not_keep_the_others_back(host, portrait, faceless):
    whole = portrait.read_bytes()
    pictures = [base64_of(portrait), base64_of(whole[: len(whole) // 2]), base64_of(faceless)]

    answer = post(host, "restore", {"pictures": pictures})

    first, broken, last = answer.json["pictures"]
    assert answer.status == 200
    assert STATUS.fullmatch(first["status"])
    assert broken["picture"] is None
    assert broken["error"].startswith("Picture 2 is damaged")
    assert last["status"].startswith("no face found")
    assert (answer.picture(2).pixels == pixels.read(faceless).pixels).all()


def test_only_broken_pictures_are_a_wrong_request(host):
    answer = post(host, "restore", {"pictures": [base64_of(b"no picture"), "/etc/passwd"]})

    assert answer.status == 400
    assert answer.json["detail"] == "Picture 1 is not a picture that can be read here."
    assert "Picture 2 is no file in base64" in answer.json["pictures"][1]["error"]


def test_files_and_base64_mean_the_same(host, faceless):
    sent = base64_of(faceless)
    settings = {**PLAIN, "scale": 2}

    answers = [
        post(host, "restore", {"pictures": [sent], "settings": settings}),
        post(host, "restore", {"pictures": [f"data:image/png;base64,{sent}"], "settings": settings}),
        post(host, "restore", {"pictures": [re.sub("(.{76})", r"\1\n", sent)], "settings": settings}),
        upload(host, "restore", [("pictures", faceless.read_bytes()), ("settings", json.dumps(settings))]),
    ]

    assert [answer.status for answer in answers] == [200] * 4
    assert len({answer.json["pictures"][0]["picture"] for answer in answers}) == 1


@pytest.mark.parametrize(("wanted", "format_name"), [("png", "PNG"), ("jpeg", "JPEG"), ("webp", "WEBP")])
def test_answer_has_the_format_that_was_asked_for(host, portrait, wanted, format_name):
    pictures = [base64_of(sixteen_bit(portrait))]

    answer = post(host, "restore", {"pictures": pictures, "settings": PLAIN, "format": wanted, "quality": 90})

    assert answer.picture().metadata.format == format_name
    assert answer.json["pictures"][0]["format"] == wanted
    warnings = answer.json["pictures"][0]["report"]["warnings"]
    assert any("8" in warning for warning in warnings) == (wanted != "png"), warnings


def test_faces_are_those_that_a_restoration_would_take(host, request):
    group = request.config.rootpath / "samples" / "photographs" / "montage_sizes.jpg"
    settings = {"min_face_px": 60, "max_faces": 2}

    answer = post(host, "faces", {"pictures": [base64_of(group), "?"], "settings": settings})

    looked, broken = answer.json["pictures"]
    assert (looked["width"], looked["height"]) == (1400, 900)
    assert [face["index"] for face in looked["faces"]] == list(range(len(looked["faces"])))
    assert len(looked["faces"]) > 3
    assert sum(face["would_be_restored"] for face in looked["faces"]) == 2
    reasons = {face["reason"] for face in looked["faces"]}
    assert "beyond 2 faces" in reasons
    assert any(reason.endswith("px, minimum 60") for reason in reasons)
    for face in looked["faces"]:
        left, top, right, bottom = face["box"]
        assert all(left < x < right and top < y < bottom for x, y in face["landmarks"][:3])
    assert "Picture 2 is no file" in broken["error"]


def test_models_say_what_is_here_and_what_each_can_do(host):
    rows = {row["name"]: row for row in get(host, "models").json["models"]}

    assert rows["Real-ESRGAN x4plus (embedded)"]["is_present"]
    assert not rows["Real-ESRGAN x4plus (embedded)"]["can_be_fetched"]
    assert rows["CodeFormer"]["abilities"] == ["fidelity"]
    assert not rows["CodeFormer"]["is_commercial"]
    assert rows["Real-ESRGAN general-x4v3"]["abilities"] == ["denoise"]
    assert get(host, "models").json["together"]["CodeFormer, with detector and parser"][0] == "CodeFormer"


def test_status_tells_of_the_machine(host, restored_alone):
    found = get(host, "status").json

    assert found["device"] == "cpu"
    assert {"role": "restorer", "name": "Real-ESRGAN x4plus (embedded)"} in found["warm"]
    assert found["fetch"]["is_running"] is False
    assert found["limits"]["pictures"] == 32


def test_schema_shows_every_setting_with_its_range_and_help(host):
    paths = send(host, "GET", "/openapi.json").json["paths"]

    content = paths["/facerestore/restore"]["post"]["requestBody"]["content"]
    for kind in ("application/json", "multipart/form-data"):
        shown = content[kind]["schema"]["properties"]["settings"]["properties"]
        assert list(shown) == list(field_types())
        assert shown["fidelity"]["minimum"] == 0
        assert shown["mask"]["enum"] == ["auto", "parsing", "landmarks", "feather"]
        assert shown["scale"]["default"] == 1.0
        assert all(shown[name]["description"].startswith(setting_info(name).help) for name in shown)
    assert set(paths["/facerestore/fetch"]) == {"post", "delete"}


def test_settings_that_are_not_named_have_the_defaults_of_the_settings_page(host, faceless):
    host.set_options(facerestore_default_scale=2.0)
    try:
        answer = post(host, "restore", {"pictures": [base64_of(faceless)], "settings": PLAIN})
    finally:
        host.set_options(facerestore_default_scale=1.0)

    assert answer.json["pictures"][0]["width"] == 384


@pytest.mark.timeout(240)
def test_restoring_beside_a_generation_leaves_both_right(host, portrait, restored_alone):
    alone = host.generate(face=[True, {}], photo=portrait)
    sent = {"pictures": [base64_of(portrait)]}

    with ThreadPoolExecutor(3) as pool:
        generation = pool.submit(host.generate, face=[True, {}], photo=portrait)
        asked = [pool.submit(post, host, "restore", sent) for _ in range(2)]
        made, answers = generation.result(200), [answer.result(200) for answer in asked]

    assert [np.asarray(image).tobytes() for image in made.images] == [
        np.asarray(image).tobytes() for image in alone.images
    ]
    assert made.infotexts == alone.infotexts
    expected = restored_alone.json["pictures"][0]["picture"]
    assert [answer.json["pictures"][0]["picture"] for answer in answers] == [expected] * 2


@pytest.mark.timeout(240)
def test_what_needs_no_device_does_not_wait_for_a_job(host, portrait):
    job = threading.Thread(target=post, args=(host, "restore", {"pictures": [base64_of(portrait)] * 3}))
    begun = time.monotonic()
    job.start()
    wait_for_text(host, "picture 1/3")
    waited = []

    for ask in (
        lambda: get(host, "status"),
        lambda: get(host, "models"),
        lambda: post(host, "restore", {"pictures": ["a"], "settings": {"fidelity": 2}}),
        lambda: post(host, "restore", {"pictures": [base64_of(b"no picture")]}),
        lambda: post(host, "restore", {"pictures": ["a"], "settings": {"restorer": "nobody"}}),
    ):
        started = time.monotonic()
        assert ask().status in (200, 400, 422)
        waited.append(time.monotonic() - started)

    assert job.is_alive(), f"the job was over before all was asked: {waited}"
    job.join()
    restore_image = (time.monotonic() - begun) / 3
    assert max(waited) < restore_image / 2  # who waits for the device waits for what is left of a picture at least


@pytest.mark.timeout(240)
def test_interrupt_keeps_what_is_finished(host, portrait):
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(post, host, "restore", {"pictures": [base64_of(portrait)] * 3})
        wait_for_text(host, "picture 2/3")
        host.call("/sdapi/v1/interrupt", {})
        answer = asked.result(200)

    errors = [one["error"] for one in answer.json["pictures"]]
    assert answer.status == 200
    assert errors[0] is None
    assert errors[2] == "Stopped; the pictures finished so far are kept."


def test_interrupt_of_anothers_job_in_between_is_not_for_ours(host, portrait):
    host.generate(photo=portrait, failing="interrupt another")
    try:
        answer = post(host, "restore", {"pictures": [base64_of(portrait)] * 2})
    finally:
        host.generate(photo=portrait)

    assert answer.status == 200
    assert [one["error"] for one in answer.json["pictures"]] == [None, None]


def wait_for_text(host, words):
    """Until the host's progress says so."""
    deadline = time.monotonic() + 100
    while words not in (host.call("/sdapi/v1/progress?skip_current_image=true")["textinfo"] or ""):
        assert time.monotonic() < deadline, f"{words!r} never came"
        time.sleep(0.02)


def test_answers_have_the_fields_of_their_schema(host, restored_alone, faceless):
    schemas = send(host, "GET", "/openapi.json").json["components"]["schemas"]
    looked = post(host, "faces", {"pictures": [base64_of(faceless)]}).json

    assert set(restored_alone.json) == set(schemas["RestoreAnswer"]["properties"])
    assert set(restored_alone.json["pictures"][0]) == set(schemas["Restored"]["properties"])
    assert set(looked["pictures"][0]) == set(schemas["Looked"]["properties"])
    assert set(get(host, "status").json) == set(schemas["Status"]["properties"])


def test_picture_that_has_all_settings_at_once_is_like_one_without(host, faceless):
    every = dataclasses.asdict(RestoreSettings())

    answer = post(host, "restore", {"pictures": [base64_of(faceless)], "settings": every})

    assert (answer.picture().pixels == pixels.read(faceless).pixels).all()
