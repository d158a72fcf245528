"""What tests that train need: Keras, with its threads kept to one so that sums have one order."""

from __future__ import annotations

import pytest


@pytest.fixture
def keras():
    """The module, or no test."""
    tensorflow = pytest.importorskip("tensorflow")
    if not tensorflow.config.threading.get_intra_op_parallelism_threads():
        tensorflow.config.threading.set_intra_op_parallelism_threads(1)
    from autograder.capstone import training

    found = training.keras()
    found.utils.set_random_seed(0)
    return found
