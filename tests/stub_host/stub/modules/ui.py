"""The page: its tabs, and the files that it loads."""

from __future__ import annotations

import os

import gradio as gr

from modules import (
    gradio_extensions,  # noqa: F401 - its changes come first
    images,
    infotext_utils,
    script_callbacks,
    scripts,
    shared,
    ui_generation,
    ui_postprocessing,
    ui_settings,
)
from modules.paths_internal import script_path
from modules.ui_common import plaintext_to_html

__all__ = ["create_ui", "install_files_of_page", "plaintext_to_html"]
_original_template_response = gr.routes.templates.TemplateResponse


def _run_pnginfo(image):
    if image is None:
        return "", "", ""
    geninfo, items = images.read_info_from_image(image)
    lines = {**({"parameters": geninfo} if geninfo else {}), **items}
    return (
        "",
        geninfo or "",
        "".join(f"<p><b>{key}</b></p>{plaintext_to_html(str(text))}" for key, text in lines.items()),
    )


def _create_pnginfo():
    with gr.Blocks(analytics_enabled=False) as interface, gr.Row():
        with gr.Column():
            # Without a conversion, so that the texts of the file survive.
            image = gr.Image(label="Source", elem_id="pnginfo_image", interactive=True, type="pil", image_mode="RGBA")
        with gr.Column():
            html = gr.HTML(elem_id="pnginfo_html")
            info = gr.Textbox(visible=False, elem_id="pnginfo_generation_info")
            html2 = gr.HTML(elem_id="pnginfo_html2_info")
            with gr.Row():
                buttons = infotext_utils.create_buttons(["txt2img", "img2img", "inpaint", "extras"])
        for tabname, button in buttons.items():
            infotext_utils.register_paste_params_button(
                infotext_utils.ParamBinding(
                    paste_button=button,
                    tabname=tabname,
                    source_text_component=info,
                    source_image_component=image,
                )
            )
        image.change(fn=_run_pnginfo, inputs=[image], outputs=[html, info, html2])
    return interface


def create_ui():
    """Build everything anew; returns the Blocks that are launched."""
    infotext_utils.reset()
    settings = ui_settings.UiSettings()
    settings.register_settings()
    txt2img_tab = ui_generation.create_txt2img()
    img2img_tab = ui_generation.create_img2img()
    scripts.scripts_current = None
    with gr.Blocks(analytics_enabled=False) as extras_tab:
        ui_postprocessing.create_ui()
    tabs = [
        (txt2img_tab, "txt2img" if not shared.is_forge() else "Txt2img", "txt2img"),
        (img2img_tab, "img2img" if not shared.is_forge() else "Img2img", "img2img"),
        (extras_tab, "Extras", "extras"),
        (_create_pnginfo(), "PNG Info", "pnginfo"),
    ]
    settings_tab = settings.create_ui()
    tabs += script_callbacks.ui_tabs_callback()
    tabs.append((settings_tab, "Settings", "settings"))
    with gr.Blocks(analytics_enabled=False, title="Stable Diffusion") as demo:
        with gr.Tabs(elem_id="tabs"):
            for interface, label, name in tabs:
                with gr.TabItem(label, id=name, elem_id=f"tab_{name}"):
                    interface.render()
        infotext_utils.connect_paste_params_buttons()
        gr.HTML("Stub host", elem_id="footer")
    return demo


def _url(path: str) -> str:
    return f"file={path}?{os.path.getmtime(path)}"


def install_files_of_page() -> None:
    """javascript/*.js, *.mjs and style.css of the host and of the extensions, in their order."""
    head = f'<script type="text/javascript" src="{_url(os.path.join(script_path, "script.js"))}"></script>\n'
    for extension, kind in ((".js", "text/javascript"), (".mjs", "module")):
        for file in scripts.list_scripts("javascript", extension):
            head += f'<script type="{kind}" src="{_url(file.path)}"></script>\n'
    styles = "".join(
        f'<link rel="stylesheet" property="stylesheet" href="{_url(path)}">\n'
        for path in scripts.list_files_with_name("style.css")
    )

    def response(*args, **kwargs):
        answer = _original_template_response(*args, **kwargs)
        answer.body = answer.body.replace(b"</head>", f"{head}</head>".encode())
        answer.body = answer.body.replace(b"</body>", f"{styles}</body>".encode())
        answer.init_headers()
        return answer

    gr.routes.templates.TemplateResponse = response
