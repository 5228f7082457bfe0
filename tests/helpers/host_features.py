"""One small check for each thing that we do in a host, by API. Each says "works", or why the host does not offer it.

A check that fails raises. Whether a host offers a thing is asked of the host, never looked up by its name.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from helpers.generations import RECORD, STATUS, differs, face_mask, img2img, names
from helpers.host_lists import LENT, OFFERED, OURS
from helpers.host_lists import names as listed
from helpers.plots import SCALE, cells, plot
from helpers.running_host import SIZE_WH, Host, Made
from stub_host.process import decoded, encoded

WORKS = "works"
TRACE_OF_OURS = re.compile(r'File "[^"]*(sd-webui-facerestore|lib_facerestore)')
TWICE_WH = (2 * SIZE_WH[0], 2 * SIZE_WH[1])
# Larger, without a look at faces: most checks are about what a host does with a result, however it came about.
LARGER = {"restorer": "none", "upscaler": "Lanczos", "scale": 2}
LARGER_RECORD = "Face restore: none, Face restore upscaler: Lanczos, Face restore scale: 2"
PER_PICTURE = "each picture before it is saved"


@dataclass(frozen=True)
class Feature:
    """One row of the table. check: given a host and a portrait of one face, what it says stands in the cell."""

    name: str
    check: Callable[[Host, Path], str]


def starts(host: Host, portrait: Path) -> str:
    assert not TRACE_OF_OURS.search(host.said())
    assert "facerestore" not in str(host.call("/stub/errors")).lower()
    return WORKS


def accordion(host: Host, portrait: Path) -> str:
    scripts = host.call("/sdapi/v1/scripts")
    assert [scripts[tab].count("face restore") for tab in ("txt2img", "img2img")] == [1, 1]
    page = str(host.call("/config"))
    assert all(f"script_{tab}_face_restore_enable" in page for tab in ("txt2img", "img2img"))
    return WORKS


def settings(host: Host, portrait: Path) -> str:
    host.set_options(facerestore_txt2img=True)
    try:
        made = host.generate(photo=portrait)
    finally:
        host.set_options(facerestore_txt2img=False)
    assert made.infotexts[0].endswith(RECORD)
    return WORKS


def whole_job(host: Host, portrait: Path) -> str:
    made = host.generate(face=[True, {}], photo=portrait, save_images=True)
    base, restored = sorted(made.files, key=lambda path: "-restored" in path.name)
    assert "-restored" not in base.name
    assert restored.stem.endswith(f"{base.stem}-restored")
    assert restored.parent == base.parent
    assert Image.open(restored).info["parameters"].endswith(RECORD)
    assert differs(made.images[0], Image.open(portrait)) > 0.02
    assert STATUS.fullmatch(made.statuses[0])
    return WORKS


def grid(host: Host, portrait: Path) -> str:
    made = host.generate(face=[True, LARGER], photo=portrait, batch_size=2, save_images=True)
    assert [image.size for image in made.images[1:]] == [TWICE_WH] * 2
    assert made.images[0].width >= 2 * TWICE_WH[0]
    assert len([name for name in names(made) if "restored" in name]) == 3
    return WORKS


def both_shown(host: Host, portrait: Path) -> str:
    host.set_options(facerestore_result="show both")
    try:
        made = host.generate(face=[True, LARGER], photo=portrait)
    finally:
        host.set_options(facerestore_result="replace in the gallery")
    assert ["Face restore" in text for text in made.infotexts] == [False, True]
    return WORKS


def overwriting(host: Host, portrait: Path) -> str:
    host.set_options(facerestore_result="overwrite the file")
    try:
        made = host.generate(face=[True, LARGER], photo=portrait, save_images=True)
    finally:
        host.set_options(facerestore_result="replace in the gallery")
    (path,) = made.files
    assert Image.open(path).size == TWICE_WH
    assert Image.open(path).info["parameters"].endswith(LARGER_RECORD)
    return WORKS


def per_picture(host: Host, portrait: Path) -> str:
    made = host.generate(face=[True, {"when": PER_PICTURE}], photo=portrait, save_images=True)
    (path,) = made.files
    assert differs(Image.open(path), Image.open(portrait)) > 0.02
    assert "Face restore faces: 1/1" in Image.open(path).info["parameters"]
    return WORKS if host.call("/looked")["has_late_hook"] else f"{WORKS}, before the inpainting overlay"


def masks(host: Host, portrait: Path) -> str:
    host.set_options(return_mask=True)
    try:
        fields = {"mask": face_mask(portrait), "inpaint_full_res": False, "batch_size": 2}
        made = host.generate("img2img", face=[True, LARGER], photo=portrait, **img2img(portrait, **fields))
    finally:
        host.set_options(return_mask=False)
    assert len(made.images) == len(made.infotexts) == 4
    has_record = [LARGER_RECORD in image.info.get("parameters", "") for image in made.images]
    assert has_record == [image.size == TWICE_WH for image in made.images]
    assert sum(has_record) == 2
    return WORKS


def extras(host: Host, portrait: Path) -> str:
    asked = {"picture": encoded(Image.open(portrait)), "values": {"enabled": True, **LARGER}}
    answer = host.call("/looked/extras", asked)
    assert answer.status == 200, answer
    assert decoded(answer["image"]).size == TWICE_WH
    assert answer["info"]["Face restore upscaler"] == "Lanczos"
    return WORKS


def extras_by_api(host: Host, portrait: Path) -> str:
    asked = {"image": encoded(Image.open(portrait)), "upscaling_resize": 1, "upscaler_1": "None"}
    answer = host.call("/sdapi/v1/extra-single-image", {**asked, "script_args": {"Face restore": {"enabled": True}}})
    assert answer.status == 200, answer
    if "Face restore faces: 1/1" in answer["html_info"]:
        return f"{WORKS}, as script_args"
    assert "Face restore" not in answer["html_info"]
    return "not offered: its API hands nothing to scripts of others"


def paste(host: Host, portrait: Path) -> str:
    made = host.generate(face=[True, LARGER], photo=portrait)
    said = host.call("/looked/paste", {"text": made.infotexts[0]})
    of_others = host.call("/looked/paste", {"text": "a cat\nSteps: 20, Seed: 7, Size: 64x64"})
    enabled = next(key for key in said if "enable" in key)
    assert (said[enabled], of_others[enabled]) == (True, False)
    assert said["script_txt2img_face_restore_scale"] == 2
    assert of_others["script_txt2img_face_restore_scale"] is None
    return WORKS


def hosts_own_restoration(host: Host, portrait: Path) -> str:
    if not host.call("/looked")["has_face_restorers"]:
        return "not offered: it has no restoration of its own"
    made = host.generate(face=[True, {}], photo=portrait, restore_faces=True)
    # The stub's restorers paint this corner red; ours leaves it as it was.
    corner = (0, 0, 8, 8)
    assert differs(made.images[0].crop(corner), Image.open(portrait).crop(corner)) == 0
    return WORKS


def memory(host: Host, portrait: Path) -> str:
    found = host.call("/looked")
    managers = [name for name in found["modules"] if name.endswith(("memory_management", "model_management"))]
    if managers:
        assert (found["memory_port"], found["memory_manager"]) == ("ForgeMemory", managers[0])
        return f"{WORKS}: {managers[0]}"
    assert found["memory_port"] == "A1111Memory"
    return f"{WORKS}: lowvram" if "modules.lowvram" in found["modules"] else "cache emptied; the host offers no more"


def folders(host: Host, portrait: Path) -> str:
    assert host.call("/looked")["models_path"] == str(host.folder / "models")
    return WORKS


def offered_restorers(host: Host, portrait: Path) -> str:
    if not host.call("/looked")["has_face_restorers"]:
        return "not offered: it has no list of restorers"
    assert listed(host, "face-restorers").count(OURS) == 1
    host.set_options(face_restoration_model=OURS)
    try:
        made = host.generate(photo=portrait, restore_faces=True)
    finally:
        host.set_options(face_restoration_model="CodeFormer")
    assert RECORD in made.infotexts[0]
    return WORKS


def offered_upscalers(host: Host, portrait: Path) -> str:
    assert listed(host, "upscalers").count(OFFERED) == 1
    asked = {"image": encoded(Image.open(portrait)), "upscaling_resize": 2, "upscaler_1": OFFERED}
    answer = host.call("/sdapi/v1/extra-single-image", asked)
    assert answer.status == 200, answer
    assert decoded(answer["image"]).size == TWICE_WH
    assert OFFERED in answer["html_info"]
    return WORKS


def lent_upscalers(host: Host, portrait: Path) -> str:
    face = [True, {**LARGER, "upscaler": LENT, "upscale_strength": 1}]
    made = host.generate(face=face, photo=portrait)
    assert made.images[0].size == TWICE_WH
    assert f"Face restore upscaler: {LENT}" in made.infotexts[0]
    return WORKS


def axes(host: Host, portrait: Path) -> str:
    made = plot(host, portrait, (SCALE, "1, 2"), face=[True, {**LARGER, "scale": 1}])
    assert [image.size for image, _ in cells(made)] == [SIZE_WH, TWICE_WH]
    return WORKS


def routes(host: Host, portrait: Path) -> str:
    answer = host.call("/facerestore/faces", {"pictures": [encoded(Image.open(portrait))]})
    assert answer.status == 200, answer
    assert len(answer["pictures"][0]["faces"]) == 1
    assert host.call("/facerestore/models").status == host.call("/facerestore/status").status == 200
    return WORKS


def buttons(host: Host, portrait: Path) -> str:
    parts = {part["props"].get("elem_id"): part for part in host.call("/config")["components"]}
    if "txt2img_send_to_extras" not in parts:
        return "not offered: it has no row of buttons under a name that we know"
    listened = [target for part in host.call("/config")["dependencies"] for target in part["targets"]]
    pressed = [target if isinstance(target, int) else target[0] for target in listened]  # gradio 3, gradio 4
    for tab in ("txt2img", "img2img"):
        for which in ("one", "all"):
            button = parts[f"{tab}_facerestore_{which}"]
            assert button["props"]["visible"]
            assert button["id"] in pressed
    return WORKS


def stop(host: Host, portrait: Path) -> str:
    made: list[Made] = []

    def generate() -> None:
        made.append(host.generate(face=[True, {}], photo=portrait, batch_size=6, do_not_save_grid=True))

    thread = threading.Thread(target=generate)
    thread.start()
    limit = time.monotonic() + 60
    while "picture" not in str(host.call("/sdapi/v1/progress?skip_current_image=true").get("textinfo")):
        assert time.monotonic() < limit
        time.sleep(0.05)
    host.call("/sdapi/v1/interrupt", {})
    thread.join(120)
    restored = [RECORD in image.info["parameters"] for image in made[0].images]
    assert len(restored) == 6
    assert not all(restored)
    assert any(line.startswith("Stopped after") for line in made[0].statuses)
    return WORKS


def reload(host: Host, portrait: Path) -> str:
    starts = host.starts()
    host.call("/sdapi/v1/server-restart", {})
    host.wait_for_start(starts + 1)
    accordion(host, portrait)
    assert host.generate(face=[True, LARGER], photo=portrait).infotexts[0].count(LARGER_RECORD) == 1
    return WORKS


FEATURES = (
    Feature("starts, with nothing to complain about", starts),
    Feature("accordion in txt2img and img2img", accordion),
    Feature("models folder found", folders),
    Feature("switch in the Settings", settings),
    Feature("whole job restored, file beside the base file", whole_job),
    Feature("grid made anew, upscaled pictures", grid),
    Feature("base and restored shown together", both_shown),
    Feature("base file overwritten", overwriting),
    Feature("each picture before it is saved", per_picture),
    Feature("masks keep their places", masks),
    Feature("Extras", extras),
    Feature("Extras by the host's API", extras_by_api),
    Feature("record pasted into the controls", paste),
    Feature("host's own restoration left out", hosts_own_restoration),
    Feature("memory asked for", memory),
    Feature("our restorers behind the host's Restore faces", offered_restorers),
    Feature("our upscalers in the host's lists", offered_upscalers),
    Feature("the host's upscalers in ours", lent_upscalers),
    Feature("settings as axes of the plot", axes),
    Feature("buttons below the galleries", buttons),
    Feature("API of our own", routes),
    Feature("Interrupt", stop),
    Feature("Reload UI", reload),
)
