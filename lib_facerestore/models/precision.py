"""Half precision for networks that have earned it: one batch in both must agree, and the verdict is kept."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lib_facerestore.runtime import WantedPrecision

if TYPE_CHECKING:
    import torch

logger = logging.getLogger(__name__)

# Two pictures this near to each other cannot be told apart; trained x4plus in bfloat16 came to 42–47 dB and fails.
AGREES_DB = 50.0


class Precision:
    """Runs a network's call in full precision, or in half where that was asked for and earned.

    sha256: names the weights. cache_folder: where verdicts are kept, by weights and device, in half.json.
    """

    def __init__(self, wanted: WantedPrecision, sha256: str, cache_folder: Path) -> None:
        self._wanted, self._sha256, self._file = wanted, sha256, cache_folder / "half.json"
        self._verdicts: dict[str, bool] = {}

    def run(self, call: Callable[[], torch.Tensor], device: torch.device) -> torch.Tensor:
        """What the call gives, values in about [-1, 1]; the first time in half precision it runs twice."""
        if self._wanted == "full":
            return call()
        key = f"{self._sha256} {device.type}"
        if key not in self._verdicts:
            self._verdicts.update(self._kept())
        if key not in self._verdicts:
            return self._trial(key, call, device)
        return _in_half(call, device) if self._verdicts[key] else call()

    def _trial(self, key: str, call: Callable[[], torch.Tensor], device: torch.device) -> torch.Tensor:
        full, half = call(), _in_half(call, device)
        agreement = _decibels(full.float(), half.float())
        self._verdicts[key] = agreement >= AGREES_DB
        words = "is used" if self._verdicts[key] else f"is not used, {AGREES_DB:g} dB are needed"
        logger.info("weights %s: half precision agrees to %.1f dB on %s and %s", key[:8], agreement, device, words)
        self._keep()
        return half if self._verdicts[key] else full

    def _kept(self) -> dict[str, bool]:
        try:
            kept = json.loads(self._file.read_text())
        except (OSError, ValueError):  # none yet, or half written: the trial is made again
            return {}
        return {str(key): value is True for key, value in kept.items()} if isinstance(kept, dict) else {}

    def _keep(self) -> None:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_text(json.dumps({**self._kept(), **self._verdicts}, indent=1))
        except OSError as error:
            logger.debug("the verdict was not kept: %s", error)  # costs a trial at the next start


FULL = Precision("full", "", Path())


def _in_half(call: Callable[[], torch.Tensor], device: torch.device) -> torch.Tensor:
    import torch

    # bfloat16 where float16 is slow or overflows; autocast leaves sums and normalisations in float32.
    dtype = torch.float16 if device.type == "cuda" else torch.bfloat16
    with torch.autocast(device.type, dtype=dtype):
        return call()


def _decibels(a: torch.Tensor, b: torch.Tensor) -> float:
    """Peak signal to noise ratio for a range of 2; 0 where either holds values that are not numbers."""
    error = float(((a - b) ** 2).mean())
    if not math.isfinite(error):
        return 0.0
    return math.inf if error == 0 else 10 * math.log10(4 / error)
