"""Models of known quality, made once in a run: by training, so these tests are slow."""

from __future__ import annotations

import sys
from pathlib import Path

# Before `qualities` is imported, whatever pytest's import mode is.
sys.path.insert(0, str(Path(__file__).parent))
