"""A sample of the fuzz program, on whatever build there is; `make fuzz` runs a million."""

from __future__ import annotations

import fuzz
import numpy as np
import pytest

from reference import ops


def test_random_calls_of_both_twins_agree() -> None:
    counts, failures = fuzz.run(3000, seed=1)
    assert failures == []
    # Neither the refusals nor the results are all of it.
    assert counts["refused"] > 300
    assert counts["agreed"] > 2000


def test_every_operation_is_drawn() -> None:
    assert sorted(fuzz.DRAWS) == sorted(ops.__all__)


def test_a_kernel_that_is_wrong_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = fuzz.load_ops("fast")
    right = fast.max_pool2d

    def wrong(*arguments: object) -> np.ndarray:
        result = right(*arguments)
        if result.size:
            result.flat[-1] += 1
        return result

    monkeypatch.setattr(fast, "max_pool2d", wrong)
    _, failures = fuzz.run(500, seed=1)
    assert failures
    assert all("max_pool2d" in failure for failure in failures)


def test_an_argument_that_is_changed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = fuzz.load_ops("fast")
    right = fast.relu_backward

    def wrong(dy: np.ndarray, x: np.ndarray) -> np.ndarray:
        result = right(dy, x)
        if isinstance(dy, np.ndarray) and dy.flags.writeable and dy.size:
            dy += 1
        return result

    monkeypatch.setattr(fast, "relu_backward", wrong)
    _, failures = fuzz.run(2000, seed=1)
    assert failures
    assert all("relu_backward" in failure for failure in failures)
