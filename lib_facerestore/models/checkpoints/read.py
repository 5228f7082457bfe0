"""Reads the tensors of a checkpoint without running anything in the file, and writes tensors as safetensors."""

from __future__ import annotations

import pickle
import re
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lib_facerestore.errors import WeightsDamaged, WeightsUnknown
from lib_facerestore.models.checkpoints.containers import DOWNLOAD_AGAIN, recognise, unreadable
from lib_facerestore.models.checkpoints.foreign import foreign_kind
from lib_facerestore.models.devices import own_state
from lib_facerestore.whole_file import sync, whole_file

if TYPE_CHECKING:
    import torch

    StateDict = dict[str, torch.Tensor]

Tensor = TypeVar("Tensor")

# Keys under which training programs put the weights. The averaged ones (EMA) come first, because they are published.
_WRAPPERS = ("params_ema", "params-ema", "params", "state_dict", "model_state_dict", "model", "net")
_DEEPEST_WRAPPING = 4  # a limit, because a hostile table can contain itself
# A pickle is a small program: damage in it can raise nearly any of these. MemoryError: a damaged length is huge.
UNPICKLING_FAILURES = (
    pickle.UnpicklingError,
    RuntimeError,
    EOFError,
    LookupError,
    AttributeError,
    TypeError,
    ValueError,
    ArithmeticError,
    AssertionError,
    ImportError,
    MemoryError,
    struct.error,
)
# The messages of torch 2.1 ("Unsupported class"), 2.4 ("Unsupported global: GLOBAL") and for blocked modules.
_REFUSED = re.compile(r"(?:[Uu]nsupported (?:global: |class |GLOBAL )(?:GLOBAL )?|unrecognized function )([\w.]+)")


@own_state()
def read_checkpoint(path: Path) -> StateDict:
    """Read the tensors by name, on the CPU, each contiguous in memory of its own.

    Wrappers (params_ema, state_dict …) and the prefix `module.` are removed; values that are no tensors are dropped.
    Checkpoints of other programs are refused, and the error says what they are.
    Raises: WeightsMissing, WeightsDamaged, WeightsUnknown.
    """
    try:
        container = recognise(path)
        content = _read_safetensors(path) if container == "safetensors" else _read_torch(path, container == "zip")
    except OSError as error:
        raise unreadable(path, error) from error
    import torch

    return _owned(named_tensors(content, path, torch.Tensor), path)


def save_checkpoint(state: StateDict, path: Path) -> None:
    """Write the tensors as safetensors, whole or not at all.

    Raises: OSError.
    """
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as temporary:
        save_file(state, temporary)
        sync(temporary)


def _read_safetensors(path: Path) -> StateDict:
    """All tensors of a safetensors file. Raises: WeightsDamaged; OSError."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise WeightsDamaged(
            path, f"its header does not fit its data ({error})", "one that does", DOWNLOAD_AGAIN
        ) from error


def _read_torch(path: Path, is_zip: bool) -> object:
    """The content of a checkpoint of torch, read with weights_only, which runs no code of the file.

    Raises: WeightsUnknown where the file holds other objects than weights; WeightsDamaged; OSError.
    """
    try:
        # str, because torch 2.1 maps only files named by one. Neither the old pickle form nor a compressed zip archive
        # can be mapped.
        return _torch_load(path)(str(path), map_location="cpu", weights_only=True, mmap=is_zip and _is_stored(path))
    except UNPICKLING_FAILURES as error:
        refused = _REFUSED.search(str(error))
        if refused is not None:
            raise WeightsUnknown(
                path, f"holds {refused[1]}, which is not weights; it is refused because it could run code."
            ) from error
        raise WeightsDamaged(
            path, f"torch cannot read it ({_reason(error)})", "a whole checkpoint", DOWNLOAD_AGAIN
        ) from error


def _reason(error: Exception) -> str:
    """The reason in torch's message, whose first lines advise to switch weights_only off."""
    lines = str(error).strip().splitlines()
    telling = [line.partition("WeightsUnpickler error: ")[2] for line in lines if "WeightsUnpickler error: " in line]
    return (telling or lines or [type(error).__name__])[0].strip()[:120]


def _is_stored(path: Path) -> bool:
    """Whether no member of a zip archive is compressed."""
    with zipfile.ZipFile(path) as archive:
        return all(item.compress_type == zipfile.ZIP_STORED for item in archive.infolist())


def _torch_load(path: Path) -> Callable[..., Any]:
    """torch's own `load`, also where a host has replaced it; it is recognised by the module in which it is defined.

    A1111 and others replace torch.load by a loader that knows no weights_only and refuses good files.
    Raises: WeightsUnknown where torch's own loader cannot be found any more.
    """
    import torch

    for candidate in (torch.serialization.load, torch.load):
        loader: Any = candidate
        while loader is not None:
            is_torchs = getattr(loader, "__globals__", None) is vars(torch.serialization)
            if is_torchs and loader.__code__.co_name == "load":
                return loader  # type: ignore[no-any-return]
            loader = getattr(loader, "__wrapped__", None)
    raise WeightsUnknown(path, "cannot be read safely, because this program has replaced torch's own loader.")


def named_tensors(content: object, path: Path, kind: type[Tensor]) -> dict[str, Tensor]:
    """The tensors by name from the content of a checkpoint, without its wrappers and the prefix `module.`.

    Tensors may have any shape. kind: their class. path: the file, for errors.
    Raises: WeightsUnknown where there are none, or where their names are those of another program's checkpoint.
    """
    for _ in range(_DEEPEST_WRAPPING):
        if not isinstance(content, Mapping):
            break
        inner = next((content[key] for key in _WRAPPERS if isinstance(content.get(key), Mapping)), None)
        if inner is None:
            break
        content = inner
    if not isinstance(content, Mapping):
        raise WeightsUnknown(path, f"holds a {type(content).__name__}, not tensors with names.")
    state = {key: value for key, value in content.items() if isinstance(key, str) and isinstance(value, kind)}
    if not state:
        seen = tuple(str(key) for key in content)
        raise WeightsUnknown(path, "has no tensors in it.", seen)
    if all(key.startswith("module.") for key in state):
        state = {key.removeprefix("module."): value for key, value in state.items()}
    if what := foreign_kind(state.keys()):  # refused before its gigabytes are copied
        raise WeightsUnknown(path, f"fits no network: it is {what}.")
    return state


def _owned(state: StateDict, path: Path) -> StateDict:
    """Copy tensors so that they share no memory with each other or with the file.

    Raises: WeightsUnknown where one is sparse, quantised, not on the CPU, or claims more numbers than the file has.
    """
    import torch

    owned: StateDict = {}
    for name, tensor in state.items():
        # With a stride of 0 a few bytes in a file claim to be terabytes; no network is saved like that.
        if tensor.layout != torch.strided or tensor.device.type != "cpu" or tensor.is_quantized:
            raise WeightsUnknown(
                path, f"holds {name} as a {tensor.layout} tensor on {tensor.device}, not as plain numbers."
            )
        if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
            raise WeightsUnknown(path, f"holds the tensor {name}, which claims more numbers than the file has.")
        owned[name] = tensor.detach().clone(memory_format=torch.contiguous_format)
    return owned
