"""Components that extensions import from the host."""

from __future__ import annotations

from functools import wraps

import gradio as gr

from modules import (
    gradio_extensions,  # noqa: F401 - its changes come first
    host_kind,
)


class FormComponent:
    """Marks components of forms."""

    webui_do_not_create_gradio_pyi_thank_you = True

    def get_expected_parent(self):
        return getattr(gr.components, "Form", None)


gr.Dropdown.get_expected_parent = FormComponent.get_expected_parent


class ToolButton(gr.Button, FormComponent):
    """A small button with one character."""

    # gradio 4 tells the page the arguments that inspect.signature names, so every constructor shows its parent's.
    @wraps(gr.Button.__init__)
    def __init__(self, value="", *args, elem_classes=None, **kwargs):
        super().__init__(value, *args, elem_classes=["tool", *(elem_classes or [])], **kwargs)

    def get_block_name(self):
        return "button"


class FormRow(gr.Row, FormComponent):
    def get_block_name(self):
        return "row"


class FormColumn(gr.Column, FormComponent):
    def get_block_name(self):
        return "column"


class FormGroup(gr.Group, FormComponent):
    def get_block_name(self):
        return "group"


class FormHTML(gr.HTML, FormComponent):
    def get_block_name(self):
        return "html"


class ResizeHandleRow(gr.Row):
    webui_do_not_create_gradio_pyi_thank_you = True

    def get_block_name(self):
        return "row"


class DropdownMulti(gr.Dropdown, FormComponent):
    @wraps(gr.Dropdown.__init__)
    def __init__(self, **kwargs):
        super().__init__(multiselect=True, **kwargs)

    def get_block_name(self):
        return "dropdown"


class InputAccordionImpl(gr.Checkbox):
    """A hidden checkbox `<id>-checkbox` and an accordion `<id>` that javascript keeps together."""

    webui_do_not_create_gradio_pyi_thank_you = True
    made = 0

    @wraps(gr.Checkbox.__init__)
    def __init__(self, value=None, setup=False, **kwargs):
        if not setup:
            super().__init__(value=value, **kwargs)
            return
        self.accordion_id = kwargs.get("elem_id")
        if self.accordion_id is None:
            self.accordion_id = f"input-accordion-{InputAccordionImpl.made}"
            InputAccordionImpl.made += 1
        super().__init__(value=value, **{**kwargs, "elem_id": f"{self.accordion_id}-checkbox", "visible": False})
        follow = f'function(checked){{ inputAccordionChecked("{self.accordion_id}", checked); }}'
        self.change(fn=None, _js=follow, inputs=[self])
        for_accordion = {
            **kwargs,
            "elem_id": self.accordion_id,
            "label": kwargs.get("label", "Accordion"),
            "elem_classes": ["input-accordion"],
            "open": value,
        }
        self.accordion = gr.Accordion(**for_accordion)

    def extra(self):
        """A column inside the accordion's title."""
        return gr.Column(elem_id=f"{self.accordion_id}-extra", elem_classes="input-accordion-extra", min_width=0)

    def __enter__(self):
        self.accordion.__enter__()
        return self

    def __exit__(self, *exc):
        self.accordion.__exit__(*exc)

    def get_block_name(self):
        return "checkbox"


def _forge_input_accordion(value=None, **kwargs):
    """On Forge this is a function."""
    return InputAccordionImpl(value=value, setup=True, **kwargs)


class _A1111InputAccordion(InputAccordionImpl):
    """On A1111 this is a class."""

    def __init__(self, value, **kwargs):
        super().__init__(value, setup=True, **kwargs)


_A1111InputAccordion.__name__ = "InputAccordion"
InputAccordion = _forge_input_accordion if host_kind.is_forge() else _A1111InputAccordion
