"""Torch's global state while a network of ours runs: as in a fresh process, and afterwards as the host left it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TypeVar

from lib_facerestore.models.devices.kinds import answer, is_there

T = TypeVar("T")


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
        for kind in _kinds_of_autocast():
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


def _kinds_of_autocast() -> list[str]:
    """Torch's types of devices whose automatic half precision a host may have switched on."""
    import torch

    # The last one stands for DirectML and others from outside, under the name that their package gave them.
    outside = answer(lambda: torch._C._get_privateuse1_backend_name(), "privateuseone")
    kinds = ["cpu", *(kind for kind in ("cuda", "xpu", "mps") if is_there(kind)), outside]
    # Torch refuses to name a kind that it has no automatic half precision for, and then there is nothing to switch off.
    return [kind for kind in kinds if answer(partial(torch.autocast, kind, enabled=False), None) is not None]
