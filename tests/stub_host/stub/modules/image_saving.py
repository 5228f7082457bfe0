"""Writes pictures with their infotext under the names that the settings ask for."""

from __future__ import annotations

import datetime
import os
import re

from PIL import Image, PngImagePlugin

from modules import host_kind, image_info, script_callbacks, shared

_TOKEN = re.compile(r"\[([^\]\[]*)\]")
_FORBIDDEN = str.maketrans(dict.fromkeys('#<>:"/\\|?*\n\r\t', "_"))


class FilenameGenerator:
    """[tokens] of file and folder names."""

    def __init__(self, p, seed, prompt, image, zip=False, basename=""):
        self.p = p
        self.seed = seed
        self.prompt = prompt
        self.image = image
        self.basename = basename

    def _value(self, token: str) -> object:
        words = re.findall(r"\w+", self.prompt or "")
        number = 1
        if self.p is not None:
            number = getattr(self.p, "iteration", 0) * self.p.batch_size + getattr(self.p, "batch_index", 0) + 1
        known = {
            "seed": "" if self.seed is None else self.seed,
            "date": datetime.datetime.now().strftime("%Y-%m-%d"),
            "datetime": datetime.datetime.now().strftime("%Y%m%d%H%M%S"),
            "width": self.image.width,
            "height": self.image.height,
            "prompt": (self.prompt or "")[:120],
            "prompt_spaces": (self.prompt or "")[:120],
            "prompt_no_styles": (self.prompt or "")[:120],
            "prompt_words": " ".join(words[:8]),
            "steps": getattr(self.p, "steps", ""),
            "cfg": getattr(self.p, "cfg_scale", ""),
            "sampler": getattr(self.p, "sampler_name", ""),
            "batch_number": getattr(self.p, "batch_index", 0) + 1,
            "generation_number": number,
            "model_name": "noise",
        }
        return known.get(token, f"[{token}]")

    def apply(self, pattern: str) -> str:
        """The pattern with values; what a file name must not hold becomes an underscore."""
        return _TOKEN.sub(lambda found: str(self._value(found[1])).translate(_FORBIDDEN), pattern)


def get_next_sequence_number(path: str, basename: str) -> int:
    """One more than the largest number that a file of the folder starts with, after the basename."""
    prefix = f"{basename}-" if basename else ""
    highest = -1
    for name in os.listdir(path):
        if name.startswith(prefix):
            first = os.path.splitext(name[len(prefix) :])[0].split("-")[0]
            if first.isdecimal():
                highest = max(highest, int(first))
    return highest + 1


def save_image_with_geninfo(
    image, geninfo, filename, extension=None, existing_pnginfo=None, pnginfo_section_name="parameters"
):
    """Write one file: PNG with all texts, JPEG and WebP with the infotext alone."""
    opts = shared.opts
    extension = (extension or os.path.splitext(filename)[1]).lower()
    kind = Image.registered_extensions()[extension]
    if extension == ".png":
        texts = None
        if opts.enable_pnginfo:
            existing_pnginfo = existing_pnginfo or {}
            existing_pnginfo[pnginfo_section_name] = geninfo
            texts = PngImagePlugin.PngInfo()
            for key, value in existing_pnginfo.items():
                texts.add_text(key, str(value))
        image.save(filename, format=kind, quality=opts.jpeg_quality, pnginfo=texts)
        return
    extra = {"lossless": opts.webp_lossless} if extension == ".webp" else {}
    if opts.enable_pnginfo and geninfo is not None:
        extra["exif"] = image_info.exif_with(geninfo)
    image.convert("RGB").save(filename, format=kind, quality=opts.jpeg_quality, **extra)


def _decoration(namegen, p, seed, short_filename, suffix) -> str:
    opts = shared.opts
    if short_filename or seed is None:
        return suffix
    default = "[seed]" if opts.save_to_dirs else "[seed]-[prompt_spaces]"
    pattern = None
    if host_kind.is_forge() and hasattr(p, "override_settings"):
        pattern = (p.override_settings or {}).get("samples_filename_pattern")
    return namegen.apply(pattern or opts.samples_filename_pattern or default) + suffix


def _full_name(path, basename, decoration, extension, forced_filename) -> str:
    if forced_filename is not None:
        return os.path.join(path, f"{forced_filename}.{extension}")
    if not (shared.opts.save_images_add_number or decoration == ""):
        return os.path.join(path, f"{decoration}.{extension}")
    decoration = f"-{decoration}" if decoration else ""
    number = get_next_sequence_number(path, basename)
    while True:
        start = f"{number:05}" if not basename else f"{basename}-{number:04}"
        name = os.path.join(path, f"{start}{decoration}.{extension}")
        if not os.path.exists(name):
            return name
        number += 1


def save_image(
    image,
    path,
    basename,
    seed=None,
    prompt=None,
    extension="png",
    info=None,
    short_filename=False,
    no_prompt=False,
    grid=False,
    pnginfo_section_name="parameters",
    p=None,
    existing_info=None,
    forced_filename=None,
    suffix="",
    save_to_dirs=None,
):
    """Save under a made-up or forced name; returns (file, text file or None) and sets image.already_saved_as.

    A1111 keeps the name without the number suffix there, Forge the true one.
    """
    opts = shared.opts
    namegen = FilenameGenerator(p, seed, prompt, image, basename=basename)
    if save_to_dirs is None:
        save_to_dirs = opts.grid_save_to_dirs if grid else opts.save_to_dirs and not no_prompt
    if save_to_dirs:
        path = os.path.join(path, namegen.apply(opts.directories_filename_pattern or "[prompt_words]").strip())
    os.makedirs(path, exist_ok=True)
    decoration = _decoration(namegen, p, seed, short_filename, suffix)
    full_name = _full_name(path, basename, decoration, extension, forced_filename)
    texts = existing_info or {}
    if info is not None:
        texts[pnginfo_section_name] = info
    params = script_callbacks.ImageSaveParams(image, p, full_name, texts)
    script_callbacks.before_image_saved_callback(params)
    image, full_name, texts = params.image, params.filename, params.pnginfo
    info = texts.get(pnginfo_section_name)
    if _wants_hidden(full_name, texts):
        image_info.hide(image, texts["parameters"])
    stem, dot_extension = os.path.splitext(full_name)
    if hasattr(os, "statvfs"):  # the longest name of the file system, held against the whole path
        stem = stem[: os.statvfs(path).f_namemax - max(4, len(dot_extension))]
        full_name = params.filename = stem + dot_extension
    save_image_with_geninfo(image, info, f"{stem}.tmp", dot_extension, texts, pnginfo_section_name)
    true_name, number = full_name, 0
    while opts.save_images_replace_action not in ("Replace", "Override") and os.path.exists(true_name):
        number += 1
        true_name = f"{stem}-{number}{dot_extension}"
    os.replace(f"{stem}.tmp", true_name)
    if host_kind.is_forge():
        full_name = params.filename = true_name
    image.already_saved_as = full_name
    text_name = None
    if opts.save_txt and info is not None:
        text_name = f"{os.path.splitext(full_name)[0]}.txt"
        with open(text_name, "w", encoding="utf8") as file:
            file.write(f"{info}\n")
    script_callbacks.image_saved_callback(params)
    return full_name, text_name


def _wants_hidden(filename: str, texts: dict) -> bool:
    if not host_kind.hides_text() or not shared.opts.enable_pnginfo:
        return False
    wanted = shared.opts.data.get("stealth_pnginfo_option", "Alpha")
    return wanted == "Alpha" and filename.endswith(".png") and "parameters" in texts


def save_image_of_sdnext(
    image,
    path=None,
    basename="",
    seed=None,
    prompt=None,
    extension="jpg",
    info=None,
    grid=False,
    pnginfo_section_name="parameters",
    p=None,
    existing_info=None,
    forced_filename=None,
    suffix="",
    save_to_dirs=None,
):
    """SD.Next's: fewer words, a number before forced names too, a job of its own; returns (file, text file, text).

    save_to_dirs is the name of a folder; False means nothing, and then the settings decide.
    """
    opts = shared.opts
    namegen = FilenameGenerator(p, seed, prompt, image, basename=basename)
    if isinstance(save_to_dirs, str) and save_to_dirs:
        path = os.path.join(path, save_to_dirs)
    elif opts.save_to_dirs:
        path = os.path.join(path, namegen.apply(opts.directories_filename_pattern or "[prompt_words]"))
    stem = f"{forced_filename if forced_filename is not None else namegen.apply('[seed]')}{suffix}"
    os.makedirs(path, exist_ok=True)
    if opts.save_images_add_number:
        stem = f"{get_next_sequence_number(path, ''):05}-{stem}"
    full_name = os.path.normpath(os.path.join(path, f"{stem}.{extension}"))
    texts = existing_info or {}
    texts[pnginfo_section_name] = image.info.get(pnginfo_section_name, "") if info is None else info
    params = script_callbacks.ImageSaveParams(image, p, full_name, texts)
    script_callbacks.before_image_saved_callback(params)
    job = shared.state.begin("Save image")
    text = params.pnginfo.get(pnginfo_section_name, "")
    save_image_with_geninfo(params.image, text, params.filename, None, params.pnginfo, pnginfo_section_name)
    shared.state.end(job)
    if not hasattr(params.image, "already_saved_as"):
        params.image.already_saved_as = params.filename
    script_callbacks.image_saved_callback(params)
    return params.filename, None, text


if host_kind.is_sdnext():
    save_image = save_image_of_sdnext
