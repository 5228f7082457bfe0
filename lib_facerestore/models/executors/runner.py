"""Runs a program in the fastest way that a trial has shown to agree with torch in full precision."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from lib_facerestore.models import devices
from lib_facerestore.models.executors.openvino_ways import OpenVinoWays, shapes_of
from lib_facerestore.models.executors.program import HowToRun, Program, Tensors, Way
from lib_facerestore.models.executors.torch_half import torch_half
from lib_facerestore.models.executors.verdicts import FAILED, Verdict, Verdicts, decibels

if TYPE_CHECKING:
    import torch

logger = logging.getLogger(__name__)

Call: TypeAlias = "Callable[..., Tensors]"
# Preparations such as building kernels take up to a second or two.
_LONG_S = 5.0


class Runner:
    """Runs the calls of one program on one device.

    A way other than torch in full precision is tried once, on the inputs of a real call: its result must agree, and it
    must be faster. The verdict is kept for the next process. A way that fails later is given up, and torch repeats the
    call.
    """

    def __init__(self, program: Program, how: HowToRun) -> None:
        self.used = Way.TORCH_FULL
        """The way that gave the last result."""
        self.notices: list[str] = []
        """Sentences on what was captured, and on what failed."""
        self.how = how
        """What is wanted of the next calls; another folder for the cache is not looked at."""
        self._program = program
        self._verdicts = Verdicts(how.cache_folder)
        self._openvino = OpenVinoWays(program, how.cache_folder)
        self._halves: dict[str, Call] = {}

    def __call__(self, *inputs: torch.Tensor) -> Tensors:
        """Run the program once. Shapes: as the program's; float32 in and out.

        Raises: what the program raises in torch and full precision; torch's error where the device has no memory.
        """
        ways = self._ways(inputs)
        untried = [way for way in ways if self._verdict(way, inputs) is None]
        results = self._trial(untried, inputs) if untried else {}
        chosen = min(ways, key=lambda way: self._ratio(way, inputs), default=Way.TORCH_FULL)
        if ways and self._ratio(chosen, inputs) < 1:
            outputs = results.get(chosen) or self._attempt(chosen, inputs)
            if outputs is not None:
                self.used = chosen
                return outputs
        self.used = Way.TORCH_FULL
        return results.get(Way.TORCH_FULL) or self._full(inputs)

    def prepare(self, *inputs: torch.Tensor) -> tuple[str, ...]:
        """Capture, compile and keep the graphs that are wanted for inputs of these shapes; gives a sentence on each.

        A graph in full precision is compared and timed now. One in half precision is tried at its first real call,
        because how well it agrees depends on the picture.
        Raises: as a call.
        """
        sentences = []
        wanted = replace(self.how, prepares_at_once=True)
        for way in self._openvino.ways(inputs, wanted):
            if way.is_half and not (wanted.precision == "half" and self._program.may_be_half):
                continue
            start = time.perf_counter()
            if way.is_half:
                self._openvino.graph(way, inputs, self.notices)
                found = "it is tried at the first face"
            else:
                self._trial([way], inputs)
                found = self._verdict_words(way, inputs)
            seconds = time.perf_counter() - start
            sentences.append(f"{self._program.name}, {shapes_of(inputs[:1])}, {way.value}: {found}; {seconds:.1f} s")
        return (*sentences, *(notice for notice in self.take_notices() if "failed" in notice))

    def _verdict_words(self, way: Way, inputs: Tensors) -> str:
        verdict = self._verdict(way, inputs)
        if verdict is None or math.isinf(verdict.ratio):
            return "it failed and is not used"
        use = "used" if self._ratio(way, inputs) < 1 else "not used"
        return f"agrees to {verdict.decibels:.0f} dB, takes {verdict.ratio:.2f} of torch's time, is {use}"

    def forget(self) -> None:
        """Drop the copy of the weights in half precision; it is made again at the next call that needs it."""
        self._halves.clear()

    def take_notices(self) -> tuple[str, ...]:
        """The sentences since the last time, for a report."""
        taken = tuple(self.notices)
        self.notices.clear()
        return taken

    def _ways(self, inputs: Tensors) -> list[Way]:
        """The ways beside torch in full precision that settings, program, device and processor allow."""
        ways = self._openvino.ways(inputs, self.how)
        if self.how.executor != "openvino" and devices.rules_for(inputs[0].device).autocast:
            ways = [Way.TORCH_HALF, *ways]
        is_half_wanted = self.how.precision == "half" and self._program.may_be_half
        return [way for way in ways if is_half_wanted or not way.is_half]

    def _full(self, inputs: Tensors) -> Tensors:
        start = time.perf_counter()
        outputs = self._program(*inputs)
        self._openvino.spent(inputs, time.perf_counter() - start)
        return outputs

    def _subject(self, way: Way, inputs: Tensors) -> str:
        """What a verdict is about. A graph is captured for certain shapes, and each graph is compared with torch."""
        return f"{self._program.sha256} {shapes_of(inputs)}" if way.is_openvino else self._program.sha256

    def _verdict(self, way: Way, inputs: Tensors) -> Verdict | None:
        return self._verdicts.get(self._subject(way, inputs), way, inputs[0].device.type)

    def _keep(self, way: Way, inputs: Tensors, verdict: Verdict) -> None:
        self._verdicts.put(self._subject(way, inputs), way, inputs[0].device.type, verdict)

    def _ratio(self, way: Way, inputs: Tensors) -> float:
        """Seconds of that way for each second of torch in full precision; infinite where it is not to be used."""
        verdict = self._verdict(way, inputs)
        return math.inf if verdict is None or not verdict.is_good(way) else verdict.ratio

    def _trial(self, ways: list[Way], inputs: Tensors) -> dict[Way, Tensors]:
        """Run the inputs in torch and in each way, keep the verdicts, and give the results.

        Raises: torch's error where there is no memory, which is no verdict on the way.
        """
        full, full_s = _timed(self._program, inputs)
        results = {Way.TORCH_FULL: full}
        for way in ways:
            try:
                results[way], seconds = _timed(self._call(way, inputs), inputs)
                verdict = Verdict(decibels(results[way], full, self._program.value_range), seconds / full_s)
            except Exception as error:  # compilers, and devices that lack an operator, raise errors of any class
                if devices.is_out_of_memory(error):
                    raise
                self._note_failure(way, error)
                verdict = FAILED
            about = f"agrees to {verdict.decibels:.1f} dB and takes {verdict.ratio:.2f} of the time"
            logger.info("%s: %s %s on %s", self._program.name, way.value, about, inputs[0].device)
            self._keep(way, inputs, verdict)
        return results

    def _attempt(self, way: Way, inputs: Tensors) -> Tensors | None:
        """The result in that way; None, and never again, where it fails or holds values that are not numbers.

        Raises: torch's error where there is no memory, which is no verdict on the way.
        """
        try:
            outputs = self._call(way, inputs)(*inputs)
            if all(bool(tensor.isfinite().all()) for tensor in outputs):
                return outputs
            reason: object = "it gave values that are not numbers"
        except Exception as error:
            if devices.is_out_of_memory(error):
                raise
            reason = error
        self._note_failure(way, reason)
        self._keep(way, inputs, FAILED)
        return None

    def _call(self, way: Way, inputs: Tensors) -> Call:
        """What runs the program in that way. Raises: what capturing, compiling or converting raises."""
        if way.is_openvino:
            return self._openvino.graph(way, inputs, self.notices)
        device = inputs[0].device
        if str(device) not in self._halves:
            self._halves = {str(device): torch_half(self._program, inputs)}  # those of another device are dropped
        return self._halves[str(device)]

    def _note_failure(self, way: Way, reason: object) -> None:
        first = (str(reason).strip().splitlines() or [type(reason).__name__])[0]
        self.notices.append(
            f"{self._program.name} failed in {way.value} ({first}); it runs in torch in full precision."
        )
        logger.info("%s", self.notices[-1])


def _timed(call: Call, inputs: Tensors) -> tuple[Tensors, float]:
    """The result of a call and its seconds: of a second run, because the first may have been slowed by preparations,
    unless that took so long that they do not matter.
    """
    outputs, seconds = _once(call, inputs)
    return (outputs, seconds) if seconds > _LONG_S else _once(call, inputs)


def _once(call: Call, inputs: Tensors) -> tuple[Tensors, float]:
    start = time.perf_counter()
    outputs = call(*inputs)
    if inputs[0].device.type != "cpu":
        float(outputs[0].flatten()[0])  # other devices go on computing after the call; reading a value waits for them
    return outputs, time.perf_counter() - start
