"""Makes the arrays of a failing case short, and their numbers few and plain.

Axes are cut first, equal ones together. Then comes delta debugging (Zeller and Hildebrandt 2002) on
the cells of all arrays: as many as possible become 0, and the others 1 or -1. Candidates are tried
many at a time, since a round trip to the worker costs as much as dozens of calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import accumulate
from typing import Any

import numpy as np

from autograder.isolation import wire
from autograder.spec import Arguments

# Whether each of these arguments still shows the failure: 0 if not, and 2 if it does so best.
Failing = Callable[[Sequence[Arguments]], Sequence[int]]
Change = Callable[[Arguments], Arguments]
Path = tuple[Any, ...]  # to an array: an argument's name, then keys of dictionaries and lists
Axis = tuple[Path, int, int]  # of an array: the way to it, how many axes it has, and which it is
# Parts of one size that a large array is cut into, and the most of them; as many single cells are
# tried one by one.
PARTS = 4
# With more numbers than these, an array is easier to read when all of them are 1.
FEW = 4
MAX_CELLS = 64


def simplest(arguments: Arguments, least: Mapping[Axis, int], failing: Failing) -> Arguments:
    """Axes as short, and as many zeros and then ones, as still show the failure.

    An axis gets no shorter than in `least`; one that is not in there may have any length.
    """
    arguments = _shortened(arguments, least, failing)
    paths = [path for path, _ in arrays(arguments)]
    arguments = _merged(
        arguments, [partial(_changed, path=p, change=_plain) for p in paths], failing
    )
    arguments = _merged(arguments, [partial(_filled, path=p, number=0) for p in paths], failing)
    for path in paths:
        arguments = _narrowed(arguments, path, failing)
    crowded = [p for p, a in arrays(arguments) if np.count_nonzero(a) > FEW and _real(a)]
    arguments = _merged(arguments, [partial(_filled, path=p, number=1) for p in crowded], failing)
    for number in (0, 1, -1):
        places = list(_places(arguments, number))
        if len(places) <= MAX_CELLS:
            changes = [
                partial(_filled, path=path, number=number, cells=[cell]) for path, cell in places
            ]
            arguments = _merged(arguments, changes, failing)
    return arguments


def arrays(value: Any, path: Path = ()) -> Iterator[tuple[Path, np.ndarray]]:
    """The arrays of numbers inside a value, and the way to each."""
    if isinstance(value, np.ndarray):
        if value.size and value.dtype.kind in "fiu":
            yield path, value
    elif isinstance(value, dict | list | tuple):
        for key, entry in value.items() if isinstance(value, dict) else enumerate(value):
            yield from arrays(entry, (*path, key))


def shortest_axes(cases: Iterable[Arguments]) -> dict[Axis, int]:
    """The shortest that each axis of each array is in any case; arrays without numbers aside."""
    least: dict[Axis, int] = {}
    for arguments in cases:
        for axis, length in _axes(arguments):
            least[axis] = min(length, least.get(axis, length))
    return least


def _axes(arguments: Arguments) -> Iterator[tuple[Axis, int]]:
    for path, array in arrays(arguments):
        for number, length in enumerate(array.shape):
            yield (path, array.ndim, number), length


def _shortened(arguments: Arguments, least: Mapping[Axis, int], failing: Failing) -> Arguments:
    """With shorter axes: all of one length, since they may belong together, or one alone."""
    again = True
    while again:
        again = False
        axes = [(axis, n) for axis, n in _axes(arguments) if n > least.get(axis, 1)]
        lengths = sorted({n for _, n in axes}, reverse=True)
        groups = [[axis for axis, n in axes if n == length] for length in lengths]
        groups += [[axis] for axis, _ in axes]
        lengths += [n for _, n in axes]
        for group, length in zip(groups, lengths, strict=True):
            low = max(least.get(axis, 1) for axis in group)
            shorter = sorted({low, low + 1, length // 2, length - 1} & set(range(low, length)))
            candidates = [_cut(arguments, group, n) for n in shorter]
            results = failing(candidates)
            found = next((c for c, fails in zip(candidates, results, strict=True) if fails), None)
            if found is not None:
                arguments, again = found, True
                break
    return arguments


def _cut(arguments: Arguments, axes: Sequence[Axis], length: int) -> Arguments:
    """With these axes of arrays cut to a length."""
    for path, _, number in axes:
        place = (slice(None),) * number + (slice(length),)

        def change(array: np.ndarray, place: tuple[slice, ...] = place) -> np.ndarray:
            return wire.Arrangement.of(array[place], wire.layout(array)).copy()

        arguments = _changed(arguments, path, change)
    return arguments


def _narrowed(arguments: Arguments, path: Path, failing: Failing) -> Arguments:
    """With as few numbers in one array as delta debugging finds, the others being 0."""
    count = PARTS
    while (cells := np.flatnonzero(_at(arguments, path))).size > 1:
        parts = np.array_split(cells, min(cells.size, count))
        others = [np.setdiff1d(cells, part) for part in parts]
        only = [_filled(arguments, path, 0, other) for other in others]
        results = failing(only)
        found = only[results.index(max(results))]
        if not any(results):
            changes = [partial(_filled, path=path, number=0, cells=part) for part in parts]
            found = _merged(arguments, changes, failing)
        if found is arguments:
            if count >= min(cells.size, MAX_CELLS):
                break
            count *= PARTS
        arguments = found
    return arguments


def _merged(arguments: Arguments, changes: Sequence[Change], failing: Failing) -> Arguments:
    """With as many of the changes as the failure survives together."""
    candidates = [change(arguments) for change in changes]
    alone = [c for c, fails in zip(changes, failing(candidates), strict=True) if fails]
    while alone:
        steps = list(accumulate(alone, lambda a, change: change(a), initial=arguments))[1:]
        together = [*failing(steps), 0].index(0)
        arguments = steps[together - 1] if together else arguments
        alone = alone[together + 1 :]
    return arguments


def _places(arguments: Arguments, number: int) -> Iterator[tuple[Path, int]]:
    """The cells that could be this number, and are none that is simpler."""
    for path, array in arrays(arguments):
        if (number and not _real(array)) or (_uniform(array) and array.flat[0] in (0, 1)):
            continue
        for cell in np.flatnonzero(array != 0):
            if number == 0 or array.flat[cell] not in (1, number):
                yield path, int(cell)


def _filled(arguments: Arguments, path: Path, number: int, cells: Any = None) -> Arguments:
    """With this number in the cells of an array, or in all of them."""

    def change(array: np.ndarray) -> np.ndarray:
        values = np.array(array, order="C")
        values.flat[slice(None) if cells is None else cells] = number
        return wire.Arrangement.of(values, wire.layout(array)).copy()

    return _changed(arguments, path, change)


def _plain(array: np.ndarray) -> np.ndarray:
    """The same numbers, one after the other in memory."""
    return np.array(array, order="C")


def _changed(
    arguments: Arguments, path: Path, change: Callable[[np.ndarray], np.ndarray]
) -> Arguments:
    """With one array changed; the rest is shared."""
    changed: Arguments = _replaced(arguments, path, change)
    return changed


def _replaced(value: Any, path: Path, change: Callable[[np.ndarray], np.ndarray]) -> Any:
    if not path:
        return change(value)
    key, *rest = path
    copy = list(value) if isinstance(value, tuple) else value.copy()
    copy[key] = _replaced(value[key], tuple(rest), change)
    return tuple(copy) if isinstance(value, tuple) else copy


def _at(value: Any, path: Path) -> Any:
    """What is at the end of a way."""
    for key in path:
        value = value[key]
    return value


def _uniform(array: np.ndarray) -> bool:
    return bool((array == array.flat[0]).all())


def _real(array: np.ndarray) -> bool:
    return array.dtype.kind == "f"
