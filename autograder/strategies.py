"""How cases are drawn: the words in which a spec describes its inputs, and Hypothesis behind them.

A *kind* is a function `kind(draw) -> arguments`. Geometry is drawn choice by choice, so Hypothesis
can shrink it; arrays are filled from one drawn seed with small whole numbers, so sums are exact and
can be checked on paper. (Drawing every element was measured at 14 ms a case and 12 s to shrink;
geometry and a seed at 2 ms and 0.25 s.)
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from autograder.isolation.wire import RandomSource

Arguments = dict[str, Any]
LAST_FILL = 9999


class Draw:
    """The choices a kind can make. Every choice shrinks towards its first or smallest value."""

    def __init__(self, integer: Callable[[int, int], int]) -> None:
        self._integer = integer

    def size(self, low: int, high: int) -> int:
        """A whole number from low to high."""
        return self._integer(low, high)

    def choose(self, *options: Any) -> Any:
        """One of the options."""
        return options[self.size(0, len(options) - 1)]

    def pair(self, low: int, high: int) -> tuple[int, int]:
        """Two whole numbers: rows and columns."""
        return self.size(low, high), self.size(low, high)

    def unlike_pair(self, low: int, high: int) -> tuple[int, int]:
        """Two different whole numbers: the only pairs that show swapped axes."""
        first = self.size(low, high)
        second = self.size(low, high - 1)
        return first, second + (second >= first)

    def whole(
        self, *shape: int, low: int = -4, high: int = 4, dtype: Any = np.float64
    ) -> np.ndarray:
        """An array of small whole numbers."""
        return self._rng().integers(low, high + 1, size=shape).astype(dtype)

    def real(self, *shape: int, dtype: Any = np.float64) -> np.ndarray:
        """An array of normal draws: they show errors of rounding and of precision."""
        return self._rng().standard_normal(shape).astype(dtype)

    def shuffled(self, *shape: int, dtype: Any = np.float64) -> np.ndarray:
        """Distinct whole numbers around zero in random order: no ties, both signs."""
        count = int(np.prod(shape))
        return (self._rng().permutation(count) - count // 2).reshape(shape).astype(dtype)

    def labels(self, count: int, classes: int) -> np.ndarray:
        """Class indices (N,)."""
        return self._rng().integers(0, classes, size=count)

    def generator(self) -> RandomSource:
        """A seeded `np.random.Generator`, made in the worker."""
        return RandomSource(self.size(0, LAST_FILL))

    def need(self, condition: bool) -> None:
        """Give this case up, and draw another one, unless the condition holds."""
        from hypothesis import assume

        assume(condition)

    def layout(self, array: np.ndarray) -> np.ndarray:
        """The same values, laid out in memory in another legal way."""
        kind = self.choose("reversed", "strided", "fortran", "read-only")
        if kind == "reversed":
            every = (slice(None, None, -1),) * array.ndim
            return np.ascontiguousarray(array[every])[every]
        if kind == "strided":
            larger = np.repeat(array, 2, axis=-1)
            return larger[..., ::2]
        copy = np.array(array, order="F" if kind == "fortran" else "C")
        copy.flags.writeable = kind == "fortran"
        return copy

    def _rng(self) -> np.random.Generator:
        return np.random.default_rng(self.size(0, LAST_FILL))


Kind = Callable[[Draw], Arguments]


def number(*parts: str) -> int:
    """A seed made from words: the same words give the same cases on every machine."""
    return int.from_bytes(hashlib.sha256("\0".join(parts).encode()).digest()[:8], "little")


def draw_cases(kind: Kind, seed: int, count: int) -> list[Arguments]:
    """The first `count` cases of a kind, smallest first."""
    found: list[Arguments] = []
    _run(kind, seed, count, found.append)
    return sorted(found, key=weight)


def smallest(
    kind: Kind, seed: int, count: int, fails: Callable[[Arguments], bool]
) -> Arguments | None:
    """The smallest failing case that Hypothesis finds when it starts from the cases drawn."""
    best: list[Arguments] = []

    def test(arguments: Arguments) -> None:
        if fails(arguments):
            if not best or weight(arguments) <= weight(best[0]):
                best[:] = [arguments]
            raise _Found

    with suppress(_Found):
        _run(kind, seed, count, test)
    return best[0] if best else None


class _Found(Exception):
    """A case that fails, told to Hypothesis."""


def _run(kind: Kind, seed: int, count: int, test: Callable[[Arguments], None]) -> None:
    # Imported here: most checks replay cases that are kept, and draw none.
    import hypothesis
    from hypothesis import HealthCheck, Phase
    from hypothesis import strategies as st

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        report_multiple_bugs=False,
        print_blob=False,
        verbosity=hypothesis.Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
        backend="hypothesis",
    )
    @hypothesis.given(st.data())
    def run(data: st.DataObject) -> None:
        test(kind(Draw(lambda low, high: data.draw(st.integers(low, high)))))

    with _no_constants_of_the_caller():
        run()


@contextmanager
def _no_constants_of_the_caller() -> Iterator[None]:
    """Hypothesis mixes constants found in the modules of the running program into its draws.

    Cases must not depend on what else happens to be imported: `pytest` and `check` have to judge
    alike. There is no public switch; a test tells when this one stops working.
    """
    from hypothesis.internal.conjecture import providers

    original = providers._get_local_constants
    nothing = type(providers._local_constants)()
    providers._get_local_constants = lambda: nothing
    # What was drawn before in this process has left its constants in this cache.
    providers.CONSTANTS_CACHE.cache.clear()
    try:
        yield
    finally:
        providers._get_local_constants = original
        providers.CONSTANTS_CACHE.cache.clear()


def weight(value: Any) -> tuple[int, float]:
    """Orders cases: fewer numbers first, then smaller ones."""
    if isinstance(value, np.ndarray):
        finite = value[np.isfinite(value)] if value.dtype.kind == "f" else value
        return value.size, float(np.abs(finite.astype(float)).sum())
    if isinstance(value, dict):
        return weight(list(value.values()))
    if isinstance(value, list | tuple):
        parts = [weight(v) for v in value]
        return sum(n for n, _ in parts), sum(s for _, s in parts)
    if isinstance(value, bool | int | float):
        return 0, abs(float(value))
    return 0, 0.0
