"""The Extras hook by its own contract: the host calls it for each picture, with every argument or with none."""

import base64
import io

from PIL import Image
from stub_host import encoded


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
