"""Runs networks in half precision where a trial has shown that the results agree; remembers each trial's verdict."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lib_facerestore.models.networks.devices import is_out_of_memory
from lib_facerestore.runtime import WantedPrecision
from lib_facerestore.version import VERSION

if TYPE_CHECKING:
    import torch

logger = logging.getLogger(__name__)

# Peak signal to noise ratio from which half precision is used: two such pictures cannot be told apart. Trained x4plus
# in bfloat16 reaches 50–53 dB (on a CPU, parts of one photograph).
AGREES_DB = 50.0


class Precision:
    """Runs the calls of one network in full precision, or in half where that is wanted and a trial allows it."""

    def __init__(self, wanted: WantedPrecision, sha256: str, cache_folder: Path) -> None:
        """sha256: the hash of the network's weights. cache_folder: where verdicts are kept, in half.json."""
        self._wanted, self._sha256, self._file = wanted, sha256, cache_folder / "half.json"
        self._verdicts: dict[str, bool] = {}

    def run(self, call: Callable[[], torch.Tensor], device: torch.device, value_range: float) -> torch.Tensor:
        """Run a call of the network on that device, and return its result, of any shape.

        value_range: the difference between the largest and the least value that the result can have, 2 for [-1, 1].
        The first call in half precision is the trial and runs twice. A call that fails in half precision, or gives
        values that are not numbers, is repeated in full precision, in which these weights run from then on.
        Raises: what the call raises in full precision; torch's error where half precision gets no memory.
        """
        if self._wanted == "full":
            return call()
        key = verdict_key(self._sha256, device)
        if key not in self._verdicts:
            self._verdicts.update(self._kept())
        if key not in self._verdicts:
            return self._trial(key, call, device, value_range)
        if not self._verdicts[key]:
            return call()
        half = _in_half(call, device)
        if half is not None:
            return half
        logger.info("weights %s: half precision failed on %s and is not used any more", key[:8], device)
        self._keep(key, False)
        return call()

    def _trial(
        self, key: str, call: Callable[[], torch.Tensor], device: torch.device, value_range: float
    ) -> torch.Tensor:
        """Run a call in both precisions, keep the verdict under the key, and return the result that it allows."""
        full, half = call(), _in_half(call, device)
        agreement = 0.0 if half is None else _decibels(full.float(), half.float(), value_range)
        earned = agreement >= AGREES_DB
        words = "is used" if earned else f"is not used, {AGREES_DB:g} dB are needed"
        logger.info("weights %s: half precision agrees to %.1f dB on %s and %s", key[:8], agreement, device, words)
        self._keep(key, earned)
        return half if earned and half is not None else full

    def _kept(self) -> dict[str, bool]:
        """The verdicts in the file, by their key; {} where it is missing or damaged."""
        try:
            kept = json.loads(self._file.read_text())
        except (OSError, ValueError):  # none yet, or half written: the trial is made again
            return {}
        return {str(key): value is True for key, value in kept.items()} if isinstance(kept, dict) else {}

    def _keep(self, key: str, verdict: bool) -> None:
        """Remember a verdict, in this object and in the file."""
        self._verdicts[key] = verdict
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_text(json.dumps({**self._kept(), **self._verdicts}, indent=1))
        except OSError as error:
            logger.debug("the verdict was not kept: %s", error)  # costs a trial at the next start


FULL = Precision("full", "", Path())
"""Full precision for any network."""


def verdict_key(sha256: str, device: torch.device) -> str:
    """The key of a verdict: weights, type of device, and the versions of torch and of this project."""
    import torch

    return f"{sha256} {device.type} torch {torch.__version__} facerestore {VERSION}"


def _in_half(call: Callable[[], torch.Tensor], device: torch.device) -> torch.Tensor | None:
    """The result of the call in half precision; None where it fails or has values that are not numbers.

    Raises: torch's error where there is no memory, which is no verdict on the precision.
    """
    import torch

    # bfloat16 where float16 is slow or overflows; autocast leaves sums and normalisations in float32.
    dtype = torch.float16 if device.type == "cuda" else torch.bfloat16
    try:
        with torch.autocast(device.type, dtype=dtype):
            output = call()
    except Exception as error:
        # Any class of error, because autocast asserts or lacks an attribute on devices that it does not know.
        if is_out_of_memory(error):
            raise
        logger.info("half precision on %s: %s", device, error)
        return None
    return output if bool(output.isfinite().all()) else None


def _decibels(a: torch.Tensor, b: torch.Tensor, value_range: float) -> float:
    """The peak signal to noise ratio of two tensors of one shape, in dB; 0 where a value of either is not finite."""
    error = float(((a - b) ** 2).mean())
    if not math.isfinite(error):
        return 0.0
    return math.inf if error == 0 else 10 * math.log10(value_range**2 / error)
