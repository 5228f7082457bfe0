"""What our routes refuse: too much, unreadable, unknown, from elsewhere, without credentials. Never with status 500."""

import base64
import io
import time

import pytest
from PIL import Image

from helpers.api_client import JSON, Reply, base64_of, get, post, send, upload
from helpers.running_host import HOSTS, STUBS, start_kind, started

LIMIT_BYTES = 256 << 20


def refused(answer, status, words):
    assert answer.status == status, answer.text
    assert words in answer.json["detail"]
    assert "Traceback" not in answer.text


def huge_png():
    """400 megapixels of one colour in 49 KB."""
    stream = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(stream, "PNG")
    return stream.getvalue()


def test_picture_of_too_many_pixels_is_refused(host):
    answer = post(host, "restore", {"pictures": [base64_of(huge_png())]})

    refused(answer, 413, "Picture 1 has more than the limit of 200 megapixels.")


def test_too_many_pictures_are_refused(host):
    refused(post(host, "restore", {"pictures": ["a"] * 33}), 413, "33 pictures are more than the limit of 32")


def test_body_that_says_to_be_too_large_is_refused_unread(host):
    headers = {**JSON, "Content-Length": str(LIMIT_BYTES + 1)}

    answer = post(host, "restore", b"", headers)

    refused(answer, 413, "limit of 256 MB")


def test_body_that_does_not_say_how_large_it_is_is_refused_at_the_limit(host):
    answer = post(host, "restore", (bytes(1 << 20) for _ in range(257)), JSON)

    refused(answer, 413, "limit of 256 MB")


def test_result_above_the_ceiling_is_reduced_and_a_higher_ceiling_refused(host, faceless):
    size = {"restorer": "none", "upscaler": "Lanczos", "scale": 4}
    sent = [base64_of(faceless)]

    reduced = post(host, "restore", {"pictures": sent, "settings": {**size, "ceiling_megapixels": 0.1}})
    answer = post(host, "restore", {"pictures": sent, "settings": {"ceiling_megapixels": 257}})

    (shown,) = reduced.json["pictures"]
    assert shown["width"] * shown["height"] <= 100_000
    assert any("0.1" in warning for warning in shown["report"]["warnings"])
    refused(answer, 422, "ceiling_megapixels cannot be 257.0: it must be a number up to 256")


def test_size_that_this_picture_cannot_get_is_its_own_error(host, faceless):
    settings = {"restorer": "none", "upscaler": "Lanczos", "width": 20_000}

    answer = post(host, "restore", {"pictures": [base64_of(faceless)], "settings": settings})

    refused(answer, 422, "The setting")


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"", 400, "no JSON"),
        (b"{", 400, "no JSON at character 1"),
        (b"\xff\xfe\x00", 400, "no JSON"),
        (b"[" * 100_000, 400, "nested too deeply"),
        (b'{"pictures": ["a"], "settings": {"scale": %s}}' % (b"[" * 700 + b"]" * 700), 422, "scale"),
        (b'{"pictures": ["a"], "settings": {"scale": NaN}}', 422, "scale cannot be nan"),
        (b'{"pictures": ["a"], "settings": {"scale": 1e999}}', 422, "scale cannot be inf"),
        (b'{"pictures": ["a"], "settings": {"scale": 1%s}}' % (b"0" * 400), 422, "scale cannot be 1000"),
        (b'{"pictures": ["a"], "settings": {"scale": 1%s}}' % (b"0" * 5000), 400, "no JSON"),
        (b'{"pictures": ["a"], "settings": {"\\ud800": 1}}', 422, "no setting named '\\ud800'"),
        (b'{"pictures": ["a"], "settings": {"restorer": "\\ud800"}}', 422, "restorer cannot be"),
        (b'{"pictures": ["\\ud800"]}', 400, "no file in base64"),
        (b'{"\\ud800": 1}', 422, "no field named"),
        (b"7", 422, "must be an object"),
        (b'{"pictures": "a"}', 422, "must be a list"),
        (b'{"pictures": [1]}', 422, "Picture 1 must be a text"),
        (b'{"pictures": ["a"], "settings": []}', 422, "settings must be an object"),
        (b'{"pictures": ["a"], "settings": {"fidelty": 1}}', 422, "Did you mean fidelity or second_fidelity?"),
        (b'{"pictures": ["a"], "settings": {"fidelity": "0.5"}}', 422, "must be a number from 0 to 1"),
        (b'{"pictures": ["a"], "settings": {"width": 9, "longest_side": 9}}', 422, "longest_side cannot be 9"),
        (b'{"pictures": ["a"], "settings": {"restorer": "CodeFromer"}}', 422, "CodeFormer"),
        (b'{"pictures": ["a"], "setings": {}}', 422, "use settings"),
        (b'{"pictures": ["a"], "format": ["png"]}', 422, "format must be one of png, jpeg, webp"),
        (b'{"pictures": ["a"], "format": "gif"}', 422, "format must be"),
        (b'{"pictures": ["a"], "quality": 1.5}', 422, "quality must be"),
        (b'{"pictures": ["http://127.0.0.1/a.png"]}', 400, "addresses are not opened"),
        (b'{"pictures": ["file:///etc/passwd"]}', 400, "addresses are not opened"),
        (b'{"pictures": ["data:image/png,abc"]}', 400, "data URI without base64"),
        (b'{"pictures": [""]}', 400, "Picture 1 is empty"),
    ],
)  # fmt: skip
def test_body_that_cannot_be_used_is_told_why(host, body, status, words):
    refused(post(host, "restore", body, JSON), status, words)


def test_value_of_any_length_gives_a_short_sentence(host):
    answer = post(host, "restore", {"pictures": ["a"], "settings": {"mask": "x" * 100_000}})

    refused(answer, 422, "The setting mask cannot be 'xxx")
    assert len(answer.text) < 300


def test_missing_weights_are_said_before_anything_is_done(host):
    answer = post(host, "restore", {"pictures": ["a"], "settings": {"restorer": "GFPGAN 1.2"}})

    refused(answer, 503, "The weights of GFPGAN 1.2 are missing. GET /facerestore/models lists")


@pytest.mark.parametrize("kind", ["text/plain", "image/png", "application/x-www-form-urlencoded", ""])
def test_other_kinds_of_bodies_are_refused(host, kind):
    refused(post(host, "restore", b"pictures=a", {"Content-Type": kind}), 415, "Send application/json or multipart")


@pytest.mark.parametrize("origin", ["http://elsewhere.example", "null", "http://["])
def test_forms_of_other_sites_are_refused(host, faceless, origin):
    answer = upload(host, "restore", [("pictures", faceless.read_bytes())], {"Origin": origin})

    refused(answer, 403, "Forms of other sites")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ([], "pictures must be a list"),
        ([("pictures", b"x"), ("settings", "{")], "The form's settings is no JSON"),
        ([("pictures", b"x"), ("settings", "{}"), ("settings", "{}")], "once, and as text"),
        ([("pictures", b"x"), ("settings", b"{}")], "once, and as text"),
        ([("pictures", b"x"), ("quality", "high")], "The form's quality is no JSON"),
        ([("pictures", b"x"), ("url", "http://127.0.0.1/a.png")], "no field named 'url'"),
        ([("pictures", b"")], "Picture 1 is empty"),
    ],
)
def test_form_that_cannot_be_used_is_told_why(host, fields, words):
    answer = upload(host, "restore", fields)

    refused(answer, 400 if "JSON" in words or "empty" in words else 422, words)


def test_broken_form_is_refused(host):
    without_mark = post(host, "restore", b"no form", {"Content-Type": "multipart/form-data"})
    cut = post(host, "restore", b"--x\r\nno form", {"Content-Type": "multipart/form-data; boundary=x"})

    refused(without_mark, 400, "")
    refused(cut, 400, "no form that can be read")


def test_unknown_model_cannot_be_fetched(host):
    refused(post(host, "fetch", {"names": ["CodeFromer"]}), 422, "No model to fetch is named 'CodeFromer'; use one of")
    refused(post(host, "fetch", {"names": []}), 422, "names must be a list")
    refused(post(host, "fetch", {"names": ["https://127.0.0.1/x.pth"]}), 422, "No model to fetch")


def test_other_methods_are_refused(host):
    assert send(host, "GET", "/facerestore/restore").status == 405


@pytest.fixture
def broken(host, portrait):
    """The pipeline raises until the next generation."""
    host.generate(photo=portrait, failing="lib_facerestore.engine.pipeline.run_to")
    yield
    host.generate(photo=portrait)


def test_error_that_nobody_foresaw_is_a_plain_sentence_and_a_trace_in_the_log(host, portrait, broken):
    seen = len(host.said())

    answer = post(host, "restore", {"pictures": [base64_of(portrait)]})

    refused(answer, 500, "An error in working on picture 1; the log of the server has the details.")
    assert "broken on purpose" not in answer.text
    assert "broken on purpose" in host.said()[seen:]


def login(words):
    return {"Authorization": "Basic " + base64.b64encode(words.encode()).decode()}


@pytest.fixture(scope="module", params=HOSTS)
def guarded(request, tmp_path_factory):
    """A host whose API asks for credentials."""
    with started(request.param, tmp_path_factory, "--api-auth", "ann:secret,bob:Geheim") as running:
        yield running


ROUTES = [
    ("GET", "status"),
    ("GET", "models"),
    ("POST", "restore"),
    ("POST", "faces"),
    ("POST", "fetch"),
    ("DELETE", "fetch"),
]
STRANGERS = [
    {}, login("ann:wrong"), login("ann:"), login("eve:secret"), login("ann:Geheim"), login("ann:secret,bob:Geheim"),
    login("bob:Gehéim"), {"Authorization": "Bearer x"}, {"Authorization": "Basic ?"},
]  # fmt: skip


@pytest.mark.parametrize(("method", "route"), ROUTES)
@pytest.mark.parametrize("headers", STRANGERS)
def test_no_route_answers_without_credentials(guarded, method, route, headers):
    body = {"pictures": ["a"]} if method == "POST" else None

    answer = send(guarded, method, f"/facerestore/{route}", body, headers)

    assert answer.status == 401
    assert answer.headers.get("WWW-Authenticate", answer.headers.get("www-authenticate")) == "Basic"
    assert set(answer.json) == {"detail"}


def test_credentials_are_asked_for_before_a_body_is_read(guarded):
    answer = post(guarded, "restore", b"{", {"Content-Type": "text/plain", "Content-Length": str(LIMIT_BYTES * 2)})

    assert answer.status == 401


@pytest.mark.parametrize("who", ["ann:secret", "bob:Geheim"])
def test_everybody_who_is_named_is_let_in(guarded, faceless, who):
    sent = {"pictures": [base64_of(faceless)], "settings": {"restorer": "none"}}

    assert get(guarded, "status", login(who)).status == 200
    assert post(guarded, "restore", sent, login(who)).status == 200


def test_schema_says_that_credentials_are_needed(guarded):
    # Real hosts serve it without asking.
    operation = send(guarded, "GET", "/openapi.json", headers=login("ann:secret")).json["paths"]["/facerestore/restore"]

    assert operation["post"]["security"] == [{"HTTPBasic": []}]


@pytest.fixture(scope="module")
def page_guarded(tmp_path_factory):
    """SD.Next, whose API asks for the credentials of its page."""
    folder = tmp_path_factory.mktemp("sdnext")
    users = folder / "users"
    users.write_text("bob:Geheim\n")
    with start_kind("sdnext", folder, "--auth", "ann:secret", "--auth-file", str(users)) as running:
        yield running


@pytest.mark.parametrize(("method", "route"), ROUTES)
@pytest.mark.parametrize("headers", [{}, login("ann:wrong"), login("eve:secret")])
def test_no_route_answers_where_the_host_protects_its_api_as_its_page(page_guarded, method, route, headers):
    answer = send(
        page_guarded, method, f"/facerestore/{route}", {"pictures": []} if method == "POST" else None, headers
    )

    assert answer.status == 401
    assert send(page_guarded, "GET", "/sdapi/v1/scripts", headers=headers).status == 401


@pytest.mark.parametrize("who", ["ann:secret", "bob:Geheim"])
def test_users_of_a_protected_page_are_let_in(page_guarded, who):
    assert get(page_guarded, "status", login(who)).status == 200
    assert send(page_guarded, "GET", "/sdapi/v1/scripts", headers=login(who)).status == 200


def test_host_that_protects_its_page_alone_leaves_our_routes_as_open_as_its_own(tmp_path_factory):
    with started("gradio3", tmp_path_factory, "--gradio-auth", "ann:secret") as running:
        assert send(running, "GET", "/config").status == 401
        assert send(running, "GET", "/sdapi/v1/scripts").status == 200
        assert get(running, "status").status == 200


@pytest.mark.parametrize("kind", STUBS)
def test_page_whose_owner_asked_for_no_api_has_no_routes_of_ours(kind, tmp_path_factory):
    with started(kind, tmp_path_factory, "--no-api") as running:
        assert send(running, "GET", "/facerestore/status").status == 404
        assert post(running, "restore", {"pictures": ["a"]}).status in (404, 405)


@pytest.mark.parametrize("kind", HOSTS)
def test_routes_are_there_without_a_page(kind, tmp_path_factory, faceless):
    with started(kind, tmp_path_factory, "--nowebui") as running:
        deadline = time.monotonic() + 60  # hosts tell of the start before they listen
        while (answer := asked(running)) is None:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        sent = {"pictures": [base64_of(faceless)], "settings": {"restorer": "none", "scale": 2, "upscaler": "Lanczos"}}

        assert answer.status == 200
        assert post(running, "restore", sent).json["pictures"][0]["width"] == 384


def asked(running) -> Reply | None:
    try:
        return get(running, "status")
    except ConnectionError:
        return None
