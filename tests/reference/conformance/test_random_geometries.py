"""Random geometries: the reference beside the libraries of other people."""

from __future__ import annotations

from typing import Any

import harness
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from sources import EXAMPLES, PEERS

CASES = [(peer, name) for peer, comparisons in PEERS.items() for name in comparisons]


def compare_all(peer: str, name: str, examples: int, *phases: Phase) -> int:
    """How many cases were compared; the first that disagrees raises."""
    _, strategy, compare = PEERS[peer][name]
    compared = 0

    @settings(
        derandomize=True,
        deadline=None,
        database=None,
        max_examples=examples,
        phases=phases or tuple(Phase),
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def run(case: Any) -> None:
        nonlocal compared
        compare(case)
        compared += 1

    run()
    return compared


@pytest.mark.parametrize(("peer", "name"), CASES, ids=[f"{p}: {n}" for p, n in CASES])
def test_random_geometries(peer: str, name: str) -> None:
    assert compare_all(peer, name, EXAMPLES) >= EXAMPLES


# The operations that have a short way of small calls, which most random geometries are.
SHORT = {"conv2d", "max_pool2d", "avg_pool2d"}
ALSO_LARGE = [(peer, name) for peer, name in CASES if SHORT & set(PEERS[peer][name][0])]


@pytest.mark.parametrize(("peer", "name"), ALSO_LARGE, ids=[f"{p}: {n}" for p, n in ALSO_LARGE])
def test_the_kernels_for_any_size_agree_too(
    peer: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(harness.ops._backend, "small", None)
    assert compare_all(peer, name, EXAMPLES) >= EXAMPLES


def off(value: Any) -> Any:
    """A little wrong: by 1e-9 of every number in float64, by 1e-3 in float32, by 1 in a count."""
    if isinstance(value, np.ndarray):
        return value * (1 + (1e-9 if value.dtype == np.float64 else 1e-3))
    if isinstance(value, tuple | list):
        return type(value)(off(part) for part in value)
    if isinstance(value, dict):
        return {key: off(part) for key, part in value.items()}
    return value + 1 if isinstance(value, int) else value * (1 + 1e-3)


@pytest.mark.parametrize(("peer", "name"), CASES, ids=[f"{p}: {n}" for p, n in CASES])
def test_an_operation_that_is_a_little_wrong_is_seen(
    peer: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    operations = PEERS[peer][name][0]
    # The two networks are lists of layers, which the other two operations of theirs read.
    for operation in set(operations) - {"lenet5", "alexnet"}:
        right = getattr(harness.ops, operation)
        with monkeypatch.context() as patch:
            patch.setattr(harness.ops, operation, lambda *a, right=right: off(right(*a)))
            with pytest.raises(AssertionError):
                compare_all(peer, name, 40, Phase.generate)
