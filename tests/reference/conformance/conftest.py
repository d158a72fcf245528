"""The modules beside the tests can be imported, whatever pytest's import mode is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import autograder.performance.with_torch  # noqa: F401  (what must come before TensorFlow)

sys.path.insert(0, str(Path(__file__).parent))


def pytest_configure(config: pytest.Config) -> None:
    """Keras' test modules, which are imported, use marks of their own."""
    for name in ("requires_trainable_backend", "multi_device", "skipif"):
        config.addinivalue_line("markers", f"{name}: of Keras' tests")
