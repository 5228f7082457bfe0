"""Half precision for networks that have earned it: one batch in both must agree, and the verdict is kept."""

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

# Two pictures this near to each other cannot be told apart; trained x4plus in bfloat16 comes to 50–53 dB (a CPU, parts
# of one photograph).
AGREES_DB = 50.0


class Precision:
    """Runs a network's call in full precision, or in half where that was asked for and earned.

    sha256: names the weights. cache_folder: where verdicts are kept, in half.json.
    """

    def __init__(self, wanted: WantedPrecision, sha256: str, cache_folder: Path) -> None:
        self._wanted, self._sha256, self._file = wanted, sha256, cache_folder / "half.json"
        self._verdicts: dict[str, bool] = {}

    def run(self, call: Callable[[], torch.Tensor], device: torch.device, value_range: float) -> torch.Tensor:
        """What the call gives; the first time in half precision it runs twice.

        value_range: from the least to the largest of its values, 2 for [-1, 1]. A call that fails in half precision, or
        gives values that are not numbers, is repeated in full, and these weights stay there.
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
        full, half = call(), _in_half(call, device)
        agreement = 0.0 if half is None else _decibels(full.float(), half.float(), value_range)
        earned = agreement >= AGREES_DB
        words = "is used" if earned else f"is not used, {AGREES_DB:g} dB are needed"
        logger.info("weights %s: half precision agrees to %.1f dB on %s and %s", key[:8], agreement, device, words)
        self._keep(key, earned)
        return half if earned and half is not None else full

    def _kept(self) -> dict[str, bool]:
        try:
            kept = json.loads(self._file.read_text())
        except (OSError, ValueError):  # none yet, or half written: the trial is made again
            return {}
        return {str(key): value is True for key, value in kept.items()} if isinstance(kept, dict) else {}

    def _keep(self, key: str, verdict: bool) -> None:
        self._verdicts[key] = verdict
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_text(json.dumps({**self._kept(), **self._verdicts}, indent=1))
        except OSError as error:
            logger.debug("the verdict was not kept: %s", error)  # costs a trial at the next start


FULL = Precision("full", "", Path())


def verdict_key(sha256: str, device: torch.device) -> str:
    """What a verdict holds for: weights, kind of device, and the versions of torch and of the code that runs them."""
    import torch

    return f"{sha256} {device.type} torch {torch.__version__} facerestore {VERSION}"


def _in_half(call: Callable[[], torch.Tensor], device: torch.device) -> torch.Tensor | None:
    """What the call gives in half precision; None where it fails or holds values that are not numbers.

    Raises: torch's error where there is no memory, which says nothing about the precision.
    """
    import torch

    # bfloat16 where float16 is slow or overflows; autocast leaves sums and normalisations in float32.
    dtype = torch.float16 if device.type == "cuda" else torch.bfloat16
    try:
        with torch.autocast(device.type, dtype=dtype):
            output = call()
    except Exception as error:
        # Of any class: autocast asserts, or lacks an attribute, on devices that it does not know.
        if is_out_of_memory(error):
            raise
        logger.info("half precision on %s: %s", device, error)
        return None
    return output if bool(output.isfinite().all()) else None


def _decibels(a: torch.Tensor, b: torch.Tensor, value_range: float) -> float:
    """Peak signal to noise ratio; 0 where either holds values that are not numbers."""
    error = float(((a - b) ** 2).mean())
    if not math.isfinite(error):
        return 0.0
    return math.inf if error == 0 else 10 * math.log10(value_range**2 / error)
