"""A neighbour for tests: GET /looked tells what this host has and what became of us in it; POST runs Extras and paste.

Asks the host as an extension does, by import, so that it says the same on every kind of host.
"""

import base64
import importlib
import io

from modules import script_callbacks, scripts, shared
from PIL import Image

OURS = "Face restore"


def found(name):
    """A module, or None."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def look():
    """What there is."""
    port = importlib.import_module("lib_facerestore.hosts.memory").memory_port()
    base = importlib.import_module("lib_facerestore.hosts.base")
    return {
        "memory_port": type(port).__name__,
        "memory_manager": getattr(getattr(port, "_manager", None), "__name__", ""),
        "outputs": shared.opts.outdir_txt2img_samples,
        "models_path": str(base.models_path()),
        "device": base.device(),
        "face_restorers": [one.name() for one in getattr(shared, "face_restorers", [])],
        "has_face_restorers": hasattr(shared, "face_restorers"),
        "has_late_hook": hasattr(scripts.Script, "postprocess_image_after_composite"),
        "has_two_step_stop": hasattr(shared.state, "stopping_generation"),
        "upscalers": [one.name for one in shared.sd_upscalers],
        "our_upscaler_choices": [] if found("lib_facerestore.webui.page.controls") is None else upscaler_choices(),
        "flags": sorted(vars(shared.cmd_opts)),
        "modules": [name for name in LOOKED_FOR if found(name)],
    }


LOOKED_FOR = (
    "modules.face_restoration modules.lowvram modules.generation_parameters_copypaste backend.memory_management "
    "ldm_patched.modules.model_management modules_forge.utils modules_forge.forge_util modules.scripts_manager"
).split()


def upscaler_choices():
    """What our own control offers."""
    return importlib.import_module("lib_facerestore.webui.page.controls").model_names("upscaler")


def runner_of_extras():
    """The host's, which keeps it in one of two modules."""
    manager = found("modules.scripts_manager") or scripts
    return manager.scripts_postproc


def extras(asked: dict):
    """One picture through all scripts of Extras, with arguments of ours by name, as from the page."""
    from modules import scripts_postprocessing

    values = asked["values"]
    image = Image.open(io.BytesIO(base64.b64decode(asked["picture"])))
    runner = runner_of_extras()
    args = runner.create_args_for_run({OURS: values})
    for script in runner.scripts_in_preferred_order():
        # The page hands every script a value for each of its controls; the hosts' own fail without.
        for number, (name, component) in enumerate(script.controls.items(), script.args_from):
            args[number] = values.get(name, component.value) if script.name == OURS else component.value
    pp = scripts_postprocessing.PostprocessedImage(image)
    shared.state.begin("extras")
    runner.run(pp, args)
    shared.state.end()
    stream = io.BytesIO()
    pp.image.save(stream, "PNG")
    return {"image": base64.b64encode(stream.getvalue()).decode(), "info": {k: str(v) for k, v in pp.info.items()}}


def paste(asked: dict):
    """What the host would put into our controls of txt2img for a text, by element id; None leaves one as it is."""
    utils = found("modules.infotext_utils")
    parse = getattr(utils, "parse_generation_parameters", None) or utils.parse
    params = parse(asked["text"])
    manager = found("modules.scripts_manager") or scripts
    said = {}
    for component, key in manager.scripts_txt2img.infotext_fields:
        if "face_restore" in str(getattr(component, "elem_id", "")) and callable(key):
            said[component.elem_id] = key(params)
    return said


def started(demo, app):
    """Add the routes."""
    app.add_api_route("/looked", look, methods=["GET"])
    app.add_api_route("/looked/extras", extras, methods=["POST"])
    app.add_api_route("/looked/paste", paste, methods=["POST"])


script_callbacks.on_app_started(started)
