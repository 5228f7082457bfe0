"""What tests of the command line share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def album(tmp_path) -> Path:
    """Three small pictures."""
    folder = tmp_path / "p"
    folder.mkdir()
    for number in (1, 2, 3):
        Image.fromarray(np.full((42, 60, 3), 50 * number, np.uint8)).save(folder / f"{number}.png")
    return folder
