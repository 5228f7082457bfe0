"""Random valid and invalid requests, made from the host's own schema: no status 500, no path told."""

import base64
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image

from helpers.api_client import JSON, base64_of, get, post, send
from helpers.running_host import ROOT

# The same requests at each run; a failure is told as it came, because shrinking it would take minutes over HTTP.
EXACTLY: dict[str, Any] = {
    "derandomize": True, "deadline": None, "database": None, "phases": (Phase.generate,),
    "suppress_health_check": list(HealthCheck),
}  # fmt: skip
# Longer sides, larger scales and finer detection take longer, not other ways.
QUICK = {"detection_size": (128, 640), "scale": (1, 3), "ceiling_megapixels": (0.01, 256)}
SIZES = ("scale", "width", "height", "longest_side")
MODELS = ("restorer", "second_restorer", "upscaler", "second_upscaler")
PICTURE_WH = (24, 20)


def tiny_picture():
    """A picture without a face, 24×20 px, in base64."""
    noise = np.random.default_rng(3).integers(0, 256, (PICTURE_WH[1], PICTURE_WH[0], 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noise).save(stream, "PNG")
    return base64_of(stream.getvalue())


TINY = tiny_picture()


@pytest.fixture(scope="module")
def schema(host):
    """The schema of each setting, as the host tells it."""
    body = send(host, "GET", "/openapi.json").json["paths"]["/facerestore/restore"]["post"]["requestBody"]
    return body["content"]["application/json"]["schema"]["properties"]["settings"]["properties"]


@pytest.fixture(scope="module")
def upscalers(host):
    """Names of the upscalers that are here."""
    rows = get(host, "models").json["models"]
    return [row["name"] for row in rows if row["is_present"] and "upscaler" in row["kinds"]]


def allowed(name, about):
    """Values that the schema allows."""
    if "enum" in about:
        return st.sampled_from(about["enum"])
    low, high = QUICK.get(name, (about.get("minimum"), about.get("maximum")))
    if about["type"] == "boolean":
        return st.booleans()
    return st.integers(low, high) if about["type"] == "integer" else st.floats(low, high) | st.just(int(high))


def sizes(schema):
    """No size, or one of the ways to ask for one."""
    side = st.integers(8, 96)
    ways = [st.just({}), st.fixed_dictionaries({"scale": allowed("scale", schema["scale"])})]
    ways += [st.fixed_dictionaries({name: side}) for name in SIZES[1:]]
    return st.one_of(*ways, st.fixed_dictionaries({"width": side, "height": side}))


def valid(schema, upscalers):
    """Settings without a restorer: any values of all others, any upscaler that is here."""
    others = {name: allowed(name, about) for name, about in schema.items() if name not in (*SIZES, *MODELS)}
    words = st.sampled_from(["Lanczos", "none", *upscalers])
    named = st.fixed_dictionaries(
        {"restorer": st.just("none")},
        optional={**others, "upscaler": words | st.just("auto"), "second_upscaler": words},
    )
    # Only a size of two sides can be filled and cut.
    return st.builds(
        lambda size, rest: {**rest, **size, **({} if len(size) == 2 or not size else {"size_mode": "fit"})},
        sizes(schema),
        named,
    )


def tells_no_path(host, text):
    """Nothing of where files lie on this machine."""
    places = {str(host.folder), str(ROOT), sys.prefix, str(Path.home()) + os.sep, "site-packages", ".py", "Traceback"}
    return [place for place in places if place in text] == []


def shown(host, answer):
    """The picture of a good answer, after a look at the rest of it."""
    assert answer.status == 200, answer.text[:500]
    (one,) = answer.json["pictures"]
    assert one["error"] is None
    image = Image.open(io.BytesIO(base64.b64decode(one.pop("picture"))))
    assert image.size == (one["width"], one["height"]) == tuple(reversed(one["report"]["size_hw"]))
    assert tells_no_path(host, json.dumps(one))
    return image, one


def some_or(count, many):
    """So many examples in `make test`, many in `make test-long`."""
    return pytest.mark.parametrize("count", [count, pytest.param(many, marks=pytest.mark.long)])


# Fewer would leave ways to ask for a size untried.
@pytest.mark.parametrize("count", [94])
def test_valid_requests_without_faces_are_done(host, schema, upscalers, count):
    done, ways = [], set()

    @settings(max_examples=count, **EXACTLY)
    @given(valid(schema, upscalers), st.sampled_from(["png", "jpeg", "webp"]), st.integers(0, 100))
    def check(chosen, wanted, quality):
        body = {"pictures": [TINY], "settings": chosen, "format": wanted, "quality": quality}
        image, _ = shown(host, post(host, "restore", body))
        done.append(image.size)
        if not set(chosen) & set(SIZES):
            assert image.size == PICTURE_WH
        ways.add(tuple(sorted(set(chosen) & set(SIZES))))

    check()

    assert len(done) == count
    # How many sizes come is not the same on every machine; each way to ask for one does.
    assert ways == {(), *((name,) for name in SIZES), ("height", "width")}
    assert len(set(done)) > len(ways)


@some_or(2, 6)
def test_valid_requests_with_a_face_are_done(host, portrait, schema, count):
    faces = {
        name: allowed(name, about)
        for name, about in schema.items()
        if name not in (*SIZES, *MODELS, "mask", "size_mode", "aligned_input", "detection_threshold")
    }
    done = []

    @settings(max_examples=count, **EXACTLY)
    @given(st.fixed_dictionaries({}, optional=faces), sizes(schema).filter(lambda size: "scale" not in size))
    def check(chosen, size):
        body = {"pictures": [base64_of(portrait)], "settings": {**chosen, **size, "upscaler": "Lanczos"}}
        _, one = shown(host, post(host, "restore", body))
        done.append(len(one["report"]["faces"]))

    check()

    assert len(done) == count
    assert sum(done) > 0


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NO_PICTURE = st.one_of(
    st.sampled_from(["/etc/passwd", "file:///etc/passwd", "http://127.0.0.1/a.png", "..\\a.png", "data:,x", "="]),
    st.text(max_size=40).filter(lambda text: not text.isalnum() or len(text) % 4),
    st.binary(max_size=200).map(base64_of),
    st.integers(1, 90).map(lambda part: base64_of(base64.b64decode(TINY)[: 10 * part])),
)


def forbidden(about):
    """Values that the schema forbids."""
    if "enum" in about:
        return JUNK.filter(lambda value: value not in about["enum"])
    if about["type"] == "boolean":
        return JUNK.filter(lambda value: not isinstance(value, bool))
    if about["type"] == "string":
        return JUNK.filter(lambda value: not isinstance(value, str)) | st.text(min_size=1).map(lambda text: f"?{text}")
    low, high = about["minimum"], about["maximum"]
    outside = st.integers(max_value=int(low) - 1) | st.integers(min_value=int(high) + 1) | st.floats(min_value=high + 1)
    return outside | st.just(float("nan")) | JUNK.filter(lambda value: isinstance(value, (str, list, dict, type(None))))


def invalid(schema):
    """Bodies with something wrong in them, as JSON values or as bytes."""
    good = {"pictures": [TINY], "settings": {"restorer": "none"}}
    wrong_setting = st.sampled_from(sorted(schema)).flatmap(
        lambda name: st.fixed_dictionaries({name: forbidden(schema[name])})
    )
    unknown_setting = st.dictionaries(st.text().filter(lambda name: name not in schema), JUNK, min_size=1, max_size=3)
    no_object = JUNK.filter(lambda value: not isinstance(value, dict))
    return st.one_of(
        wrong_setting.map(lambda values: {**good, "settings": values}),
        wrong_setting.map(lambda values: {**good, "settings": {"restorer": "none", **values}}),
        unknown_setting.map(lambda values: {**good, "settings": values}),
        no_object.map(lambda value: {**good, "settings": value}),
        st.text().filter(lambda name: name not in {*good, "format", "quality"}).map(lambda name: {**good, name: 1}),
        st.lists(NO_PICTURE, min_size=1, max_size=4).map(lambda pictures: {**good, "pictures": pictures}),
        JUNK.filter(lambda value: not isinstance(value, list)).map(lambda value: {**good, "pictures": value}),
        JUNK.filter(lambda value: value not in ("png", "jpeg", "webp")).map(lambda value: {**good, "format": value}),
        st.integers(101).map(lambda value: {**good, "quality": value}),
        no_object,
        st.binary(max_size=60).filter(lambda data: not data.strip().startswith(b"{")),
        st.integers(1, len(json.dumps(good)) - 1).map(lambda length: json.dumps(good)[:length].encode()),
    )


@some_or(100, 1000)
def test_invalid_requests_are_refused_in_words(host, schema, count):
    statuses = []

    @settings(max_examples=count, **EXACTLY)
    @given(invalid(schema), st.sampled_from(["restore", "faces"]))
    def check(body, route):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        takes_all = isinstance(body, dict) and {"format", "quality"} & set(body)  # fields of the first route only
        route = "restore" if takes_all else route
        answer = post(host, route, data, JSON)
        statuses.append(answer.status)
        assert answer.status in (400, 413, 422), (data[:300], answer.text[:300])
        assert isinstance(answer.json["detail"], str)
        assert tells_no_path(host, answer.text), answer.text

    check()

    assert len(statuses) == count
    assert {400, 422} <= set(statuses)
