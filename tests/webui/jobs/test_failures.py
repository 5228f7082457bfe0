"""Whatever fails, ours or a neighbour's: base pictures survive, the job ends, and the user reads why."""

import pytest
from PIL import Image

from helpers.generations import RECORD, STATUS, differs, img2img

WHOLE_JOB = [
    "lib_facerestore.webui.jobs.request.request_of_generation",
    "lib_facerestore.webui.jobs.job.begin",
    "lib_facerestore.webui.jobs.whole_job.items_of",
    "lib_facerestore.webui.jobs.whole_job.JobProgress",
    "lib_facerestore.webui.warm_session.session",
    "lib_facerestore.webui.jobs.restore_each.restore_image",
    "lib_facerestore.webui.jobs.restore_image.from_pil",
    "lib_facerestore.webui.jobs.restore_image.to_pil",
    "lib_facerestore.engine.pipeline.run_to",
    "lib_facerestore.engine.faces.align.align",
    "lib_facerestore.engine.faces.paste.paste_face",
    "lib_facerestore.webui.infotext.record",
    "lib_facerestore.hosts.files.save_beside",
    "lib_facerestore.hosts.files.grid_of",
    "lib_facerestore.webui.jobs.whole_job.put_back",
    "lib_facerestore.webui.warm_session.after_job",
]
EACH_PICTURE = [
    "lib_facerestore.webui.jobs.each_picture.prepare",
    "lib_facerestore.webui.jobs.each_picture.restore",
    "lib_facerestore.webui.jobs.each_picture.restore_image",
    "lib_facerestore.webui.jobs.restore_image.status_line",
]


@pytest.mark.parametrize("stage", WHOLE_JOB)
def test_no_stage_of_a_whole_job_can_kill_it(host, portrait, stage):
    made = host.generate(face=[True, {}], photo=portrait, batch_size=2, save_images=True, failing=stage)

    bases = [path for path in made.files if "-restored" not in path.name and "grid" not in path.name]
    assert len(bases) == 2
    assert all(differs(Image.open(path), Image.open(portrait)) == 0 for path in bases)
    assert len(made.images) == len(made.infotexts) == 3
    assert any("broken on purpose" in line for line in made.log.splitlines())
    assert "[Face restore]" in made.log


@pytest.mark.parametrize("stage", EACH_PICTURE)
def test_no_stage_of_a_single_picture_can_kill_the_job(host, portrait, stage):
    face = [True, {"when": "each picture before it is saved"}]

    made = host.generate(face=face, photo=portrait, batch_size=2, save_images=True, failing=stage)

    assert len([path for path in made.files if "grid" not in path.name]) == 2
    assert len(made.images) == 3
    assert any("broken on purpose" in line for line in made.log.splitlines())


def test_memory_that_runs_out_is_said_and_the_picture_stays(host, portrait):
    made = host.generate(face=[True, {}], photo=portrait, failing="memory", save_images=True)

    assert differs(made.images[0], Image.open(portrait)) == 0
    assert len(made.files) == 1
    assert any("1 face: 1 failed (cpu has no memory left for Real-ESRGAN" in line for line in made.statuses)
    assert "Traceback" not in made.log


def test_error_is_shown_below_the_gallery(host, portrait):
    made = host.generate(face=[True, {}], photo=portrait, failing="lib_facerestore.webui.jobs.restore_image.from_pil")

    assert any("An error in restoring picture 1 left the picture as it was" in line for line in made.statuses)


@pytest.mark.parametrize("stage", ["raise", "late raise", "larger", "late larger"])
def test_job_lives_with_a_neighbour_that_misbehaves(host, portrait, stage):
    made = host.generate(face=[True, {}], photo=portrait, failing=stage, save_images=True)

    assert made.infotexts[0].endswith(RECORD)
    assert made.images[0].size == ((224, 176) if "larger" in stage else (192, 160))
    assert len(made.files) == 2


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"visibility": 7}, "cannot be 7: it must be a number from 0 to 1. 1.0 was taken."),
        ({"visibility": {"a": 1}}, "cannot be {'a': 1}: it must be a number from 0 to 1."),
        ({"scale": [2]}, "Scale cannot be [2]: it must be a number from 0.05 to 8."),
        ({"fidelity": None}, "CodeFormer weight cannot be None"),
        ({"max_faces": 10**12}, "Most faces cannot be 1000000000000"),
        ({"mask": "oval"}, "Mask cannot be 'oval': it must be one of auto, parsing"),
        ({"only_centre_face": True}, "There is no setting named 'only_centre_face'; it was left out."),
        ({"when": "never"}, "when cannot be 'never'"),
    ],
)
def test_value_that_cannot_be_is_replaced_and_said(host, portrait, settings, sentence):
    made = host.generate(face=[True, settings], photo=portrait)

    assert made.infotexts[0].endswith("Face restore faces: 1/1")
    assert any(sentence in line for line in made.statuses), made.statuses


@pytest.mark.parametrize(
    ("face", "is_restored"),
    [
        ([True, "CodeFormer", 0.5, 1.0], True),  # positions of another version
        ([True, None], True),
        ([{}], True),
        ([None, {}], False),
        (["yes", {}], False),
        ([[True], {}], False),
    ],
)
def test_arguments_of_another_kind_end_in_a_picture(host, portrait, face, is_restored):
    made = host.generate(face=face, photo=portrait)

    assert ("Face restore" in made.infotexts[0]) == is_restored


@pytest.mark.parametrize("tab", ["txt2img", "img2img"])
@pytest.mark.parametrize(
    ("name", "label", "taken"),
    [
        ("restorer", "Model", "auto"),
        ("second_restorer", "Second model", "none"),
        ("upscaler", "Upscaler", "auto"),
        ("second_upscaler", "Second upscaler", "none"),
    ],
)
def test_model_that_nobody_knows_is_replaced_and_said(host, portrait, tab, name, label, taken):
    more = img2img(portrait) if tab == "img2img" else {}

    made = host.generate(tab, face=[True, {name: "<b>ESRGAN_4x</b>"}], photo=portrait, **more)

    assert made.infotexts[0].endswith(RECORD)
    said = f"{label} cannot be '<b>ESRGAN_4x</b>': it must be one of "
    assert [line.endswith(f" {taken} was taken.") for line in made.statuses if line.startswith(said)] == [True]


def test_default_that_nobody_knows_any_more_is_replaced_too(host, portrait):
    host.set_options(facerestore_default_restorer="GFPGAN 9", facerestore_default_upscaler="Lanczos")
    try:
        made = host.generate(face=[True, {"upscaler": "ESRGAN_4x", "scale": 2}], photo=portrait)
    finally:
        host.set_options(facerestore_default_restorer="auto", facerestore_default_upscaler="auto")

    assert made.infotexts[0].endswith("Face restore upscaler: Lanczos, Face restore scale: 2, Face restore faces: 1/1")
    assert any(line.startswith("Model cannot be 'GFPGAN 9'") for line in made.statuses)
    assert any(line.startswith("Upscaler cannot be 'ESRGAN_4x'") for line in made.statuses)


@pytest.mark.parametrize("settings", [{"restorer": "None", "upscaler": "LANCZOS"}, {"restorer": "none", "scale": 2}])
def test_word_for_no_model_is_known_in_any_case(host, portrait, settings):
    made = host.generate(face=[True, settings], photo=portrait)

    assert not any("cannot be" in line for line in made.statuses)
    assert not any("restored" in line for line in made.statuses)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"restorer": "CodeFormer"}, "codeformer.pth"),
        ({"restorer": "GFPGAN 1.4"}, "GFPGANv1.4.pth"),
        ({"upscaler": "Real-ESRGAN x2plus", "scale": 2}, "RealESRGAN_x2plus.pth"),
    ],
)
def test_missing_model_is_said_and_the_picture_stays(host, portrait, settings, sentence):
    made = host.generate(face=[True, settings], photo=portrait, save_images=True)

    assert differs(made.images[0], Image.open(portrait)) == 0
    assert len(made.files) == 1
    assert "Face restore" not in made.infotexts[0]
    assert any(sentence in line for line in made.statuses)
    assert "Traceback" not in made.log


def test_next_job_after_a_failure_is_whole(host, portrait):
    host.generate(face=[True, {}], photo=portrait, failing="lib_facerestore.engine.pipeline.run_to")

    made = host.generate("img2img", face=[True, {}], photo=portrait, **img2img(portrait))

    assert made.infotexts[0].endswith(RECORD)
    assert STATUS.fullmatch(made.statuses[0])
