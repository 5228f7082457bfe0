"""The device that a name means, and errors of a device turned into ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from lib_facerestore.errors import InferenceFailed, OutOfMemory, SettingsError

if TYPE_CHECKING:
    import torch

T = TypeVar("T")


def resolve(name: str) -> torch.device:
    """The torch device of a name; auto is CUDA where torch finds it, else Apple's GPU, else the CPU.

    Case and spaces around the name do not matter. CUDA always has its index: without one, torch up to 2.4 does not tell
    its free memory, and Forge frees nothing.
    Raises: SettingsError when this machine lacks the device.
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
            return device  # it is there, and the host has not been asked for room yet
        raise SettingsError(
            "device", written, "auto, cpu, or a device that this machine has, such as cuda:0"
        ) from error
    return device


# What a refusal of memory says where it is a plain RuntimeError: CUDA near its limit, Apple's GPU, DirectML, the CPU.
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
    """Whether an error of torch says that a device refused memory."""
    import torch

    # The class has this name in torch 2.1 too.
    return isinstance(error, torch.cuda.OutOfMemoryError) or any(text in str(error) for text in _REFUSALS)


@contextmanager
def refusals(what: str, device: torch.device | str) -> Iterator[None]:
    """Refused memory comes out as our error, all other errors as they are.

    Raises: OutOfMemory.
    """
    try:
        yield
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemory(what, str(device)) from error


def move_weights(name: str, network: Any, old: torch.device | str, new: torch.device | str) -> None:
    """Take all weights of a network from one device to another, or none.

    Raises: OutOfMemory.
    """
    with refusals(name, new), own_state():
        try:
            network.to(new)
        except RuntimeError:
            network.to(old)  # some of the weights are on the new one already
            raise


class OnDevice:
    """A network and where it is; it runs there. network: a module, or spandrel's descriptor of one."""

    def __init__(self, name: str, network: Any, device: torch.device) -> None:
        self.name, self.network, self.device = name, network, device

    def move(self, device: torch.device) -> None:
        """Take the weights to another device; does nothing where they are there already.

        Raises: OutOfMemory; then the weights are where they were.
        """
        if device != self.device:
            move_weights(self.name, self.network, self.device, device)
            self.device = device

    def fall_back(self) -> bool:
        """See `engine.ports.HasFallback`."""
        import torch

        if self.device.type == "cpu":
            return False
        self.move(torch.device("cpu"))
        return True


@contextmanager
def own_state() -> Iterator[None]:
    """torch as a fresh process has it, whatever a host has set; afterwards all is as it was. May be nested.

    Loading, building and running go through here. It covers the default dtype and device, autocast, inference and
    gradient mode, deterministic algorithms, cuDNN's and TF32's flags. The number of threads stays the host's, who knows
    what else the machine has to do; it changes the last bits of a result.
    """
    import torch

    with ExitStack() as stack:
        # The default device is a mode of torch's functions. Entering another one fails in some versions; this does not.
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
    """A setting at its fresh value, and afterwards at what it was; what is fresh already is not touched."""
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
    """Whether only deterministic algorithms are allowed, and whether others only warn."""
    import torch

    return torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()


def _set_deterministic(mode: tuple[bool, bool]) -> None:
    import torch

    torch.use_deterministic_algorithms(mode[0], warn_only=mode[1])


@contextmanager
def inference(model: str, device: torch.device) -> Iterator[None]:
    """Run a network without gradients, in `own_state`; its errors come out as ours.

    Raises: OutOfMemory; InferenceFailed.
    """
    import torch

    try:
        with refusals(model, device), own_state(), torch.inference_mode():
            yield
    except RuntimeError as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise InferenceFailed(model, lines[0]) from error
