"""Both twins behind one fixture. The helpers are in twins.py, beside this file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# Before the import below, whatever pytest's import mode is.
sys.path.insert(0, str(Path(__file__).parent))

from twins import BACKENDS, load_ops


@pytest.fixture(scope="session", params=BACKENDS)
def ops(request):
    """`reference.ops` on the fast twin, then on the pure one."""
    return load_ops(request.param)


@pytest.fixture(scope="session")
def fast():
    return load_ops("fast")


@pytest.fixture(scope="session")
def pure():
    return load_ops("pure")
