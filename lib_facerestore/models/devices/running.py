"""A network's call on a device: in torch's fresh state, and with torch's errors turned into ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lib_facerestore.errors import DeviceFailed, InferenceFailed, OutOfMemory
from lib_facerestore.models.devices.rules import rules_for
from lib_facerestore.models.devices.torch_state import own_state

if TYPE_CHECKING:
    import torch

# Parts of the messages with which a plain RuntimeError refuses memory: of CUDA near its limit, Apple's GPU, DirectML,
# the CPU, and Intel's GPU (pytorch#177714).
_REFUSALS = (
    "out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "unable to find an engine",
    "not enough memory",
    "not enough GPU video memory",
    "can't allocate memory",
    "UR_RESULT_ERROR_OUT_OF_DEVICE_MEMORY",
    "UR_RESULT_ERROR_OUT_OF_RESOURCES",
)

_LONGEST_LINE = 200


def errors_of_devices() -> tuple[type[Exception], ...]:
    """The classes of error with which torch says that a device cannot do something.

    RuntimeError has torch's own ones below it, NotImplementedError too, with which MPS refuses an operation; with
    TypeError MPS refuses float64; with AssertionError and DeferredCudaCallError CUDA does not start, and with
    ImportError devices of packages that are missing.
    """
    import torch

    return RuntimeError, TypeError, AssertionError, ImportError, torch.cuda.DeferredCudaCallError


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of torch means that a device refused memory."""
    import torch

    # The class has this name in torch 2.1 too.
    return isinstance(error, torch.cuda.OutOfMemoryError) or any(text in str(error) for text in _REFUSALS)


def first_line(error: BaseException) -> str:
    """What an error says in its first line that is not empty, as a part of a sentence; its class where it says nothing.

    At most 200 characters of it: of an operation that MPS lacks torch writes five times as much in one line.
    """
    lines = str(error).strip().splitlines() or [type(error).__name__]
    line = lines[0].rstrip(".!:; ")
    return line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}…"


@contextmanager
def memory_refusals(what: str, device: torch.device | str) -> Iterator[None]:
    """Turn an error of torch that means refused memory into OutOfMemory; other errors pass.

    what: for whom the memory was wanted, for the error's sentence.
    Raises: OutOfMemory.
    """
    try:
        yield
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemory(what, str(device)) from error


@contextmanager
def device_errors(model: str, device: torch.device | str) -> Iterator[None]:
    """Turn errors of torch into OutOfMemory, and off the CPU all others of a device into DeviceFailed.

    Off the CPU numbers that are no picture (InferenceFailed) count as the device's error too. On the CPU errors pass,
    but for those of memory: there they are the network's.
    model: the model's name, for the error's sentence.
    Raises: OutOfMemory; DeviceFailed.
    """
    import torch

    if torch.device(device).type == "cpu":
        with memory_refusals(model, device):
            yield
        return
    try:
        with memory_refusals(model, device):
            yield
    except DeviceFailed:
        raise
    except InferenceFailed as error:
        raise DeviceFailed(model, str(device), error.problem) from error
    except errors_of_devices() as error:
        raise DeviceFailed(model, str(device), first_line(error)) from error


@contextmanager
def inference(model: str, device: torch.device) -> Iterator[None]:
    """Run the body, which calls a network, in `own_state` and without gradients; turn torch's errors into ours.

    model: the model's name, for errors.
    Raises: OutOfMemory; DeviceFailed off the CPU, InferenceFailed on it.
    """
    import torch

    mode = torch.inference_mode() if rules_for(device).inference_mode else torch.no_grad()
    try:
        with device_errors(model, device), own_state(), mode:
            yield
    except RuntimeError as error:
        raise InferenceFailed(model, first_line(error)) from error
