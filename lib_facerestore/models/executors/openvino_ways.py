"""The ways of one program that OpenVINO offers: when a graph is captured, and which are compiled in this process."""

from __future__ import annotations

import logging
import platform
import time
from collections import OrderedDict
from pathlib import Path

from lib_facerestore.models.executors.compiled_files import CompiledFiles
from lib_facerestore.models.executors.openvino_graph import CompiledGraph, capture, from_bytes, runs_half
from lib_facerestore.models.executors.openvino_package import openvino_package, openvino_version
from lib_facerestore.models.executors.program import HowToRun, Program, Tensors, Way
from lib_facerestore.version import VERSION

logger = logging.getLogger(__name__)

# Capturing a graph takes 3 to 6 s, and its trial four runs. From so much time in torch on inputs of one shape on, many
# more are to be expected: one picture is never slower, a folder soon gains.
WORTH_CAPTURING_S, WORTH_CAPTURING_CALLS = 20.0, 8
# Graphs of one program that stay compiled, each for other shapes: the sides of a restorer, the tiles of a picture.
_MOST_COMPILED = 6


class OpenVinoWays:
    """OpenVINO's ways to run one program. A graph belongs to the shapes of its inputs."""

    def __init__(self, program: Program, cache_folder: Path) -> None:
        self._program = program
        self._files = CompiledFiles.in_cache(cache_folder)
        self._compiled: OrderedDict[str, CompiledGraph] = OrderedDict()
        self._spent: dict[str, tuple[int, float]] = {}
        """Calls and seconds in torch, by the shapes of the inputs."""

    def ways(self, inputs: Tensors, how: HowToRun) -> list[Way]:
        """OpenVINO's ways that settings, installation, device and processor allow, as far as they are worth it now.

        A way is where its graph is there, where it is wanted at once, and where torch has spent enough time on inputs
        of these shapes to make capturing one pay.
        """
        if how.executor == "torch" or inputs[0].device.type != "cpu" or openvino_package() is None:
            return []
        possible = [Way.OPENVINO_FULL, Way.OPENVINO_HALF] if runs_half() else [Way.OPENVINO_FULL]
        calls, seconds = self._spent.get(shapes_of(inputs), (0, 0.0))
        is_worth = calls >= WORTH_CAPTURING_CALLS and seconds >= WORTH_CAPTURING_S
        if is_worth or how.executor == "openvino" or how.prepares_at_once:
            return possible
        keys = {way: self._key(way, inputs) for way in possible}
        return [way for way, key in keys.items() if key in self._compiled or self._files.has(key)]

    def spent(self, inputs: Tensors, seconds: float) -> None:
        """Count a call in torch that took so long."""
        calls, before = self._spent.get(shapes_of(inputs), (0, 0.0))
        self._spent[shapes_of(inputs)] = (calls + 1, before + seconds)

    def graph(self, way: Way, inputs: Tensors, notices: list[str]) -> CompiledGraph:
        """The compiled graph for the shapes of the inputs: of this process, of the cache folder, or captured now.

        notices: gets a sentence where it was captured now.
        Raises: RuntimeError; what tracing raises.
        """
        key = self._key(way, inputs)
        if key not in self._compiled:
            self._compiled[key] = self._kept(key, way) or self._captured(key, way, inputs, notices)
        self._compiled.move_to_end(key)
        while len(self._compiled) > _MOST_COMPILED:
            self._compiled.popitem(last=False)
        return self._compiled[key]

    def _kept(self, key: str, way: Way) -> CompiledGraph | None:
        """The graph of the cache folder; None where there is none that can be loaded."""
        data = self._files.read(key)
        if data is None:
            return None
        try:
            return from_bytes(data, way.is_half)
        except RuntimeError as error:  # another build of the same version, or another processor
            logger.info("%s: the kept graph cannot be loaded (%s)", self._program.name, error)
            return None

    def _captured(self, key: str, way: Way, inputs: Tensors, notices: list[str]) -> CompiledGraph:
        start = time.perf_counter()
        logger.info(
            "%s is being compiled for this processor; this takes seconds to a minute, once.", self._program.name
        )
        graph = capture(self._program.module, inputs, way.is_half)
        refused = self._files.write(key, graph.to_bytes())
        sentence = f"{self._program.name} was compiled for this processor in {time.perf_counter() - start:.0f} s"
        notices.append(f"{sentence}. {refused}" if refused else f"{sentence}; it is kept for the next time.")
        return graph

    def _key(self, way: Way, inputs: Tensors) -> str:
        """What the compiled graph depends on: weights, precision, shapes, versions, threads and the processor."""
        import torch

        versions = f"openvino {openvino_version()} torch {torch.__version__} facerestore {VERSION}"
        machine = f"{platform.system()} {platform.machine()} threads {torch.get_num_threads()}"
        return f"{self._program.sha256} {way.name} {shapes_of(inputs)} {versions} {machine}"


def shapes_of(inputs: Tensors) -> str:
    """The shapes of tensors as a text, "1×3×512×512"."""
    return " ".join("×".join(map(str, tensor.shape)) for tensor in inputs)
