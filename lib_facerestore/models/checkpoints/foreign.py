"""Recognises checkpoints of other programs by the names of their weights, so that an error can say what a file is."""

from __future__ import annotations

from collections.abc import Collection

_LORA_PARTS = ("lora_down.", "lora_up.", "lora_A.", "lora_B.", "lora.down.", "lora.up.", "hada_w", "lokr_w")
# (what it is, beginnings of names of which one must be there). Names: the programs' own files.
_BEGINNINGS = (
    ("a checkpoint of Stable Diffusion", ("model.diffusion_model.",)),
    ("a ControlNet", ("control_model.", "controlnet_cond_embedding.", "controlnet_blocks.", "input_hint_block.")),
    ("an IP-Adapter", ("ip_adapter.", "image_proj.")),
    ("a VAE", ("first_stage_model.",)),
    (
        "an encoder of texts or pictures",
        ("text_model.", "transformer.text_model.", "cond_stage_model.", "conditioner.embedders.", "vision_model."),
    ),
    ("a text encoder", ("encoder.block.0.layer.0.SelfAttention.", "transformer.resblocks.")),
)
# (what it is, names that must all be there).
_ALL_OF = (
    ("a diffusion model", ("time_embedding.linear_1.weight", "conv_in.weight", "conv_out.weight")),
    ("a diffusion model", ("time_embed.0.weight", "input_blocks.0.0.weight")),
    ("a diffusion model", ("double_blocks.0.img_attn.qkv.weight",)),
    ("a diffusion model", ("joint_blocks.0.x_block.attn.qkv.weight",)),
    ("a VAE", ("encoder.conv_in.weight", "decoder.conv_in.weight", "encoder.conv_out.weight")),
    ("an embedding of textual inversion", ("emb_params",)),
    ("an embedding of textual inversion", ("clip_l", "clip_g")),
)


def foreign_kind(names: Collection[str]) -> str:
    """The kind of checkpoint that has weights of these names, with its article: "a VAE".

    The result is "" where the names may belong to a network for pictures.
    """
    if any(part in name for name in names for part in _LORA_PARTS):
        return "a LoRA, which changes a diffusion model"
    if any(name.startswith("quantize.") for name in names):
        return ""  # RestoreFormer is built like a VAE, around a table of codes
    for what, beginnings in _BEGINNINGS:
        if any(name.startswith(beginnings) for name in names):
            return what
    return next((what for what, needed in _ALL_OF if all(name in names for name in needed)), "")
