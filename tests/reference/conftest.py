"""Both twins behind one fixture. The helpers are in twins.py, beside this file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# Before the import below, whatever pytest's import mode is.
sys.path.insert(0, str(Path(__file__).parent))

from twins import load_ops

FAST = [pytest.param(("fast", True), id="fast"), pytest.param(("fast", False), id="fast-large")]
PURE = [pytest.param(("pure", True), id="pure")]


@pytest.fixture(scope="session", params=FAST + PURE)
def ops(request):
    """`reference.ops` on the fast twin, with and without its short way, then on the pure one."""
    return load_ops(*request.param)


@pytest.fixture(scope="session", params=FAST)
def fast(request):
    return load_ops(*request.param)


@pytest.fixture(scope="session")
def pure():
    return load_ops("pure")
