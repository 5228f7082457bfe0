"""The results panel that txt2img, img2img and Extras share."""

from __future__ import annotations

import html
import json
import os
import zipfile
from dataclasses import dataclass

import gradio as gr

from modules import call_queue, host_kind, images, infotext_utils, scripts, shared
from modules.ui_components import ToolButton


def plaintext_to_html(text, classname=None):
    """Escaped, with line breaks."""
    said = "<br>\n".join(html.escape(line) for line in (text or "").split("\n"))
    return f"<p class='{classname}'>{said}</p>" if classname else f"<p>{said}</p>"


@dataclass
class OutputPanel:
    gallery: gr.Gallery = None
    generation_info: object = None
    infotext: gr.HTML = None
    html_log: gr.HTML = None


def update_generation_info(generation_info, html_info, index):
    """The text of the selected picture; a picture without one keeps the last."""
    try:
        texts = json.loads(generation_info)["infotexts"]
        if 0 <= index < len(texts):
            return plaintext_to_html(texts[index]), gr.update()
    except Exception:
        pass
    return html_info, gr.update()


def save_files(js_data, gallery, do_make_zip, index):
    """Save the selected picture, or all, under their own seeds and texts. IndexError beyond the texts."""
    data = json.loads(js_data)
    chosen = [index] if index > -1 else range(data["index_of_first_image"], len(gallery))
    os.makedirs(shared.opts.outdir_save, exist_ok=True)
    names = []
    for number in chosen:
        params = infotext_utils.parse_generation_parameters(data["infotexts"][number], [])
        image = infotext_utils.image_from_url_text(gallery[number])
        name, _ = images.save_image(
            image,
            shared.opts.outdir_save,
            "",
            seed=params.get("Seed"),
            prompt=params["Prompt"],
            extension=shared.opts.samples_format,
            info=data["infotexts"][number],
            save_to_dirs=False,
        )
        names.append(name)
    if do_make_zip:
        archive = os.path.join(shared.opts.outdir_save, "images.zip")
        with zipfile.ZipFile(archive, "w") as file:
            for name in names:
                file.write(name, os.path.basename(name))
        names.insert(0, archive)
    return gr.update(value=names, visible=True), plaintext_to_html(f"Saved: {os.path.basename(names[0])}")


def create_output_panel(tabname: str, outdir: str) -> OutputPanel:
    """Gallery, buttons, texts. The gallery is made before the buttons that send its picture."""
    panel = OutputPanel()
    with gr.Column(elem_id=f"{tabname}_results"):
        with gr.Group(elem_id=f"{tabname}_gallery_container"):
            on_forge = {"interactive": False, "type": "pil", "object_fit": "contain"} if host_kind.GRADIO >= 4 else {}
            panel.gallery = gr.Gallery(
                label="Output", show_label=False, elem_id=f"{tabname}_gallery", columns=4, preview=True, **on_forge
            )
        with gr.Row(elem_id=f"image_buttons_{tabname}", elem_classes="image-buttons"):
            save = save_zip = None
            if tabname != "extras":
                save = ToolButton("💾", elem_id=f"save_{tabname}")
                save_zip = ToolButton("🗃️", elem_id=f"save_zip_{tabname}")
            buttons = {
                "img2img": ToolButton("🖼️", elem_id=f"{tabname}_send_to_img2img"),
                "inpaint": ToolButton("🎨️", elem_id=f"{tabname}_send_to_inpaint"),
                "extras": ToolButton(
                    "📐", elem_id="extras_tab" if host_kind.is_sdnext() else f"{tabname}_send_to_extras"
                ),
            }
        if tabname == "extras":
            panel.generation_info = gr.HTML(elem_id="html_info_x_extras")
            panel.infotext = gr.HTML(elem_id="html_info_extras", elem_classes="infotext")
            panel.html_log = gr.HTML(elem_id="html_log_extras")
        else:
            _texts(panel, tabname, save, save_zip)
    names = []
    if tabname != "extras":
        names = getattr(scripts, f"scripts_{tabname}").paste_field_names
    for target, button in buttons.items():
        infotext_utils.register_paste_params_button(
            infotext_utils.ParamBinding(
                paste_button=button,
                tabname=target,
                source_tabname="txt2img" if tabname == "txt2img" else None,
                source_image_component=panel.gallery,
                paste_field_names=names,
            )
        )
    return panel


def _texts(panel: OutputPanel, tabname: str, save, save_zip) -> None:
    files = gr.File(None, file_count="multiple", interactive=False, visible=False, elem_id=f"download_files_{tabname}")
    panel.infotext = gr.HTML(elem_id=f"html_info_{tabname}", elem_classes="infotext")
    panel.html_log = gr.HTML(elem_id=f"html_log_{tabname}", elem_classes="html-log")
    panel.generation_info = gr.Textbox(visible=False, elem_id=f"generation_info_{tabname}")
    select = gr.Button(visible=False, elem_id=f"{tabname}_generation_info_button")
    # The number box takes the index from javascript; the hosts hand over any component here.
    index = gr.Number(-1, visible=False, precision=0, elem_id=f"{tabname}_selected_index")
    zipped = gr.Checkbox(False, visible=False, elem_id=f"{tabname}_is_zip")
    select.click(
        fn=update_generation_info,
        _js="function(x, y, z){ return [x, y, selected_gallery_index()] }",
        inputs=[panel.generation_info, panel.infotext, index],
        outputs=[panel.infotext, panel.infotext],
        show_progress=False,
    )
    for button, as_zip in ((save, "false"), (save_zip, "true")):
        button.click(
            fn=call_queue.wrap_gradio_call_no_job(save_files),
            _js=f"(x, y, z, w) => [x, y, {as_zip}, selected_gallery_index()]",
            inputs=[panel.generation_info, panel.gallery, zipped, index],
            outputs=[files, panel.html_log],
            show_progress=False,
        )
