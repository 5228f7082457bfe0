"""The settings of the host that jobs, saving and extensions look at, with the hosts' defaults."""

from __future__ import annotations

import gradio as gr

from modules import host_kind
from modules.options import OptionInfo, options_section

SAVING = ("saving-images", "Saving images/grids", "saving")
RESTORING = ("face-restoration", "Face restoration", "postprocessing")
EXTRAS = ("postprocessing", "Postprocessing", "postprocessing")
PAGE = ("ui", "User interface", "ui")


def _saving() -> dict[str, OptionInfo]:
    formats = {"choices": ["png", "jpg", "webp"]}
    outputs = host_kind.output_folder()
    replacing = ["Override", "Number Suffix"] if host_kind.kind == "neo" else ["Replace", "Add number suffix"]
    return {
        "samples_save": OptionInfo(True, "Always save all generated images"),
        "samples_format": OptionInfo("png", "File format for images", gr.Dropdown, formats),
        "samples_filename_pattern": OptionInfo("", "Images filename pattern"),
        "save_images_add_number": OptionInfo(True, "Add number to filename when saving"),
        "save_images_replace_action": OptionInfo(
            replacing[0], "Saving the image to an existing file", gr.Radio, {"choices": replacing}
        ),
        "grid_save": OptionInfo(True, "Always save all generated image grids"),
        "grid_format": OptionInfo("png", "File format for grids", gr.Dropdown, formats),
        "grid_extended_filename": OptionInfo(False, "Add extended info when saving grid"),
        "grid_only_if_multiple": OptionInfo(True, "Do not save grids consisting of one picture"),
        "grid_prevent_empty_spots": OptionInfo(False, "Prevent empty spots in grid"),
        "grid_background_color": OptionInfo("#ffffff", "Background color for image grids", gr.ColorPicker, {}),
        "img_max_size_mp": OptionInfo(200, "Maximum image size", gr.Number),
        "n_rows": OptionInfo(-1, "Grid row count", gr.Slider, {"minimum": -1, "maximum": 16, "step": 1}),
        "enable_pnginfo": OptionInfo(True, "Write infotext to metadata of the generated image"),
        "save_txt": OptionInfo(False, "Create a text file with infotext next to every generated image"),
        "save_images_before_face_restoration": OptionInfo(False, "Save a copy of image before face restoration"),
        "save_mask": OptionInfo(False, "For inpainting, save a copy of the greyscale mask"),
        "save_mask_composite": OptionInfo(False, "For inpainting, save a masked composite"),
        "jpeg_quality": OptionInfo(80, "Quality for saved jpeg", gr.Slider, {"minimum": 1, "maximum": 100, "step": 1}),
        "webp_lossless": OptionInfo(False, "Use lossless compression for webp images"),
        "use_original_name_batch": OptionInfo(True, "Use original name for output filename during batch process"),
        "save_to_dirs": OptionInfo(True, "Save images to a subdirectory"),
        "grid_save_to_dirs": OptionInfo(True, "Save grids to a subdirectory"),
        "directories_filename_pattern": OptionInfo("[date]", "Directory name pattern"),
        "outdir_samples": OptionInfo("", "Output directory for images"),
        "outdir_grids": OptionInfo("", "Output directory for grids"),
        "outdir_txt2img_samples": OptionInfo(f"{outputs}/txt2img-images", "Output directory for txt2img images"),
        "outdir_img2img_samples": OptionInfo(f"{outputs}/img2img-images", "Output directory for img2img images"),
        "outdir_extras_samples": OptionInfo(f"{outputs}/extras-images", "Output directory for images from extras tab"),
        "outdir_txt2img_grids": OptionInfo(f"{outputs}/txt2img-grids", "Output directory for txt2img grids"),
        "outdir_img2img_grids": OptionInfo(f"{outputs}/img2img-grids", "Output directory for img2img grids"),
        "outdir_save": OptionInfo("log/images", "Directory for saving images using the Save button"),
        "temp_dir": OptionInfo("", "Directory for temporary images; leave empty for default"),
    }


def _face_restorers() -> dict:
    from modules import shared

    return {"choices": [restorer.name() for restorer in shared.face_restorers]}


def _restoring() -> dict[str, OptionInfo]:
    if host_kind.is_sdnext():
        return {}
    return {
        "face_restoration": OptionInfo(False, "Restore faces", infotext="Face restoration"),
        "face_restoration_model": OptionInfo("CodeFormer", "Face restoration model", gr.Radio, _face_restorers),
        "code_former_weight": OptionInfo(
            0.5, "CodeFormer weight", gr.Slider, {"minimum": 0, "maximum": 1, "step": 0.01}
        ),
        "face_restoration_unload": OptionInfo(False, "Move face restoration model from VRAM into RAM after processing"),
    }


def _extras() -> dict[str, OptionInfo]:
    return {
        "postprocessing_enable_in_main_ui": OptionInfo([], "Enable postprocessing operations in txt2img and img2img"),
        "postprocessing_disable_in_extras": OptionInfo([], "Disable postprocessing operations in extras tab"),
        "postprocessing_operation_order": OptionInfo([], "Postprocessing operation order"),
        "upscaler_for_img2img": OptionInfo(None, "Upscaler for img2img"),
        "ESRGAN_tile": OptionInfo(192, "Tile size for ESRGAN upscalers"),
        "ESRGAN_tile_overlap": OptionInfo(8, "Tile overlap for ESRGAN upscalers"),
        "overlay_inpaint": OptionInfo(True, "Overlay original for inpaint"),
        "return_mask": OptionInfo(False, "For inpainting, include the greyscale mask in results for web"),
        "return_mask_composite": OptionInfo(False, "For inpainting, include masked composite in results for web"),
        "img2img_background_color": OptionInfo("#ffffff", "With img2img, fill transparent parts", gr.ColorPicker, {}),
    }


def _page() -> dict[str, OptionInfo]:
    return {
        "return_grid": OptionInfo(True, "Show grid in gallery"),
        "do_not_show_images": OptionInfo(False, "Do not show any images in gallery"),
        "send_seed": OptionInfo(True, "Send seed when sending prompt or image to other interface"),
        "send_size": OptionInfo(True, "Send size when sending prompt or image to another interface"),
        "interrupt_after_current": OptionInfo(True, "Don't Interrupt in the middle"),
        "live_previews_enable": OptionInfo(True, "Show live previews of the created image"),
        "live_previews_image_format": OptionInfo("png", "Live preview file format"),
        "show_progress_every_n_steps": OptionInfo(10, "Live preview display period"),
        "show_progress_grid": OptionInfo(True, "Show previews of all images in a grid"),
        "infotext_skip_pasting": OptionInfo([], "Disregard fields from pasted infotext"),
        "disabled_extensions": OptionInfo([], "Disable these extensions"),
        "CLIP_stop_at_last_layers": OptionInfo(1, "Clip skip", infotext="Clip skip"),
        "tiling": OptionInfo(False, "Tiling", infotext="Tiling"),
        "add_version_to_infotext": OptionInfo(True, "Add program version to infotext"),
        "add_model_name_to_info": OptionInfo(True, "Add model name to infotext"),
    }


def templates() -> dict[str, OptionInfo]:
    """Every setting of the host itself."""
    found: dict[str, OptionInfo] = {}
    for section, options in ((SAVING, _saving()), (RESTORING, _restoring()), (EXTRAS, _extras()), (PAGE, _page())):
        found.update(options_section(section, options))
    if host_kind.hides_text():
        stealth = OptionInfo("Alpha", "Stealth infotext", gr.Radio, {"choices": ["Alpha", "RGB", "None"]})
        found.update(options_section(SAVING, {"stealth_pnginfo_option": stealth}))
    return found
