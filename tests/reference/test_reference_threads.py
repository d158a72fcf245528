"""Threads change nothing but the time: equal bits, a small workspace, and forks that still work."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import reference
from reference import _threads

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def every_call_is_shared(monkeypatch):
    monkeypatch.setattr(_threads, "WORTH_SHARING", 0)
    yield
    reference.set_threads(1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("shape", "filters", "stride", "padding"),
    [
        ((2, 70, 30, 30), (8, 70, 3, 3), (1, 1), (1, 1)),
        ((1, 3, 41, 43), (5, 3, 7, 5), (2, 3), (3, 1)),
        ((3, 4, 60, 50), (6, 4, 1, 1), (1, 1), (0, 0)),
        ((5, 19, 9, 10), (2, 19, 3, 3), (1, 1), (0, 0)),
    ],
)
def test_results_are_the_same_bits_with_any_number_of_threads(
    fast, every_call_is_shared, dtype, shape, filters, stride, padding
):
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape).astype(dtype)
    w = rng.normal(size=filters).astype(dtype)
    b = rng.normal(size=len(w)).astype(dtype)

    def everything():
        y = fast.conv2d(x, w, b, stride, padding)
        results = [y, *fast.conv2d_backward(y, x, w, stride, padding)]
        for kind in ("max", "avg"):
            pooled = getattr(fast, f"{kind}_pool2d")(x, (3, 2), (2, 1), (1, 1))
            back = getattr(fast, f"{kind}_pool2d_backward")(pooled, x, (3, 2), (2, 1), (1, 1))
            results += [pooled, back]
        results += [fast.global_avg_pool2d(x)]
        return [result.tobytes() for result in results]

    alone = everything()
    for threads in (2, 3, 7):
        reference.set_threads(threads)
        assert everything() == alone


def test_every_task_is_done_once(every_call_is_shared):
    for threads in (1, 2, 5):
        reference.set_threads(threads)
        for tasks in (0, 1, 2, 9, 100):
            done = []
            _threads.share(lambda first, last, done=done: done.extend(range(first, last)), tasks, 1)
            assert sorted(done) == list(range(tasks))


def test_an_error_in_another_thread_is_told(every_call_is_shared):
    def kernel(first, last):
        raise MemoryError("no room")

    reference.set_threads(2)
    with pytest.raises(MemoryError, match="no room"):
        _threads.share(kernel, 2, 1)


@pytest.mark.parametrize("threads", [0, -1, 1.5, "2", None])
def test_bad_numbers_of_threads_are_refused(threads):
    wanted = f"`set_threads`: threads must be a whole number of at least 1; got {threads!r}."
    with pytest.raises(ValueError, match=re.escape(wanted)):
        reference.set_threads(threads)


def test_the_workspace_does_not_grow_with_the_batch(fast):
    """AlexNet's second convolution, whose columns for 64 images would take 300 MB."""
    x = np.zeros((64, 64, 27, 27), np.float32)
    w, b = np.zeros((192, 64, 5, 5), np.float32), np.zeros(192, np.float32)
    fast.conv2d(x[:1], w, b, (1, 1), (2, 2))
    tracemalloc.start()
    try:
        y = fast.conv2d(x, w, b, (1, 1), (2, 2))
        assert tracemalloc.get_traced_memory()[1] < y.nbytes + 3_000_000
        tracemalloc.reset_peak()
        gradients = fast.conv2d_backward(y, x, w, (1, 1), (2, 2))
        results = y.nbytes + sum(gradient.nbytes for gradient in gradients)
        assert tracemalloc.get_traced_memory()[1] < results + 3_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_forked_after_threads_has_threads_of_its_own():
    program = (
        "import os, numpy as np, reference\n"
        "from reference import _threads, ops\n"
        "_threads.WORTH_SHARING = 0\n"
        "reference.set_threads(2)\n"
        "x, w = np.ones((4, 3, 20, 20)), np.ones((2, 3, 3, 3))\n"
        "y = ops.conv2d(x, w, np.zeros(2))\n"
        "assert _threads._pool is not None\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    same = np.array_equal(ops.conv2d(x, w, np.zeros(2)), y)\n"
        "    os._exit(0 if same and _threads._pool is not None else 1)\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0\n"
    )
    environment = {**os.environ, "REFERENCE_BACKEND": "fast"}
    subprocess.run(
        [sys.executable, "-c", program], check=True, cwd=ROOT, env=environment, timeout=60
    )
