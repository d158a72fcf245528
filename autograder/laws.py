"""The laws that many functions share. A spec adds its own beside them.

Each constructor takes the sentence where it differs from function to function, the points, and the
kinds of cases it is judged on. A law that could hold for a function which computes nothing (shape
aside) needs another law first.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from autograder.compare import Mismatch, mismatch
from autograder.spec import IMPOSSIBLE, Arguments, Case, Exercise, Law, Refusal

if TYPE_CHECKING:
    from autograder.isolation.calls import Answer

# Memory that two calls share shows in any case that has numbers at all.
ENOUGH_REREAD = 3


def agrees(
    points: float,
    *kinds: str,
    name: str = "agrees",
    says: str = "every value equals the definition's",
) -> Law:
    """Every value equals the reference's, within the derived tolerance."""
    return Law(name, says, points, _agrees, kinds)


def _agrees(exercise: Exercise, case: Case, answers: Sequence[Answer]) -> Mismatch | None:
    return mismatch(answers[0].value, case.expected, case.tolerance, exercise.returns)


def shape(says: str, points: float = 1.0, *kinds: str) -> Law:
    """The answer has the right parts, and each the right shape."""
    return Law("shape", says, points, _shape, kinds, structural=True)


def _shape(exercise: Exercise, case: Case, answers: Sequence[Answer]) -> Mismatch | None:
    return mismatch(answers[0].value, case.expected, 0.0, exercise.returns, values=False)


def dtype(
    points: float = 0.5,
    *kinds: str,
    says: str = "float32 and float64 stay, integers become float64",
    needs: str = "",
) -> Law:
    """The answer's arrays have the dtype of the reference's."""
    return Law("dtype", says, points, _dtype, kinds, needs=needs, structural=True)


def _dtype(exercise: Exercise, case: Case, answers: Sequence[Answer]) -> Mismatch | None:
    return _dtypes(answers[0].value, case.expected, exercise.returns)


def _dtypes(yours: Any, expected: Any, names: Sequence[str]) -> Mismatch | None:
    if isinstance(expected, dict) and isinstance(yours, dict):
        pairs = [(yours.get(k), e, f"{names[0]}[{k!r}]") for k, e in expected.items()]
    elif isinstance(expected, tuple | list) and isinstance(yours, tuple | list):
        labels = names if len(names) == len(expected) else [names[0]] * len(expected)
        pairs = list(zip(yours, expected, labels, strict=False))
    elif isinstance(expected, np.ndarray):
        found = getattr(yours, "dtype", None)
        if found == expected.dtype:
            return None
        what = "no array" if found is None else found
        text = f"{names[0]} is {what}; it should be {expected.dtype}"
        return Mismatch(text, names[0], None, yours, expected)
    else:
        return None
    for y, e, name in pairs:
        if (found := _dtypes(y, e, (name,))) is not None:
            return found
    return None


def untouched(points: float = 0.5, *kinds: str, needs: str = "shape") -> Law:
    """The arguments are as they were, and the result is an array of its own."""
    says = "arguments stay unchanged; the result is an array of its own"
    return Law("untouched", says, points, _untouched, kinds, needs=needs, structural=True)


def _untouched(exercise: Exercise, case: Case, answers: Sequence[Answer]) -> Mismatch | None:
    answer = answers[0]
    if answer.touched:
        return Mismatch(f"the call changed its argument {answer.touched[0]}")
    if answer.shares:
        return Mismatch(f"the result is a view of the argument {answer.shares[0]}; copy it")
    return None


def tidy(points: float, says: str, *kinds: str, needs: str) -> Law:
    """The laws `dtype` and `untouched` in one, for functions with much else to be judged."""

    def judge(exercise: Exercise, case: Case, answers: Sequence[Answer]) -> Mismatch | None:
        return _dtype(exercise, case, answers) or _untouched(exercise, case, answers)

    return Law("tidy", says, points, judge, kinds, needs=needs, structural=True)


def fresh(points: float = 0.5, *kinds: str, needs: str = "agrees") -> Law:
    """A second call with other values neither changes the first result nor remembers it."""
    says = "a second call neither changes nor repeats the first result"
    return Law("fresh", says, points, _fresh, kinds, _with_other_values, ENOUGH_REREAD, needs)


def _with_other_values(arguments: Arguments) -> Sequence[Arguments]:
    return arguments, {name: other_values(value) for name, value in arguments.items()}


def other_values(value: Any) -> Any:
    """The same shapes and dtypes with other numbers, in another order, in every float array."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return np.asarray(1 - value * 2, dtype=value.dtype)
    if isinstance(value, dict):
        return {key: other_values(v) for key, v in value.items()}
    if isinstance(value, list):
        return [other_values(v) for v in value]
    return value


def _fresh(exercise: Exercise, case: Case, answers: Sequence[Answer]) -> Mismatch | None:
    if len(answers) == 1:
        return None  # one call shows nothing of a second one
    first, second, again = answers
    if _changed(first, again):
        return Mismatch("a second call, with other values, changed the result of the first")
    other = _other_case(exercise, case)
    wrong = mismatch(second.value, other.expected, other.tolerance, exercise.returns)
    if wrong is None:
        return None
    if mismatch(first.value, case.expected, case.tolerance, exercise.returns) is not None:
        return wrong
    return Mismatch(
        f"right on the first call, wrong on a second one with other values: {wrong.message}"
    )


def _other_case(exercise: Exercise, case: Case) -> Case:
    """The case of the second call."""
    arguments = _with_other_values(case.arguments)[1]
    made: Case = case.once("other values", lambda: exercise.case(case.kind, arguments))
    return made


def _changed(first: Answer, again: Answer) -> bool:
    """Whether a kept result is another one when it is read once more."""
    same = first.node == again.node and first.body == again.body
    return not same and mismatch(again.value, first.value, 0.0) is not None


def lasting(law: Law) -> Law:
    """A law about one result, and that a second call neither changes nor repeats this result.

    For functions with too few points for `fresh`: whether the second result is right is not asked.
    """

    def judge(exercise: Exercise, case: Case, answers: Sequence[Answer]) -> Mismatch | None:
        if (wrong := law.judge(exercise, case, answers)) is not None:
            return wrong
        if len(answers) == 1:
            return None  # one call shows nothing of a second one
        first, second, again = answers
        if _changed(first, again):
            return Mismatch("a second call, with other values, changed the result of the first")
        if first.node == second.node and first.body == second.body:
            other = _other_case(exercise, case).expected
            if mismatch(other, case.expected, 0.0) is not None:
                return Mismatch("a second call, with other values, gave the first result again")
        return None

    return dataclasses.replace(law, judge=judge, calls=_with_other_values, reread=ENOUGH_REREAD)


def refuses(says: str, points: float = 0.5) -> Law:
    """Geometry that cannot be raises ValueError."""
    return Law("refuses", says, points, _refuses, (IMPOSSIBLE,), raising=True)


def _refuses(exercise: Exercise, case: Case, answers: Sequence[Answer]) -> Mismatch | None:
    answer = answers[0]
    if "ValueError" in answer.raised:
        return None
    assert isinstance(case.expected, Refusal)
    reason = f"it should raise ValueError: {case.expected.message}"
    if answer.status == "value":
        return Mismatch(f"no exception; {reason}")
    return Mismatch(f"{answer.message.splitlines()[0]}\n{reason}")


def shifted(
    name: str,
    says: str,
    points: float,
    change: Callable[[Arguments], Arguments],
    relation: Callable[[Arguments, Any, Any], tuple[Any, Any] | None],
    *kinds: str,
    needs: str = "agrees",
) -> Law:
    """A metamorphic law: what a known change of the arguments does to the result.

    `relation(arguments, before, after)` gives the pair (what is, what should be), compared within
    the exercise's tolerance.
    """

    def judge(exercise: Exercise, case: Case, answers: Sequence[Answer]) -> Mismatch | None:
        changed: Case = case.once(
            f"changed for {name}", lambda: exercise.case(case.kind, change(case.arguments))
        )
        before, after = (answer.value for answer in answers)
        for value, expected in ((before, case.expected), (after, changed.expected)):
            wrong = mismatch(value, expected, 0.0, exercise.returns, values=False)
            if wrong is not None:
                return wrong
        pair = relation(case.arguments, before, after)
        if pair is None:
            return None
        allowed = 2 * largest_of(changed.tolerance)
        wrong = mismatch(pair[0], pair[1], allowed, exercise.returns)
        return wrong and dataclasses.replace(wrong, arguments=changed.arguments)

    return Law(name, says, points, judge, kinds, lambda a: (a, change(a)), needs=needs)


def largest_of(tolerance: Any) -> float:
    """The largest number inside a tolerance."""
    if isinstance(tolerance, dict):
        return max((largest_of(t) for t in tolerance.values()), default=0.0)
    if isinstance(tolerance, tuple | list):
        return max((largest_of(t) for t in tolerance), default=0.0)
    return float(np.max(tolerance, initial=0.0))
