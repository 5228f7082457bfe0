"""JPEG 2000 and AVIF of more than 8 bits through imagecodecs; what Pillow cannot do right is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lib_facerestore.engine.pixels.colours import Decoded, full_range
from lib_facerestore.engine.pixels.formats import boxes, pnm
from lib_facerestore.engine.pixels.formats.boxes import Avif, Jpeg2000
from lib_facerestore.engine.pixels.formats.quiet import Unreadable

PACKAGE = "the package imagecodecs reads all of them: pip install imagecodecs"


def decode_deep(data: bytes, size_wh: tuple[int, int]) -> Decoded | None:
    """The pixels of a JPEG 2000 or AVIF file that is deeper than Pillow reads; None for all other files.

    size_wh: what Pillow read in the file's header. Raises: Unreadable; what the decoder raises for damaged data.
    """
    if (picture := boxes.jpeg2000_of(data)) is not None:
        return _jpeg2000(data, picture, size_wh)
    if (avif := boxes.avif_of(data)) is not None and avif.bits > 8:
        return _avif(data, avif, size_wh)
    return None


def decode_pnm(data: bytes, header: pnm.PnmHeader) -> Decoded:
    """The pixels of a PNM or PAM file.

    Raises: Unreadable.
    """
    return _from_samples(pnm.samples_of(data, header))


def _jpeg2000(data: bytes, picture: Jpeg2000, size_wh: tuple[int, int]) -> Decoded | None:
    """None for 8 bits, which Pillow reads. Raises: Unreadable."""
    depth = picture.bits[0]
    if depth == 8 or picture.has_palette:
        return None
    samples = _with_imagecodecs(data, "jpeg2k_decode", f"JPEG 2000 of {depth} bits per channel")
    if samples is None:
        raise Unreadable(f"is a JPEG 2000 picture of {depth} bits per channel; {PACKAGE}.")
    samples = samples.reshape(*samples.shape[:2], -1)
    _check(samples, (size_wh[1], size_wh[0], len(picture.bits)), depth)
    notes = () if depth == 16 else (f"{depth} bits per channel were widened to {8 if depth < 8 else 16}.",)
    return _from_samples(full_range(samples, depth), notes)


def refuse_odd(data: bytes) -> None:
    """Say of a JPEG 2000 file why no reader here gives its colours right.

    Raises: Unreadable.
    """
    picture = boxes.jpeg2000_of(data)
    if picture is None:
        return
    bits, count = picture.bits, len(picture.bits)
    if picture.colour_space == boxes.CMYK_INKS or count > 4:
        raise Unreadable(f"is a JPEG 2000 picture with {count} channels that are not RGB; save it as RGB.")
    if picture.is_signed or len(set(bits)) > 1:
        kind = "signed" if picture.is_signed else "differently deep"
        said = f"is a JPEG 2000 picture with {kind} channels ({', '.join(map(str, bits))} bits)"
        raise Unreadable(f"{said}; save it as PNG.")
    if bits[0] > 16:
        raise Unreadable(f"holds {bits[0]}-bit numbers; save it with 16 bits per channel.")
    is_rgb = not picture.is_subsampled and picture.colour_space in (0, boxes.SRGB, boxes.GREY)
    if bits[0] != 8 and not is_rgb:
        raise Unreadable(f"is a JPEG 2000 picture of {bits[0]} bits with subsampled or YCC colours; save it as RGB.")


def _avif(data: bytes, avif: Avif, size_wh: tuple[int, int]) -> Decoded | None:
    """None without imagecodecs: Pillow reads it with 8 bits, which the caller says."""
    samples = _with_imagecodecs(data, "avif_decode", "AVIF")
    if samples is None:
        return None
    if samples.ndim == 4:  # a sequence
        samples = samples[0]
    samples = samples.reshape(*samples.shape[:2], -1)
    _check(samples, (size_wh[1], size_wh[0], samples.shape[2]), avif.bits)
    note = f"{avif.bits} bits per channel were widened to 16."
    return _from_samples(full_range(samples, avif.bits), (note,))


def _with_imagecodecs(data: bytes, decoder: str, what: str) -> NDArray[Any] | None:
    """Samples in the values of the file; None where imagecodecs is not installed.

    Raises: Unreadable for damaged data, whatever the codec raises.
    """
    try:
        import imagecodecs
    except ImportError:
        return None
    try:
        return np.asarray(getattr(imagecodecs, decoder)(data))
    except (RuntimeError, ValueError, OSError, TypeError) as error:
        reason = str(error).splitlines()[0] if str(error) else "no reason given"
        raise Unreadable(f"is damaged: its {what} cannot be decoded ({reason}).") from error


def _check(samples: NDArray[Any], shape: tuple[int, int, int], depth: int) -> None:
    """Raises: Unreadable where the decoder gave something else than the header says."""
    kind = np.uint8 if depth <= 8 else np.uint16
    if samples.shape != shape or samples.dtype != kind or int(samples.max(initial=0)) >> depth:
        found = f"{samples.shape} as {samples.dtype}"
        raise Unreadable(
            f"says {shape[1]}×{shape[0]} px with {shape[2]} channels of {depth} bits, but {found} came out."
        )


def _from_samples(samples: NDArray[Any], notes: tuple[str, ...] = ()) -> Decoded:
    """Grey, grey + alpha, RGB or RGBA of (H, W, 1 to 4)."""
    count = samples.shape[2]
    is_grey = count < 3
    colours = np.ascontiguousarray(samples[..., : 1 if is_grey else 3])
    pixels = np.repeat(colours, 3, axis=2) if is_grey else colours
    alpha = np.ascontiguousarray(samples[..., -1]) if count in (2, 4) else None
    return Decoded(pixels, alpha, is_grey, notes)
