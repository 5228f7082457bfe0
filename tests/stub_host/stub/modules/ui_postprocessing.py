"""The Extras tab."""

from __future__ import annotations

import gradio as gr

from modules import call_queue, host_kind, infotext_utils, postprocessing, scripts, shared, ui_common


def create_ui() -> None:
    """Source, scripts, Generate, results."""
    task = gr.Textbox(visible=False, elem_id="extras_task")
    # The number of the tab comes from javascript on A1111 and from an event on Forge; here from an event on both.
    tab_index = gr.State(value=0)
    with gr.Row():
        with gr.Column():
            with gr.Tabs(elem_id="mode_extras"):
                with gr.TabItem("Single Image", id="single_image", elem_id="extras_single_tab") as single:
                    # type="pil" gives 8 bits; RGBA also for a source without alpha.
                    extras_image = gr.Image(
                        label="Source", interactive=True, type="pil", elem_id="extras_image", image_mode="RGBA"
                    )
                with gr.TabItem("Batch Process", id="batch_process", elem_id="extras_batch_process_tab") as batch:
                    image_batch = gr.Files(label="Batch Process", interactive=True, elem_id="extras_image_batch")
                with gr.TabItem(
                    "Batch from Directory", id="batch_from_directory", elem_id="extras_batch_directory_tab"
                ) as folder:
                    input_dir = gr.Textbox(label="Input directory", elem_id="extras_batch_input_dir")
                    output_dir = gr.Textbox(label="Output directory", elem_id="extras_batch_output_dir")
                    show = gr.Checkbox(label="Show result images", value=True, elem_id="extras_show_extras_results")
            takes_video = host_kind.kind in ("neo", "sdnext")
            video = [gr.Textbox(visible=False, label="Video", elem_id="extras_video")] if takes_video else []
            submit = gr.Button("Generate", variant="primary", elem_id="extras_generate")
            interrupt = gr.Button("Interrupt", elem_id="extras_interrupt")
            script_inputs = scripts.scripts_postproc.setup_ui()
        with gr.Column():
            panel = ui_common.create_output_panel("extras", shared.opts.outdir_extras_samples)
    for number, tab in enumerate((single, batch, folder)):
        tab.select(fn=lambda number=number: number, inputs=[], outputs=[tab_index])
    interrupt.click(fn=shared.state.interrupt, inputs=[], outputs=[])
    submit.click(
        fn=call_queue.wrap_gradio_gpu_call(postprocessing.run_postprocessing_webui, extra_outputs=[None, ""]),
        _js="submit_extras",
        inputs=[task, tab_index, extras_image, image_batch, input_dir, output_dir, show, *video, *script_inputs],
        outputs=[panel.gallery, panel.generation_info, panel.html_log],
        show_progress=False,
    )
    infotext_utils.add_paste_fields("extras", extras_image, None)
    extras_image.change(fn=scripts.scripts_postproc.image_changed, inputs=[], outputs=[])


__all__ = ["create_ui", "host_kind"]
