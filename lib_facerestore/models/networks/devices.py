"""Devices: the one that a name means, networks that move between them, torch's state and errors while one runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from lib_facerestore.errors import InferenceFailed, OutOfMemory, SettingsError

if TYPE_CHECKING:
    import torch

T = TypeVar("T")


def torch_device(name: str) -> torch.device:
    """The torch device that a name means: "auto" is CUDA where torch finds it, else Apple's GPU, else the CPU.

    Case and outer spaces are ignored. A CUDA device always has an index: without one, torch up to 2.4 does not tell the
    free memory, and Forge frees none.
    Raises: SettingsError where this machine has no such device.
    """
    import torch

    written, name = name, name.strip().lower()
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", torch.cuda.current_device())
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        if device.type == "meta":
            raise NotImplementedError("it holds shapes and no numbers")
        if device.type == "cpu":
            return torch.device("cpu")  # torch takes cpu:7 for another device, which has no meaning
        if device.type == "cuda" and device.index is None:
            device = torch.device("cuda", torch.cuda.current_device())
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError, ImportError) as error:  # ImportError: hpu, privateuseone
        if is_out_of_memory(error):
            return device  # the device exists, and the host has not been asked for memory yet
        raise SettingsError(
            "device", written, "auto, cpu, or a device that this machine has, such as cuda:0"
        ) from error
    return device


# Parts of the messages with which a plain RuntimeError refuses memory: of CUDA near its limit, Apple's GPU, DirectML
# and the CPU.
_REFUSALS = (
    "out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "unable to find an engine",
    "not enough memory",
    "not enough GPU video memory",
    "can't allocate memory",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of torch means that a device refused memory."""
    import torch

    # The class has this name in torch 2.1 too.
    return isinstance(error, torch.cuda.OutOfMemoryError) or any(text in str(error) for text in _REFUSALS)


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


def move_weights(name: str, network: Any, old: torch.device | str, new: torch.device | str) -> None:
    """Move all weights of a network from one device to another; where that fails, they all stay.

    name: the model's, for errors. network: a module, or spandrel's descriptor of one.
    Raises: OutOfMemory.
    """
    with memory_refusals(name, new), own_state():
        try:
            network.to(new)
        except RuntimeError:
            network.to(old)  # a part of the weights may be on the new device already
            raise


class OnDevice:
    """A network and the device on which its weights are and where it runs."""

    def __init__(self, name: str, network: Any, device: torch.device) -> None:
        """name: the model's, for errors. network: a module, or spandrel's descriptor of one, on that device."""
        self.name, self.network, self.device = name, network, device

    def move(self, device: torch.device) -> None:
        """Move the weights to another device; nothing happens where they are there already.

        Raises: OutOfMemory; the weights are where they were then.
        """
        if device != self.device:
            move_weights(self.name, self.network, self.device, device)
            self.device = device

    def fall_back(self) -> bool:
        """Move the network to the CPU after its device refused the memory; False where it is there already.

        Raises: OutOfMemory.
        """
        import torch

        if self.device.type == "cpu":
            return False
        self.move(torch.device("cpu"))
        return True


@contextmanager
def own_state() -> Iterator[None]:
    """Run the body with torch's global state as in a fresh process, and restore the host's state afterwards.

    It covers the default dtype and device, autocast, inference and gradient mode, deterministic algorithms, and the
    flags of cuDNN and TF32. Networks are loaded, built and run in it; it may be nested. The number of threads stays the
    host's, because the host knows what else the machine does; it changes the last bits of a result.
    """
    import torch

    with ExitStack() as stack:
        # The default device is a mode of torch's functions, and entering a second such mode fails in some versions.
        stack.enter_context(torch._C.DisableTorchFunction())
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.no_grad())
        for kind in ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",):
            stack.enter_context(torch.autocast(kind, enabled=False))
        stack.enter_context(_as_fresh(torch.get_default_dtype, torch.set_default_dtype, torch.float32))
        stack.enter_context(_as_fresh(_deterministic, _set_deterministic, (False, False)))
        stack.enter_context(
            _as_fresh(torch.get_float32_matmul_precision, torch.set_float32_matmul_precision, "highest")
        )
        cudnn = torch.backends.cudnn
        for flag, fresh in (("benchmark", False), ("deterministic", False), ("allow_tf32", True)):
            stack.enter_context(_as_fresh(partial(getattr, cudnn, flag), partial(setattr, cudnn, flag), fresh))
        yield


@contextmanager
def _as_fresh(get: Callable[[], T], put: Callable[[T], object], fresh: T) -> Iterator[None]:
    """Run the body with one setting at its fresh value, and put its old value back; an equal value is not set."""
    before = get()
    if before == fresh:
        yield
        return
    put(fresh)
    try:
        yield
    finally:
        put(before)


def _deterministic() -> tuple[bool, bool]:
    """Whether only deterministic algorithms are allowed, and whether other ones warn instead of failing."""
    import torch

    return torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()


def _set_deterministic(mode: tuple[bool, bool]) -> None:
    """Set what `_deterministic` tells."""
    import torch

    torch.use_deterministic_algorithms(mode[0], warn_only=mode[1])


@contextmanager
def inference(model: str, device: torch.device) -> Iterator[None]:
    """Run the body, which calls a network, in `own_state` and without gradients; turn torch's errors into OutOfMemory
    or InferenceFailed.

    model: the model's name, for errors.
    Raises: OutOfMemory; InferenceFailed.
    """
    import torch

    try:
        with memory_refusals(model, device), own_state(), torch.inference_mode():
            yield
    except RuntimeError as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise InferenceFailed(model, lines[0]) from error
