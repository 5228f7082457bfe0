"""Recognises the form of a checkpoint from its bytes, and refuses other files before a reader opens them."""

from __future__ import annotations

import json
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import Literal

from lib_facerestore.errors import WeightsDamaged, WeightsMissing, WeightsUnknown
from lib_facerestore.models.checkpoints.hashes import plain_bytes

Container = Literal["safetensors", "zip", "pickle"]

PICKLE_SUFFIXES = (".pth", ".pt", ".ckpt", ".bin")
SUFFIXES = (".safetensors", *PICKLE_SUFFIXES)
# Networks of other programs, which users keep in the same folders.
_OTHER_PROGRAMS = {".param": "the description of an ncnn network"}
# Networks that a runtime of their own runs; `models.onnx_models` checks them.
_ONNX_SUFFIX = ".onnx"
DOWNLOAD_AGAIN = "Delete the file and download it again."
# A network of 3,000 tensors has a header of 400 kB; the format itself would allow 100 MB.
_LONGEST_HEADER_BYTES = 16 << 20
_HEAD_BYTES = 512


def recognise(path: Path) -> Container:
    """The form of a checkpoint as `form_of` tells it; every checksum of a zip archive is compared too.

    Raises: WeightsMissing, WeightsDamaged, WeightsUnknown.
    """
    container = form_of(path)
    if container == "zip":
        _check_zip(path, reads_all=True)
    return container


def form_of(path: Path) -> Container:
    """The form of a checkpoint, told from its first bytes; no weights are read, and the suffix alone decides nothing.

    Raises: WeightsMissing, WeightsDamaged, WeightsUnknown.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise WeightsUnknown(path, f"is no checkpoint: its name must end in {', '.join(SUFFIXES)}.")
    head = first_bytes(path)
    refuse_no_weights(path, head)
    if head[:4] == b"PK\x03\x04":
        _check_zip(path, reads_all=False)
        return "zip"
    if path.suffix.lower() == ".safetensors" or head[8:9] == b"{":
        safetensors_header(path)
        return "safetensors"
    # Checked before pickles: up to torch 2.5 weights_only does not protect from tar archives (CVE-2025-32434).
    if _is_tar(path):
        raise WeightsUnknown(path, "is a tar archive, a form of checkpoint that torch cannot read safely.")
    if head[:1] == b"\x80":
        return "pickle"
    raise WeightsDamaged(
        path, f"it begins with the bytes {head[:8].hex(' ')}", "a zip archive or a pickle", DOWNLOAD_AGAIN
    )


def is_listed(path: Path) -> bool:
    """Whether a file counts as weights: by its suffix; a .bin, which many programs write, by its bytes too."""
    suffix = path.suffix.lower()
    return suffix in (*SUFFIXES, _ONNX_SUFFIX) and (suffix != ".bin" or _may_be_torchs(path))


def refusal(path: Path) -> WeightsUnknown | None:
    """The reason why a network of another program is not used; None for checkpoints and for all other files."""
    suffix = path.suffix.lower()
    if suffix in _OTHER_PROGRAMS:
        problem = f"is {_OTHER_PROGRAMS[suffix]}, which is not run here; use the network's .pth or .safetensors file."
        return WeightsUnknown(path, problem)
    if suffix == ".bin" and not _may_be_torchs(path):
        problem = "is no checkpoint of torch, and .bin files of other programs (ncnn, OpenVINO) are not run here; "
        return WeightsUnknown(path, f"{problem}use the network's .pth or .safetensors file.")
    return None


def _may_be_torchs(path: Path) -> bool:
    """Whether a file begins as torch or safetensors write it; True where it cannot be read, which reading reports."""
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
    except OSError:
        return True
    return head.startswith((b"PK\x03\x04", b"\x80")) or head[8:9] == b"{"


def first_bytes(path: Path) -> bytes:
    """The first 512 bytes of a file.

    Raises: WeightsUnknown for what is no ordinary file; WeightsMissing; WeightsDamaged.
    """
    if path.is_dir():
        raise WeightsUnknown(path, "is a folder, not a file of weights.")
    try:
        if not path.is_file() and path.exists():
            raise WeightsUnknown(path, "is a device or a pipe, not a file of weights.")
        with path.open("rb") as stream:
            return stream.read(_HEAD_BYTES)
    except FileNotFoundError as error:
        raise WeightsMissing(path.name, f"There is no file {path}.", (path.parent,)) from error
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: OSError) -> WeightsDamaged:
    """Make the error for a file that the system refuses to read."""
    found = f"it cannot be read ({error.strerror or error})"
    return WeightsDamaged(path, found, "a readable file", "Check its permissions and its disk.")


def refuse_no_weights(path: Path, head: bytes) -> None:
    """Refuse empty files, web pages, Git LFS pointers and zeros, by their first bytes. Raises: WeightsDamaged."""
    if not head:
        raise WeightsDamaged(path, "it is empty (0 bytes)", "a checkpoint", DOWNLOAD_AGAIN)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype", b"<html", b"<head", b"<?xml", b"<!--")):
        raise WeightsDamaged(path, "it is a web page", "a checkpoint", f"{DOWNLOAD_AGAIN} Use the file's own address.")
    if text.startswith(b"version https://git-lfs"):
        raise WeightsDamaged(path, "it is a Git LFS pointer", "the file itself", "Run git lfs pull.")
    if not any(head):
        raise WeightsDamaged(path, f"its first {len(head)} bytes are zeros", "a checkpoint", DOWNLOAD_AGAIN)


def _check_zip(path: Path, reads_all: bool) -> None:
    """Refuse zip archives that are cut short or hold a program; with reads_all also those with a wrong checksum.

    torch compares no checksums, so a hole left by a broken download would be loaded as zeros.
    Raises: WeightsDamaged, WeightsUnknown.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.rpartition("/")[2] for name in archive.namelist()}
            if not {item.compress_type for item in archive.infolist()} <= {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
                raise WeightsUnknown(path, "is a zip archive in a compression that torch does not read.")
            damaged = archive.testzip() if reads_all else None
    except zipfile.BadZipFile as error:
        found = f"its {plain_bytes(path.stat().st_size)} are no whole zip archive ({error})"
        raise WeightsDamaged(path, found, "a whole one", DOWNLOAD_AGAIN) from error
    except (EOFError, zlib.error, NotImplementedError, RuntimeError, ValueError, struct.error) as error:
        raise WeightsDamaged(
            path, f"its zip archive cannot be read ({error})", "a whole one", DOWNLOAD_AGAIN
        ) from error
    except OSError as error:
        raise unreadable(path, error) from error
    if damaged is not None:
        raise WeightsDamaged(path, f"its record {damaged} has a wrong checksum", "the right one", DOWNLOAD_AGAIN)
    if "constants.pkl" in names:
        raise WeightsUnknown(path, "is a TorchScript program; programs are not run, only weights are read.")
    if "data.pkl" not in names:
        raise WeightsUnknown(path, "is a zip archive without a checkpoint in it.")


def safetensors_header(path: Path) -> dict[str, object]:
    """Read the header of a safetensors file: one entry for each tensor by its name, and "__metadata__" if present.

    The length that the header implies is compared with the file's. The tensors are not checked.
    Raises: WeightsDamaged; OSError.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        first = stream.read(8)
        length = int.from_bytes(first, "little")
        if len(first) < 8 or length > size - 8:
            found = f"it has {plain_bytes(size)}, its header alone would be {plain_bytes(length)}"
            raise WeightsDamaged(path, found, "a whole safetensors file", DOWNLOAD_AGAIN)
        if length > _LONGEST_HEADER_BYTES:
            found = f"its header has {plain_bytes(length)}"
            raise WeightsDamaged(path, found, f"at most {plain_bytes(_LONGEST_HEADER_BYTES)}", DOWNLOAD_AGAIN)
        raw = stream.read(length)
    header, end = _header_and_end(path, raw)
    if end != size - 8 - length:
        found = f"it has {plain_bytes(size)}"
        raise WeightsDamaged(path, found, f"{plain_bytes(end + 8 + length)} as its header says", DOWNLOAD_AGAIN)
    return header


def _header_and_end(path: Path, raw: bytes) -> tuple[dict[str, object], int]:
    """The entries of a safetensors header, and how many bytes of tensors they describe. Raises: WeightsDamaged."""
    try:
        header = json.loads(raw)
        ends = (row["data_offsets"][1] + 0 for key, row in header.items() if key != "__metadata__")
        return header, max(ends, default=0)
    except (ValueError, RecursionError, KeyError, IndexError, TypeError, AttributeError) as error:
        problem = f"its safetensors header is not valid ({type(error).__name__})"
        raise WeightsDamaged(path, problem, "a table of tensors", DOWNLOAD_AGAIN) from error


def _is_tar(path: Path) -> bool:
    """Whether a file is a tar archive."""
    try:
        with tarfile.open(path, "r:"):
            return True
    except (tarfile.TarError, OSError):
        return False
