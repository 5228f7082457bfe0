"""Scripts of the Extras tab and the runner that calls them. Exceptions of `process` are not caught."""

from __future__ import annotations

import dataclasses
import os

import gradio as gr

from modules import errors, host_kind, shared


@dataclasses.dataclass
class PostprocessedImageSharedInfo:
    target_width: int = None
    target_height: int = None
    # Neo alone asks it.
    is_video: bool = False


class PostprocessedImage:
    """One picture on its way through the scripts."""

    def __init__(self, image):
        self.image = image
        self.info = {}
        self.shared = PostprocessedImageSharedInfo()
        self.extra_images = []
        self.nametags = []
        self.disable_processing = False
        self.caption = None

    def get_suffix(self, used_suffixes=None):
        """-tag-tag, with a number when that was given out already."""
        used = {} if used_suffixes is None else used_suffixes
        suffix = "".join(f"-{tag}" for tag in self.nametags)
        for candidate in [suffix, *(f"{suffix}-{number}" for number in range(1, 100))]:
            if candidate not in used:
                used[candidate] = 1
                return candidate
        return suffix

    def create_copy(self, new_image, *, nametags=None, disable_processing=False):
        copy = PostprocessedImage(new_image)
        copy.shared = self.shared
        copy.nametags = self.nametags + (nametags or [])
        copy.info = self.info.copy()
        copy.disable_processing = disable_processing
        return copy


class ScriptPostprocessing:
    """Base: `ui` returns a dict of names and components, `process` gets their values by name."""

    filename = None
    controls = None
    args_from = None
    args_to = None
    order = 1000
    name = None
    group = None

    def ui(self):
        pass

    def process(self, pp, **args):
        pass

    def process_firstpass(self, pp, **args):
        pass

    def image_changed(self):
        pass


class ScriptPostprocessingRunner:
    def __init__(self):
        self.scripts = None
        self.ui_created = False

    def initialize_scripts(self, scripts_data):
        self.scripts = []
        for data in scripts_data:
            script = data.script_class()
            script.filename = data.path
            self.scripts.append(script)

    def create_script_ui(self, script, inputs):
        """Append the controls; a script whose `ui` raised has None and stops the page here, as in the hosts."""
        script.args_from = len(inputs)
        try:
            script.controls = script.ui()
        except Exception as error:
            errors.display(error, f"calling {script.filename}/ui")
            script.controls = None
        for control in script.controls.values():
            control.custom_script_source = os.path.basename(script.filename)
        inputs += list(script.controls.values())
        script.args_to = len(inputs)

    def scripts_in_preferred_order(self):
        """By the settings' list of names, then by `order`, then by name."""
        if self.scripts is None:
            from modules import scripts

            self.initialize_scripts(scripts.postprocessing_scripts_data)
        names = shared.opts.postprocessing_operation_order
        hidden = shared.opts.postprocessing_disable_in_extras
        ranks = {name: number for number, name in reversed(list(enumerate(names)))}
        shown = [script for script in self.scripts if script.name not in hidden]
        return sorted(shown, key=lambda script: (ranks.get(script.name, len(self.scripts)), script.order, script.name))

    def setup_ui(self):
        inputs = []
        for script in self.scripts_in_preferred_order():
            with gr.Row() as group:
                self.create_script_ui(script, inputs)
            script.group = group
        self.ui_created = True
        return inputs

    def run(self, pp, args):
        """First pass of all scripts, then each script over the picture and the extra pictures made so far."""
        calls = []
        for script in self.scripts_in_preferred_order():
            values = args[script.args_from : script.args_to]
            calls.append((script, dict(zip(script.controls, values))))
        for script, values in calls:
            script.process_firstpass(pp, **values)
        pictures = [pp]
        for script, values in calls:
            if shared.state.skipped:
                break
            shared.state.job = script.name
            for picture in list(pictures):
                if not picture.disable_processing:
                    script.process(picture, **values)
                for extra in picture.extra_images:
                    pictures.append(extra if isinstance(extra, PostprocessedImage) else picture.create_copy(extra))
                picture.extra_images.clear()
        pp.extra_images = pictures[1:]

    def create_args_for_run(self, scripts_args):
        """Positional arguments from names by script; None for every argument that is not named."""
        if not self.ui_created:
            with gr.Blocks(analytics_enabled=False):
                self.setup_ui()
        scripts = self.scripts_in_preferred_order()
        args = [None] * max(script.args_to for script in scripts)
        for script in scripts:
            named = scripts_args.get(script.name, {})
            for number, name in enumerate(script.controls):
                args[script.args_from + number] = named.get(name)
        return args

    def image_changed(self):
        for script in self.scripts_in_preferred_order():
            script.image_changed()


if host_kind.is_sdnext():
    from modules import sdnext_extras

    PostprocessedImage = sdnext_extras.PostprocessedImage
    ScriptPostprocessing = sdnext_extras.ScriptPostprocessing
    ScriptPostprocessingRunner = sdnext_extras.ScriptPostprocessingRunner
