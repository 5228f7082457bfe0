"""What trials of ways to run a network have shown, kept from process to process."""

from __future__ import annotations

import math
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lib_facerestore.models.checkpoints import read_table, write_table
from lib_facerestore.models.executors.openvino_package import openvino_version
from lib_facerestore.models.executors.program import Tensors, Way
from lib_facerestore.version import VERSION

if TYPE_CHECKING:
    import torch

# Peak signal to noise ratio from which half precision is used: two such pictures cannot be told apart. Trained x4plus
# in bfloat16 reaches 50–54 dB (on a CPU, parts of one photograph).
HALF_AGREES_DB = 50.0
# Another library's full precision differs by the order of its sums: 105–131 dB were measured.
FULL_AGREES_DB = 90.0


@dataclass(frozen=True)
class Verdict:
    """The result of one trial."""

    decibels: float
    """Agreement with torch in full precision; 0 where the way failed."""
    ratio: float
    """Its seconds divided by those of torch in full precision, in the same trial; infinite where it failed."""

    def is_good(self, way: Way) -> bool:
        """Whether it agrees as its precision must."""
        return self.decibels >= (HALF_AGREES_DB if way.is_half else FULL_AGREES_DB)


FAILED = Verdict(0.0, math.inf)


class Verdicts:
    """The verdicts in a cache folder, by weights, way, type of device and versions."""

    def __init__(self, cache_folder: Path) -> None:
        self._file = cache_folder / "executors.json"
        self._known: dict[str, Verdict] = {}

    def get(self, subject: str, way: Way, device_type: str) -> Verdict | None:
        """The verdict on a way; None where there was no trial yet. subject: names the weights, and the graph if any."""
        key = verdict_key(subject, way, device_type)
        if key not in self._known:
            self._known.update(_verdicts(read_table(self._file)))
        return self._known.get(key)

    def put(self, subject: str, way: Way, device_type: str, verdict: Verdict) -> None:
        """Remember a verdict, here and in the file."""
        key = verdict_key(subject, way, device_type)
        self._known[key] = verdict
        # None stands for infinity, which JSON does not know.
        row = [verdict.decibels, None if math.isinf(verdict.ratio) else verdict.ratio]
        write_table(self._file, {**read_table(self._file), key: row})


def verdict_key(subject: str, way: Way, device_type: str) -> str:
    """The key of a verdict; of the versions that decide about it, too."""
    import torch

    library = f"openvino {openvino_version()}" if way.is_openvino else "torch"
    machine = f"{device_type} {platform.machine()}"
    return f"{subject} {way.name} {machine} {library} torch {torch.__version__} facerestore {VERSION}"


def decibels(outputs: Tensors, expected: Tensors, value_range: float) -> float:
    """The least peak signal to noise ratio among pairs of tensors of one shape, in dB; 0 where values are not finite.

    value_range: of the first output; the range of each other one is taken from its expected values.
    """
    ranges = [value_range, *(float(tensor.max() - tensor.min()) for tensor in expected[1:])]
    return min(_decibels(a, b, r) for a, b, r in zip(outputs, expected, ranges, strict=True))


def _decibels(a: torch.Tensor, b: torch.Tensor, value_range: float) -> float:
    error = float(((a.float() - b.float()) ** 2).mean())
    if not math.isfinite(error):
        return 0.0
    if error == 0 or value_range == 0:
        return 200.0 if error == 0 else 0.0
    return 10 * math.log10(value_range**2 / error)


def _verdicts(rows: dict[str, object]) -> dict[str, Verdict]:
    """Verdicts by their key; rows that are none are left out, so that their trial is made again."""
    found = {}
    for key, row in rows.items():
        if isinstance(row, list) and len(row) == 2 and isinstance(row[0], int | float):
            found[key] = Verdict(float(row[0]), math.inf if row[1] is None else float(row[1]))
    return found
