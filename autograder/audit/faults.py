"""Faults of careless code, put round a right function as source text.

Whether a fault can be one at all for a function follows from what the function takes and gives
(`applies`), never from its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from textwrap import dedent, indent
from typing import Any

import numpy as np

from autograder.bank import Bank
from autograder.isolation.wire import RandomSource
from autograder.spec import IMPOSSIBLE, Case, Exercise, Refusal
from autograder.tolerance import arrays_of

Rule = Callable[[Exercise, Bank], bool]

TOOLS = '''
import numpy as _np


def _arrays(value):
    """All arrays in a value."""
    if isinstance(value, _np.ndarray):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [array for part in value for array in _arrays(part)]
    return []


def _each(value, change):
    """The value with all its arrays and numbers changed."""
    if isinstance(value, dict):
        return {key: _each(part, change) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_each(part, change) for part in value)
    if isinstance(value, (_np.ndarray, _np.generic, int, float)) and not isinstance(value, bool):
        return change(value)
    return value


def _wrong(value):
    return _each(value, lambda part: part + _np.asarray(1, getattr(part, "dtype", int))[()])


def _of_arrays(value, change):
    return _each(value, lambda part: change(part) if isinstance(part, _np.ndarray) else part)


def _of_floats(value, change):
    def changed(part):
        is_float = isinstance(part, (float, _np.floating)) or (
            isinstance(part, _np.ndarray) and part.dtype.kind == "f"
        )
        return change(part) if is_float else part

    return _each(value, changed)
'''


@dataclass(frozen=True)
class Fault:
    """One fault. `body` is what a call does; it may use `right`, the arguments and `kept`."""

    name: str
    says: str
    body: str
    applies: Rule

    def put_into(self, source: str, function: str) -> str:
        """A module's text with this function made faulty."""
        return (
            f"{source}\n{TOOLS}\n\n"
            f"def _faulty(right, kept):\n    def faulty(*arguments):\n"
            f"{indent(dedent(self.body).strip(), ' ' * 8)}\n    return faulty\n\n\n"
            f"{function} = _faulty({function}, {{}})\n"
        )


# --- what a function takes and gives


def _legal(bank: Bank) -> Iterator[Case]:
    return (case for case in bank.cases if not isinstance(case.expected, Refusal))


def always(exercise: Exercise, bank: Bank) -> bool:
    return True


def gives_arrays(exercise: Exercise, bank: Bank) -> bool:
    return any(arrays_of(case.expected) for case in _legal(bank))


def gives(dtype: Any) -> Rule:
    def rule(exercise: Exercise, bank: Bank) -> bool:
        return any(a.dtype == dtype for case in _legal(bank) for a in arrays_of(case.expected))

    return rule


def gives_floats(exercise: Exercise, bank: Bank) -> bool:
    return any(_has_float(case.expected) for case in _legal(bank))


def _has_float(value: Any) -> bool:
    parts = value if isinstance(value, tuple | list) else [value]
    return any(isinstance(part, float) for part in parts) or any(
        array.dtype.kind == "f" for array in arrays_of(value)
    )


def values_are_known(exercise: Exercise, bank: Bank) -> bool:
    """The values are compared with the reference's: there are not many right answers."""
    return not exercise.free and gives_floats(exercise, bank)


def takes_arrays(exercise: Exercise, bank: Bank) -> bool:
    return any(a.size for case in _legal(bank) for a in arrays_of(case.arguments))


def takes_numbers_to_remember(exercise: Exercise, bank: Bank) -> bool:
    """Calls of the same shapes can differ in their numbers, or in their generator."""
    return any(
        isinstance(value, RandomSource) or any(a.dtype.kind == "f" for a in arrays_of(value))
        for case in _legal(bank)
        for value in case.arguments.values()
    )


def may_be_its_argument(exercise: Exercise, bank: Bank) -> bool:
    """Somewhere the right result has the very values of an array that was given."""
    return any(
        a.size and a.dtype == e.dtype and np.array_equal(a, e)
        for case in _legal(bank)
        for a in arrays_of(list(case.arguments.values()))
        for e in arrays_of(case.expected)
    )


def has_batch(exercise: Exercise, bank: Bank) -> bool:
    """The first axis of an array argument is also that of the result, or of the next argument."""
    pairs = []
    for case in _legal(bank):
        given = [a for a in case.arguments.values() if isinstance(a, np.ndarray)]
        result = case.expected[0] if isinstance(case.expected, tuple) else case.expected
        others = [result] if isinstance(result, np.ndarray) else given[1:2]
        if not given or not others or not given[0].ndim or not others[0].ndim:
            return False
        pairs.append((given[0].shape[0], others[0].shape[0]))
    return len(set(pairs)) > 1 and all(a == b for a, b in pairs)


def gives_a_batch(exercise: Exercise, bank: Bank) -> bool:
    first = (c.expected[0] if isinstance(c.expected, tuple) else c.expected for c in _legal(bank))
    return has_batch(exercise, bank) and all(isinstance(part, np.ndarray) for part in first)


def is_called(times: int) -> Rule:
    """A judgement makes so many calls whose values are looked at; of a dear function, only one."""

    def rule(exercise: Exercise, bank: Bank) -> bool:
        calls = zip(bank.cases, bank.main, strict=True)
        return len({i for case, i in calls if not isinstance(case.expected, Refusal)}) >= times

    return rule


def refuses(exercise: Exercise, bank: Bank) -> bool:
    return IMPOSSIBLE in exercise.kinds


FAULTS = (
    Fault(
        "changes_its_argument",
        "the function adds 1 to a number of its argument",
        """
        result = right(*arguments)
        for array in _arrays(arguments):
            if array.size and array.flags.writeable:
                array[(0,) * array.ndim] += 1
                break
        return result
        """,
        takes_arrays,
    ),
    Fault(
        "returns_its_argument",
        "where nothing is to be done, the argument itself is returned",
        """
        result = right(*arguments)
        for array in _arrays(arguments):
            result = _of_arrays(
                result,
                lambda part: array
                if part.dtype == array.dtype and _np.array_equal(part, array)
                else part,
            )
        return result
        """,
        may_be_its_argument,
    ),
    Fault(
        "keeps_one_buffer",
        "all results of one shape are the same array",
        """
        def stored(array):
            buffer = kept.setdefault((array.shape, array.dtype), _np.empty_like(array))
            buffer[...] = array
            return buffer

        return _of_arrays(right(*arguments), stored)
        """,
        lambda exercise, bank: (
            gives_arrays(exercise, bank)
            and takes_numbers_to_remember(exercise, bank)
            and is_called(2)(exercise, bank)
        ),
    ),
    Fault(
        "remembers_by_shape",
        "the first result for arguments of a shape is given again",
        """
        def looks(value):
            if isinstance(value, _np.random.Generator):
                return "rng"
            if isinstance(value, _np.ndarray):
                return value.shape, value.dtype.str
            if isinstance(value, dict):
                return tuple((key, looks(part)) for key, part in value.items())
            if isinstance(value, (list, tuple)):
                return tuple(map(looks, value))
            return value

        key = looks(arguments)
        if key not in kept:
            kept[key] = right(*arguments)
        return _of_arrays(kept[key], _np.array)
        """,
        lambda exercise, bank: (
            takes_numbers_to_remember(exercise, bank) and is_called(2)(exercise, bank)
        ),
    ),
    Fault(
        "always_float64",
        "float32 becomes float64",
        "return _of_arrays(right(*arguments), lambda array: array.astype(_np.float64))",
        gives(np.float32),
    ),
    Fault(
        "always_float32",
        "float64 becomes float32",
        "return _of_arrays(right(*arguments), lambda array: array.astype(_np.float32))",
        gives(np.float64),
    ),
    Fault(
        "one_axis_more",
        "the result has an axis of length 1 in front",
        "return _of_arrays(right(*arguments), lambda array: array[None])",
        gives_arrays,
    ),
    Fault(
        "batch_of_one_dropped",
        "for a batch of one image the first axis is missing",
        """
        return _of_arrays(
            right(*arguments), lambda array: array[0] if len(array) == 1 else array
        )
        """,
        gives_a_batch,
    ),
    Fault("returns_none", "nothing is returned", "right(*arguments)", always),
    Fault(
        "wrong_from_the_second_call",
        "the first call is right, all others are not",
        """
        kept["calls"] = kept.get("calls", 0) + 1
        result = right(*arguments)
        return _wrong(result) if kept["calls"] >= 2 else result
        """,
        is_called(2),
    ),
    Fault(
        "wrong_from_the_50th_call",
        "49 calls are right, all others are not",
        """
        kept["calls"] = kept.get("calls", 0) + 1
        result = right(*arguments)
        return _wrong(result) if kept["calls"] >= 50 else result
        """,
        is_called(60),  # so that some cases of some law are left
    ),
    Fault(
        "fails_on_an_empty_batch",
        "an empty batch raises IndexError",
        """
        if any(array.ndim and not len(array) for array in _arrays(arguments)):
            raise IndexError("index 0 is out of bounds for axis 0 with size 0")
        return right(*arguments)
        """,
        has_batch,
    ),
    Fault(
        "forgets_axes_of_an_empty_batch",
        "an empty batch gives an empty array of one axis",
        """
        result = right(*arguments)
        if any(array.ndim and not len(array) for array in _arrays(arguments)):
            return _of_arrays(result, lambda array: _np.zeros(0, array.dtype))
        return result
        """,
        lambda exercise, bank: (
            gives_a_batch(exercise, bank)
            and any(a.ndim > 1 for case in _legal(bank) for a in arrays_of(case.expected))
        ),
    ),
    Fault(
        "wrong_above_a_size",
        "it is wrong where an axis is longer than 8",
        """
        result = right(*arguments)
        large = any(length > 8 for array in _arrays(arguments) for length in array.shape)
        return _wrong(result) if large else result
        """,
        takes_arrays,
    ),
    Fault(
        "off_by_a_millionth",
        "float64 numbers are wrong by a relative 1e-6",
        """
        def nearly(part):
            return part * (1 + 1e-6) if _np.asarray(part).dtype == _np.float64 else part

        return _of_floats(right(*arguments), nearly)
        """,
        values_are_known,
    ),
    Fault(
        "refuses_nothing",
        "impossible arguments give a zero",
        """
        try:
            return right(*arguments)
        except ValueError:
            return _np.zeros(1)
        """,
        refuses,
    ),
    Fault("always_refuses", "ValueError is always raised", 'raise ValueError("no")', always),
    Fault(
        "gives_nan",
        "all numbers are NaN",
        "return _of_floats(right(*arguments), lambda part: part * _np.nan)",
        gives_floats,
    ),
    Fault(
        "last_cell_is_off",
        "the last number is 0.001 too large",
        """
        result = right(*arguments)
        filled = [array for array in _arrays(result) if array.size and array.dtype.kind == "f"]
        if not filled:
            return _of_floats(result, lambda part: part + 1e-3)

        def off(array):
            if array is not filled[-1]:
                return array
            array = _np.array(array)
            array[(-1,) * array.ndim] += 1e-3
            return array

        return _of_arrays(result, off)
        """,
        values_are_known,
    ),
)


def applicable(exercise: Exercise, bank: Bank) -> list[Fault]:
    """The faults that can be faults of this function, and that its bank can show."""
    return [fault for fault in FAULTS if fault.applies(exercise, bank)]
