"""Random geometries: the reference beside the libraries of other people."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from sources import EXAMPLES, PEERS

CASES = [(peer, name) for peer, comparisons in PEERS.items() for name in comparisons]


@pytest.mark.parametrize(("peer", "name"), CASES, ids=[f"{p}: {n}" for p, n in CASES])
def test_random_geometries(peer: str, name: str) -> None:
    _, strategy, compare = PEERS[peer][name]
    compared = 0

    @settings(
        derandomize=True,
        deadline=None,
        database=None,
        max_examples=EXAMPLES,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def run(case: object) -> None:
        nonlocal compared
        compare(case)
        compared += 1

    run()
    assert compared >= EXAMPLES
