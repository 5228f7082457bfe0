"""The Extras hook by its own contract: the host calls it for each picture, with every argument or with none."""

import base64
import io
import json
import os

import pytest
from PIL import Image

from helpers.running_host import STUBS, start_stub
from stub_host.process import encoded


def test_api_callers_pictures_are_left_alone(host, portrait):
    picture = Image.open(portrait)

    answer = host.call(
        "/sdapi/v1/extra-single-image", {"image": encoded(picture), "upscaling_resize": 1, "upscaler_1": "None"}
    )

    assert "Face restore" not in answer["html_info"]
    assert "Face restore" not in str(Image.open(io.BytesIO(base64.b64decode(answer["image"]))).info)


def test_api_batch_is_left_alone(host, portrait):
    pictures = [{"data": encoded(Image.open(portrait)), "name": f"{i}.png"} for i in range(2)]

    answer = host.call(
        "/sdapi/v1/extra-batch-images", {"imageList": pictures, "upscaling_resize": 1, "upscaler_1": "None"}
    )

    assert len(answer["images"]) == 2
    assert "Face restore" not in answer["html_info"]


@pytest.mark.parametrize("kind", STUBS)
def test_among_the_steps_of_a_generation_each_picture_has_its_own_record(kind, tmp_path, portrait, faceless):
    (tmp_path / "config.json").write_text(json.dumps({"postprocessing_enable_in_main_ui": ["Face restore"]}))

    with start_stub(kind, tmp_path) as host:
        photo = os.pathsep.join(str(path) for path in (portrait, faceless, portrait))
        made = host.generate(face=[True], photo=photo, batch_size=3, save_images=True)

    assert ["Face restore faces: 1/1" in text for text in made.infotexts[1:]] == [True, False, True]
    assert "Face restore: " not in made.infotexts[2]
