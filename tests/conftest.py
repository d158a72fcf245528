"""What all tests share: nothing of the user's is touched, and draws are the same in every run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

from autograder.bank import CACHE_VARIABLE

# TensorFlow on one thread, where sums have one order, and without its words on the screen: it asks
# when it is first used, here and in every process that a test starts.
os.environ |= {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}

settings.register_profile("suite", deadline=None, derandomize=True, database=None)
settings.load_profile("suite")


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """The folder of the case banks: made once in a run, also where several processes share it."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    folder = base / "banks"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(folder))
        # Colours, widths and, in CI, longer summaries of pytest that the surroundings ask for are
        # not what is tested.
        asked = ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "COLUMNS", "PY_COLORS")
        for name in (*asked, "CI", "BUILD_NUMBER"):
            patch.delenv(name, raising=False)
        yield folder


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def golden(root) -> Path:
    """The folder of the golden submissions."""
    return root / "tests" / "submissions"
