"""Lets the tests of this folder import its table of formats and its maker of hostile files."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
