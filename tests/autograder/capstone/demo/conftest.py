"""Networks that need no training, and the page in a server; the drawings are in drawings.py."""

from __future__ import annotations

import contextlib
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

# Before the import below, whatever pytest's import mode is.
sys.path.insert(0, str(Path(__file__).parent))

from drawings import DIGITS

from autograder.capstone import backbone, graph, model
from autograder.capstone.demo import head, server


@pytest.fixture(scope="session")
def drawings():
    """Of each digit its strokes, as the page sends them."""
    return {
        digit: [[[10 * x, 10 * y] for x, y in stroke] for stroke in strokes]
        for digit, strokes in DIGITS.items()
    }


@pytest.fixture(scope="session")
def shipped(workers):
    """The backbone."""
    return model.read(backbone.FILE, workers, output=None)


@pytest.fixture(scope="session")
def untrained(shipped):
    """The backbone and a head with weights that are drawn."""
    rng = np.random.default_rng(2)
    kernel = rng.normal(0, 0.05, (3136, 10)).astype(np.float32)
    return head.join(shipped, head.Head(kernel, np.zeros(10, np.float32), 0.1))


@pytest.fixture(scope="session")
def drawn_weights():
    """`drawn_weights(config)`: the model of a config.json, with weights that are drawn."""

    def made(config):
        plan = graph.read(config)
        rng = np.random.default_rng(3)
        arrays = {
            path: rng.uniform(0.1, 1, shape).astype(np.float32) - np.float32(0.5 * ("0" in path))
            for path, shape in plan.expected().items()
        }
        return model.Model(plan, arrays)

    return made


@pytest.fixture
def serve():
    """`serve(demo)`: the address of its page, on a free port, while the test runs."""
    running = []

    def begun(demo):
        listener = server.listening()
        serving = server.serving(demo, listener)
        thread = threading.Thread(target=serving.run, kwargs={"sockets": [listener]})
        thread.start()
        running.append((serving, thread, listener))
        return server.address(demo, listener)

    yield begun
    for serving, thread, listener in running:
        serving.should_exit = True
        thread.join(60)
        with contextlib.suppress(OSError):
            listener.close()
        assert not thread.is_alive()
