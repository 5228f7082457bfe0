"""What the kinds do not have: modules, names in modules, flags. Taken away before scripts of extensions are loaded."""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Callable

from modules import host_kind

_FOLDERS_OF_A1111 = "realesrgan_models_path dat_models_path bsrgan_models_path swinir_models_path scunet_models_path"
_LOW_MEMORY = "lowvram medvram medvram_sdxl"

FLAGS = {
    "classic": f"precision models_dir {_LOW_MEMORY} {_FOLDERS_OF_A1111}",
    "neo": f"use_cpu no_half precision models_dir {_LOW_MEMORY} {_FOLDERS_OF_A1111}",
    # Kept in its settings, as far as it has them.
    "sdnext": "no_prompt_history gfpgan_models_path codeformer_models_path esrgan_models_path " + _FOLDERS_OF_A1111,
}
_MODULES = {
    "forge": "ldm_patched modules_forge.forge_util",
    "reforge": "backend modules_forge.utils modules.generation_parameters_copypaste",
    "classic": "backend modules_forge.utils modules.generation_parameters_copypaste modules.lowvram",
    "neo": "ldm_patched modules_forge.forge_util modules.generation_parameters_copypaste modules.lowvram",
    "sdnext": "modules.lowvram modules.face_restoration modules.ui_tempdir modules.shared_cmd_options",
}
_LATE_HOOKS = (
    "after_extra_networks_activate process_before_every_sampling before_hr post_sample on_mask_blend "
    "postprocess_maskoverlay postprocess_image_after_composite on_before_component on_after_component "
    "before_component after_component"
)
_NAMES = {
    "classic": {"modules.script_callbacks": "on_list_optimizers"},
    "reforge": {"modules.script_callbacks": "on_list_optimizers"},
    "neo": {"modules.devices": "device_interrogate", "modules.paths": "default_output_dir modules_path"},
    "sdnext": {
        "modules.shared": "face_restorers total_tqdm",
        "modules.devices": "get_device_for device_gfpgan device_esrgan device_codeformer device_interrogate",
        "modules.images": "save_image_with_geninfo",
        # Its present revision has an InputAccordion again that nothing there uses; earlier ones had none.
        "modules.ui_components": "InputAccordion",
        "modules.script_callbacks": "on_list_optimizers on_list_unets on_before_token_counter on_ui_train_tabs",
    },
}


def is_flag_absent(name: str) -> bool:
    """Whether this kind's command line lacks a flag. name: as an attribute, `use_cpu`."""
    return name in FLAGS.get(host_kind.kind, "").split()


def apply() -> None:
    """Take away what this kind lacks; the stub's own modules have what they need by then."""
    for name in ("modules.api.api", "modules.paths"):  # the last of the stub's own to be loaded
        importlib.import_module(name)
    for name in _MODULES.get(host_kind.kind, "").split():
        importlib.import_module(name)
        parent, _, child = name.rpartition(".")
        if hasattr(sys.modules.get(parent), child):
            delattr(sys.modules[parent], child)
        for loaded in [one for one in sys.modules if one == name or one.startswith(f"{name}.")]:
            sys.modules[loaded] = None  # an import of it fails as that of a missing file does
    for name, members in _NAMES.get(host_kind.kind, {}).items():
        module = importlib.import_module(name)
        for member in members.split():
            delattr(module, member)
    if host_kind.is_sdnext():
        _take_hooks_away()
        full = sys.modules["modules.infotext_utils"]
        # SD.Next keeps both names for others: one empty, one with two functions that it does not use itself.
        _replace("paths_internal")
        _replace("infotext_utils", parse=_typed(full.parse_generation_parameters), mapping=[])
        sys.modules["modules.scripts_manager"] = sys.modules["modules.scripts"]


def _take_hooks_away() -> None:
    from modules.script_class import Script

    for hook in _LATE_HOOKS.split():
        delattr(Script, hook)
    from modules.processing_classes import StableDiffusionProcessing

    del StableDiffusionProcessing.save_samples


def _typed(parse: Callable[[str], dict]) -> Callable[[str], dict]:
    """SD.Next makes numbers and truth values of what reads like one."""

    def value_of(text: str) -> object:
        if text in ("True", "False"):
            return text == "True"
        if isinstance(text, str) and text.replace(".", "", 1).isdigit():
            return float(text) if "." in text else int(text)
        return text

    return lambda text: {key: value_of(value) for key, value in parse(text).items()}


def _replace(name: str, **members: object) -> None:
    """Put a module with these members where extensions look; the stub's own modules hold the full one."""
    import modules

    module = types.ModuleType(f"modules.{name}")
    vars(module).update(members)
    sys.modules[module.__name__] = module
    setattr(modules, name, module)
