"""The arithmetic behind one expected number, found by probing the reference.

Which cells an output reads: put NaN into one cell after another and see whether the output becomes
NaN. With which weight: put 1 into that cell and 0 into all others, and number the weights; the
output is the weight's number. Counterexamples are small, so a handful of calls suffices, and no
formula is written a second time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograder.compare import number

Arguments = dict[str, Any]
Index = tuple[int, ...]
# Cells that are probed, a call or two each.
MAX_CELLS = 1024
# Terms that fit into one line.
MAX_TERMS = 12
# Terms that fit on a screen; of longer sums the first and the last are shown.
MAX_STEPS = 9


@dataclass(frozen=True)
class Step:
    """One line of the arithmetic.

    what     what is computed: `x[0,1] * w[0,0]`
    numbers  the same with the numbers put in: `3 * -1`; may be empty
    value    what it gives
    """

    what: str
    numbers: str
    value: str


@dataclass(frozen=True)
class Working:
    """How one expected number comes about.

    steps  line by line; the last one gives the number
    line   all of it as one expression, where it is short enough
    """

    steps: tuple[Step, ...]
    line: str = ""


Explain = Callable[[Arguments, str, Index], Working | None]


def sums(function: Callable[..., Any], image: str, weights: Any = "", bias: str = "") -> Explain:
    """For functions that are linear in `image`: products with weights, summed, plus a bias perhaps.

    `weights` names the argument that holds the weights; it maps each output to it where the
    function has several outputs. Without such an argument, every cell counts whole or as an equal
    share.
    """

    def working(arguments: Arguments, name: str, index: Index) -> Working | None:
        x = arguments[image]
        several = isinstance(weights, Mapping)
        if x.size > MAX_CELLS or (several and name not in weights):
            return None
        by = weights[name] if several else weights
        codes = {**arguments, by: numbered(arguments[by])} if by else arguments
        if bias:
            codes = {**codes, bias: np.zeros_like(arguments[bias])}

        def at(values: np.ndarray, others: Arguments = arguments) -> float:
            result = function(**{**others, image: values})
            return float((result[list(weights).index(name)] if several else result)[index])

        x = x.astype(np.float64)
        nothing = np.zeros_like(x)
        offset, coded_offset = at(nothing), at(nothing, codes)
        factors = []
        for cell in np.ndindex(x.shape):
            probe = nothing.copy()
            probe[cell] = np.nan
            if not np.isnan(at(probe)):
                continue
            probe[cell] = 1.0
            source = ""
            if by:
                code = at(probe, codes) - coded_offset
                source = spot(by, arguments[by], code) if code else "the padding"
            weight = at(probe) - offset
            factors.append((spot_of(image, cell), float(x[cell]), source, weight))
        terms = products(factors)
        line = [f"{number(v)}*{number(weight)}" for _, v, _, weight in factors]
        steps = shortened(terms)
        if by and not several and (missed := _taps(arguments[by]) - len(terms)) > 0:
            meets = "weight meets a zero" if missed == 1 else "weights meet zeros"
            steps.append(Step(f"{missed} {meets} outside of {image}", "", "0"))
        if bias:
            place = {**arguments, bias: numbered(arguments[bias])}
            which = spot(bias, arguments[bias], at(nothing, place))
            steps.append(Step(which, "", number(offset)))
            if offset or not terms:
                line.append(number(offset))
        if not steps:
            return Working((Step("nothing flows here", "", "0"),))
        steps.append(Step("the sum", "", number(at(x))))
        return Working(tuple(steps), joined(line))

    return working


def mean(function: Callable[..., Any], image: str) -> Explain:
    """For functions that give the mean of the cells they read."""

    def working(arguments: Arguments, name: str, index: Index) -> Working | None:
        cells = _read(function, arguments, image, index)
        if not cells:
            return None
        values = [float(arguments[image][cell]) for cell in cells]
        terms = [Step(spot_of(image, c), "", number(v)) for c, v in zip(cells, values, strict=True)]
        total, count = number(sum(values)), len(cells)
        last = Step("the sum, divided by their number", f"{total} / {count}", _mean(values))
        line = f"({joined([number(v) for v in values])}) / {count}" if count <= MAX_TERMS else ""
        return Working((*shortened(terms), last), line)

    return working


def maximum(function: Callable[..., Any], image: str) -> Explain:
    """For functions that pick the largest of the cells they read."""

    def working(arguments: Arguments, name: str, index: Index) -> Working | None:
        cells = _read(function, arguments, image, index)
        if not cells:
            return None
        values = [number(arguments[image][cell]) for cell in cells]
        steps = [Step(spot_of(image, c), "", v) for c, v in zip(cells, values, strict=True)]
        if len(steps) > MAX_STEPS:
            rest = Step(f"… {len(steps) - 2 * (MAX_STEPS // 2)} more", "", "")
            steps = [*steps[: MAX_STEPS // 2], rest, *steps[-(MAX_STEPS // 2) :]]
        largest = number(max(float(arguments[image][cell]) for cell in cells))
        line = f"max({', '.join(values)})" if len(values) <= MAX_TERMS else ""
        return Working((*steps, Step("the largest", "", largest)), line)

    return working


def copy_of(function: Callable[..., Any], image: str) -> Explain:
    """For functions that only move numbers: which cell a number comes from."""

    def working(arguments: Arguments, name: str, index: Index) -> Working | None:
        x = arguments[image]
        code = float(function(**{**arguments, image: numbered(x)})[index])
        if code == 0:
            return Working((Step(f"the border, no cell of {image}", "", "0"),))
        source = f"a copy of {spot(image, x, code)}"
        return Working((Step(source, "", number(x.flat[round(code) - 1])),))

    return working


def products(factors: Sequence[tuple[str, float, str, float]]) -> list[Step]:
    """Steps of (cell, its number, weight's cell, the weight); without a cell, whole or a share."""
    wide = max((len(number(x)) for _, x, _, _ in factors), default=0)
    wider = max((len(number(w)) for _, _, _, w in factors), default=0)
    steps = []
    for cell, x, source, weight in factors:
        value = number(x * weight)
        if source:
            numbers = f"{number(x):>{wide}} * {number(weight):>{wider}}"
            steps.append(Step(f"{cell} * {source}", numbers, value))
        elif weight == 1:
            steps.append(Step(cell, "", value))
        else:
            share = number(1 / weight)
            steps.append(Step(f"{cell} / {share}", f"{number(x):>{wide}} / {share}", value))
    return steps


def shortened(terms: Sequence[Step]) -> list[Step]:
    """A long sum without its zeros and, if it is still too long, without its middle."""
    if len(terms) <= MAX_STEPS:
        return list(terms)
    kept = [term for term in terms if float(term.value) != 0]
    zeros = len(terms) - len(kept)
    if not kept:
        return [Step(f"all {zeros} terms are", "", "0")]
    if len(kept) > MAX_STEPS:
        end = MAX_STEPS // 2
        middle = kept[end:-end]
        together = number(sum(float(term.value) for term in middle))
        rest = Step(f"… {len(middle)} more terms, together", "", together)
        kept = [*kept[:end], rest, *kept[-end:]]
    if zeros:
        more = "the other term is" if zeros == 1 else f"the other {zeros} terms are"
        kept.append(Step(more, "", "0"))
    return kept


def numbered(array: np.ndarray) -> np.ndarray:
    """The cells' own numbers, from 1 on: what comes out tells where it came from."""
    return np.arange(1.0, array.size + 1).reshape(array.shape)


def spot(name: str, array: np.ndarray, code: float) -> str:
    """The cell of an array that has this number."""
    return spot_of(name, tuple(int(i) for i in np.unravel_index(round(code) - 1, array.shape)))


def spot_of(name: str, cell: Index) -> str:
    """A cell as it is written: x[0,0,1,2]."""
    return f"{name}[{','.join(map(str, cell))}]"


def joined(terms: Sequence[str]) -> str:
    """A sum as it is written on paper; nothing where it is too long to read."""
    if not terms or len(terms) > MAX_TERMS:
        return ""
    return signed(" + ".join(terms))


def signed(sum_of_numbers: str) -> str:
    """Without the two signs that a negative number brings: 3 - 2 for 3 + -2."""
    return sum_of_numbers.replace("+ -", "- ").replace("- -", "+ ")


def _taps(weights: np.ndarray) -> int:
    """Numbers of one filter: of (O, C, KH, KW) without the first axis, of (KH, KW) all."""
    return int(np.prod(weights.shape[-3:]))


def _mean(values: Sequence[float]) -> str:
    return number(sum(values) / len(values))


def _read(
    function: Callable[..., Any], arguments: Arguments, image: str, index: Index
) -> list[Index]:
    """The cells of the image that one output reads; none where there are too many to try."""
    x = arguments[image].astype(np.float64)
    if x.size > MAX_CELLS:
        return []
    found = []
    for cell in np.ndindex(x.shape):
        probe = np.zeros_like(x)
        probe[cell] = np.nan
        if np.isnan(function(**{**arguments, image: probe})[index]):
            found.append(cell)
    return found
