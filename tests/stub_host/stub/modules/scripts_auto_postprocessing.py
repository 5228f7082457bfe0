"""Extras scripts that the user enabled in the main page, wrapped as always-visible scripts."""

from __future__ import annotations

from modules import script_class, scripts_postprocessing, shared


class ScriptPostprocessingForMainUI(script_class.Script):
    """Only `process` is called, for each picture; its info goes into the infotext of the job."""

    def __init__(self, inner):
        self.inner = inner
        self.inner_controls: dict = {}

    def title(self):
        return self.inner.name

    def show(self, is_img2img):
        return script_class.AlwaysVisible

    def ui(self, is_img2img):
        self.inner_controls = self.inner.ui()
        return list(self.inner_controls.values())

    def postprocess_image(self, p, script_pp, *args):
        pp = scripts_postprocessing.PostprocessedImage(script_pp.image)
        self.inner.process(pp, **dict(zip(self.inner_controls, args)))
        p.extra_generation_params.update(pp.info)
        script_pp.image = pp.image


def create_auto_preprocessing_script_data() -> list:
    """Data of the enabled ones, as if they were scripts."""
    from modules import scripts

    found = []
    for name in shared.opts.postprocessing_enable_in_main_ui:
        for data in scripts.postprocessing_scripts_data:
            if data.script_class.name == name:
                made = _maker(data.script_class)
                found.append(scripts.ScriptClassData(made, data.path, data.basedir, data.module))
                break
    return found


def _maker(inner_class):
    return lambda: ScriptPostprocessingForMainUI(inner_class())
