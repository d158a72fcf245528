"""Explains a failed law: the smallest input that shows it, and the mistake by its name."""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from autograder.bank import Bank, Seed, calls_for
from autograder.compare import Mismatch, mismatch
from autograder.isolation.calls import Answer, Encoded
from autograder.isolation.parent import Session
from autograder.judgement import Failure, judge_case
from autograder.laws import largest_of
from autograder.outline import numbers_in, outline
from autograder.pattern import pattern
from autograder.simplify import Axis, arrays, shortest_axes, simplest
from autograder.spec import IMPOSSIBLE, Arguments, Case, Exercise, Law, Refusal
from autograder.tolerance import arrays_of
from autograder.verdict import Counterexample, LawResult

# Fatal ends cost a worker each, so for them the smallest case at hand must do.
SHRINKABLE = ("fail", "error")
# So many of them are allowed while a case is made smaller.
MAX_FATAL = 3
# More numbers than these are hard to work out on paper; then so many kinds of cases are tried.
SMALL = 16
MAX_KINDS = 3
# Cases tried to make the numbers of one simpler, and how many numbers they may have together:
# a call with ten thousand numbers may take plain loops a second.
MAX_CASES = 600
MAX_TRIED = 500_000
# What may differ in two refusals for the same reason: numbers, and shapes of them.
NUMBERS = r"[-\d., ()]+"
# Numbers of one array that may stand in a snippet.
MAX_PASTED = 200


def explain(
    exercise: Exercise,
    law: Law,
    failures: Sequence[Failure],
    bank: Bank,
    answers: Sequence[Answer],
    session: Session,
    seed: Seed,
) -> LawResult:
    """The law's result, with counterexample and, where one fits, misconception."""
    first = failures[0]
    smallest = first
    if first.at_import:
        return LawResult(law.name, law.says, first.status, law.points, first.message)
    idea = misconception(exercise, failures, bank, answers)
    if first.status in SHRINKABLE:
        smallest = Examiner(exercise, law, session, idea).shrink(failures, bank, seed)
    example = None
    if smallest.case.arguments or smallest.mismatch is not None:
        example = counterexample(exercise, smallest)
    return LawResult(
        law.name,
        law.says,
        smallest.status,
        law.points,
        smallest.message,
        idea.__name__ if idea is not None else "",
        advice(idea) if idea is not None else "",
        example,
        _formula(exercise, smallest),
        pattern_of(failures) if idea is None else "",
    )


def _formula(exercise: Exercise, failure: Failure) -> tuple[str, ...]:
    """The definition, where an exception, a wrong number or a wrong shape is to be explained."""
    wrong = failure.mismatch
    if wrong is None:
        return exercise.formula if failure.status == "error" else ()
    shapes = [getattr(value, "shape", None) for value in (wrong.yours, wrong.expected)]
    if not wrong.name or (wrong.index is None and shapes[0] == shapes[1]):
        return ()
    others = set(exercise.returns) - {wrong.name}
    return tuple(line for line in exercise.formula if line.split()[0] not in others)


def pattern_of(failures: Sequence[Failure]) -> str:
    """What all wrong answers have in common; nothing where the law looks at other values."""
    pairs = []
    for failure in failures:
        wrong = failure.mismatch
        if wrong is None or not any(wrong.expected is e for e in _parts(failure.case.expected)):
            return ""
        pairs.append((wrong.name, wrong.yours, wrong.expected))
    return pattern(pairs)


class Examiner:
    """Tries one law on cases of its own making; a misconception that is named must show there."""

    def __init__(
        self,
        exercise: Exercise,
        law: Law,
        session: Session,
        idea: Callable[..., Any] | None = None,
    ) -> None:
        self.exercise = exercise
        self.law = law
        self.session = session
        self.idea = idea
        self.fatal = 0

    def failures(self, kind: str, candidates: Sequence[Arguments]) -> list[Failure | None]:
        """The law on each candidate; one batch to the worker."""
        cases = [self._case(kind, arguments) for arguments in candidates]
        batches = [calls_for(self.law, case.arguments) if case else [] for case in cases]
        answers = self.session.ask(
            self.exercise.topic,
            self.exercise.name,
            [call for batch in batches for call in batch],
            seconds=self.exercise.seconds,
        )
        self.fatal += any(answer.status not in ("value", *SHRINKABLE) for answer in answers)
        found = []
        at = 0
        for case, batch in zip(cases, batches, strict=True):
            mine = answers[at : at + len(batch)]
            at += len(batch)
            found.append(self._failure(case, mine) if case else None)
        return found

    def _case(self, kind: str, arguments: Arguments) -> Case | None:
        """The case of these arguments; none if the kind cannot have them."""
        try:
            with np.errstate(all="ignore"):
                case = self.exercise.case(kind, arguments)
        except Exception:  # cut arrays may be such that not even the reference foresaw them
            return None
        return case if isinstance(case.expected, Refusal) == (kind == IMPOSSIBLE) else None

    def _failure(self, case: Case, answers: Sequence[Answer]) -> Failure | None:
        failure = judge_case(self.exercise, self.law, case, answers)
        if failure is None or self.idea is None:
            return failure
        return failure if _fits(self.exercise, self.idea, case, answers[0]) else None

    def shrink(self, failures: Sequence[Failure], bank: Bank, seed: Seed) -> Failure:
        """The smallest case on which the law fails in the same way."""
        alike = [failure for failure in failures if failure.status == failures[0].status]
        # The kinds are ordered from plain to special: a special one only if it is much smaller.
        kinds = list(dict.fromkeys(failure.case.kind for failure in alike))[:MAX_KINDS]
        found: list[Failure] = []
        for kind in kinds:
            here = [failure for failure in alike if failure.case.kind == kind]
            if found and min(_size(failure) for failure in here) >= min(map(_size, found)):
                continue
            found.append(self._smallest(here, bank, seed))
            if _size(found[-1]) <= SMALL:
                break
        smallest = min(found, key=lambda failure: _weight(failure.case))
        # Sizes that no legal case has might be fixed by the task: they stay.
        legal = [case.arguments for case in bank.cases if case.kind != IMPOSSIBLE]
        return self._simplified(smallest, shortest_axes(legal))

    def _smallest(self, failures: Sequence[Failure], bank: Bank, seed: Seed) -> Failure:
        """The smallest case of the kind on which these failures are."""
        from autograder.strategies import smallest

        best = failures[0]
        kind = best.case.kind
        draw = self.exercise.kinds[kind]
        known = {id(failure.case): failure for failure in failures}
        seen = {
            _key(case.arguments): known.get(id(case)) for case in bank.cases if case.kind == kind
        }

        def fails(arguments: Arguments) -> bool:
            key = _key(arguments)
            if key not in seen:
                if self.fatal >= MAX_FATAL:
                    return False
                (seen[key],) = self.failures(kind, [arguments])
            failure = seen[key]
            return failure is not None and failure.status == best.status

        found = smallest(draw, seed.number(self.exercise, kind), self.exercise.cases, fails)
        if found is not None and (failure := seen[_key(found)]) is not None:
            best = min(best, failure, key=lambda f: _weight(f.case))
        return best

    def _is_fair(self, case: Case) -> bool:
        """Whether the reference keeps the law here: some laws need numbers that differ, say."""
        answers = []
        calls = self.law.calls
        for arguments in calls(case.arguments) if calls else (case.arguments,):
            own = arguments is case.arguments
            value = case.expected if own else self.exercise.evaluate(arguments)
            if isinstance(value, Refusal):
                answers.append(
                    Answer("error", f"ValueError: {value.message}", raised=("ValueError",))
                )
            else:
                right = Encoded.of(value)
                answers.append(Answer("value", node=right.node, body=right.body))
        if self.law.reread:
            answers.append(answers[0])
        return judge_case(self.exercise, self.law, case, answers) is None

    def _simplified(self, failure: Failure, least: Mapping[Axis, int]) -> Failure:
        """The same case with arrays that are as short and as plain as the failure allows."""
        if self.exercise.free:
            return failure  # its laws hold for good inputs alone
        known: dict[str, Failure | None] = {_key(failure.case.arguments): failure}
        room = min(MAX_CASES, MAX_TRIED // max(_size(failure), 1))

        def failing(candidates: Sequence[Arguments]) -> list[int]:
            keys = [_key(arguments) for arguments in candidates]
            new = {k: a for k, a in zip(keys, candidates, strict=True) if k not in known}
            if new and self.fatal < MAX_FATAL and len(known) + len(new) <= room:
                found = self.failures(failure.case.kind, list(new.values()))
                fair = (f if f is not None and self._is_fair(f.case) else None for f in found)
                known.update(zip(new, fair, strict=True))
            return [_alike(known.get(key), failure) for key in keys]

        return known[_key(simplest(failure.case.arguments, least, failing))] or failure


def _alike(found: Failure | None, failure: Failure) -> int:
    """1 for a failure of the same status, or an answer to the same fault; 2 if it tells more.

    It does where the right number is not 0, so that there is something to be worked out.
    """
    if found is None or found.status != failure.status:
        return 0
    here, there = found.case.expected, failure.case.expected
    if isinstance(here, Refusal) and isinstance(there, Refusal):
        return int(re.sub(NUMBERS, "", here.message) == re.sub(NUMBERS, "", there.message))
    wrong = found.mismatch
    if wrong is None or wrong.index is None:
        return 1
    return 2 if np.asarray(wrong.expected)[wrong.index] else 1


def _key(arguments: Arguments) -> str:
    from autograder.isolation.calls import EncodedCall

    call = EncodedCall.of(arguments)
    return f"{call.nodes}{call.body.hex()}"


def _size(failure: Failure) -> int:
    """How many numbers its case has."""
    return _weight(failure.case)[0]


def _weight(case: Case) -> tuple[int, float]:
    from autograder.strategies import weight

    return weight(case.arguments)


# --- misconceptions


def misconception(
    exercise: Exercise, failures: Sequence[Failure], bank: Bank, answers: Sequence[Answer]
) -> Callable[..., Any] | None:
    """The idea that explains every failing case, and that no case which is right contradicts."""
    failing = {failure.number for failure in failures}
    right = [
        number
        for number, case in enumerate(bank.cases)
        if number not in failing and _is_right(exercise, case, answers[bank.main[number]])
    ]
    numbers = [*sorted(failing), *right]

    def fits(idea: Callable[..., Any], number: int) -> bool:
        return _fits(exercise, idea, bank.cases[number], answers[bank.main[number]])

    fitting = [
        idea
        for idea in exercise.misconceptions
        if all(fits(idea, n) for n in numbers)
        and any(_predicts(exercise, idea, bank.cases[n]) for n in failing)
    ]
    if len(fitting) > 1:
        # Then the one that explains most of what other laws found wrong.
        everything = range(len(bank.cases))
        return max(fitting, key=lambda idea: sum(fits(idea, n) for n in everything))
    return fitting[0] if fitting else None


def _is_right(exercise: Exercise, case: Case, answer: Answer) -> bool:
    if answer.status != "value" or isinstance(case.expected, Refusal):
        return False
    return mismatch(answer.value, case.expected, case.tolerance, exercise.returns) is None


def _fits(exercise: Exercise, idea: Callable[..., Any], case: Case, answer: Answer) -> bool:
    """Whether the idea gives the student's answer; an exception stands for an exception."""
    predicted = predict(idea, case.arguments)
    if isinstance(predicted, Exception) or answer.status != "value":
        return isinstance(predicted, Exception) and answer.status == "error"
    # One number: the idea's answer may have other shapes than the right one.
    tolerance = largest_of(case.tolerance)
    yours = answer.value
    if exercise.normal is not None:
        yours, predicted = exercise.normal(yours), exercise.normal(predicted)
    return mismatch(yours, predicted, tolerance, exercise.returns) is None


def _predicts(exercise: Exercise, idea: Callable[..., Any], case: Case) -> bool:
    """Whether the idea says anything other than the truth here."""
    predicted = predict(idea, case.arguments)
    if isinstance(predicted, Exception):
        return not isinstance(case.expected, Refusal)
    return isinstance(case.expected, Refusal) or (
        mismatch(predicted, case.expected, 0.0, exercise.returns) is not None
    )


def predict(idea: Callable[..., Any], arguments: Arguments) -> Any:
    """What a student with this idea would get; the exception if the idea breaks down."""
    from autograder.spec import copied

    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return idea(**copied(arguments))
    except (ValueError, TypeError, IndexError, KeyError, ZeroDivisionError, OverflowError) as error:
        return error


def advice(idea: Callable[..., Any]) -> str:
    """An idea's docstring as the sentence that the student reads."""
    first, _, rest = (inspect.getdoc(idea) or "").partition("\n")
    return f"This is what you get when {first.rstrip('.')}.\n{rest.strip()}".strip()


# --- the counterexample


def counterexample(exercise: Exercise, failure: Failure) -> Counterexample:
    """A failing case as people read it, with the arithmetic of one number where it is known."""
    wrong = failure.mismatch
    where, index, working = "", None, None
    yours, expected = None, None
    arguments = failure.case.arguments
    if not isinstance(failure.case.expected, Refusal) and exercise.normal is None:
        expected = failure.case.expected  # where many answers are right, ours is not told
    if wrong is not None:
        yours, index = wrong.yours, wrong.index
        arguments = arguments if wrong.arguments is None else wrong.arguments
        expected = wrong.expected if wrong.expected is not None else expected
        if index is not None:
            where = f"{wrong.name}[{','.join(map(str, index))}]" if index else wrong.name
            # A law may expect other values than the case's own; the arithmetic is of those.
            of_the_case = any(e is wrong.expected for e in _parts(failure.case.expected))
            if exercise.working is not None and of_the_case:
                with np.errstate(all="ignore"):
                    working = exercise.working(failure.case.arguments, wrong.name, index)
    return Counterexample(
        arguments,
        yours,
        expected,
        snippet(exercise, arguments, wrong),
        where,
        index,
        working.line if working else "",
        working.steps if working else (),
        failure.printed,
    )


def _parts(value: Any) -> list[Any]:
    """The arrays and numbers inside a value."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [part for v in value for part in _parts(v)]
    return [value]


def snippet(exercise: Exercise, arguments: Arguments, wrong: Mismatch | None) -> str:
    """Lines to paste into Python, in the folder with the exercises; none for large arrays."""
    long = {
        name
        for name, value in arguments.items()
        if any(numbers_in(array) > MAX_PASTED for array in arrays_of(value))
    }
    if not long <= exercise.recipes.keys():
        return ""
    recipes = exercise.recipes if long else {}
    needs_numpy = any(_needs_numpy(value) for value in arguments.values())
    lines = ["import numpy as np"] if needs_numpy else []
    lines.append(f"from {exercise.topic} import {exercise.name}")
    for name, value in arguments.items():
        lines += [recipes[name]] if name in recipes else _assigned(name, value)
    lines.append(f"print({exercise.name}({', '.join(arguments)}))")
    if wrong is not None:
        lines.append(f"# {wrong.message.splitlines()[0]}")
    return "\n".join(lines)


def _assigned(name: str, value: Any) -> list[str]:
    """A value's assignment, and those of the few cells in which an array differs from the rest."""
    lines = [f"{name} = {literal(value)}"]
    for path, array in arrays(value):
        found = outline(array)
        place = name + "".join(f"[{key!r}]" for key in path)
        for index, number in found.cells if found else ():
            lines.append(f"{place}[{', '.join(map(str, index))}] = {_nested(number)}")
    return lines


def _needs_numpy(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_needs_numpy(v) for v in value.values())
    if isinstance(value, list | tuple):
        return any(_needs_numpy(v) for v in value)
    return not isinstance(value, bool | int | float | str) and value is not None


def literal(value: Any) -> str:
    """Python source of a value; of an array with an outline, only what fills it."""
    from autograder.isolation.wire import RandomSource

    if isinstance(value, np.ndarray):
        if value.size == 0:
            return f"np.zeros({value.shape}, dtype=np.{value.dtype})"
        if (found := outline(value)) is None:
            text = f"np.array({_nested(value.tolist())}, dtype=np.{value.dtype})"
        elif found.fill in (0, 1):
            kind = "" if value.dtype == np.float64 else f", dtype=np.{value.dtype}"
            text = f"np.{'ones' if found.fill else 'zeros'}({found.shape}{kind})"
        else:
            text = f"np.full({found.shape}, {_nested(found.fill)}, dtype=np.{value.dtype})"
        if not value.flags.c_contiguous and value.flags.f_contiguous:
            return f"np.asfortranarray({text})"
        return text
    if isinstance(value, RandomSource):
        return f"np.random.default_rng({value.seed})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {literal(v)}" for key, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(literal(v) for v in value) + "]"
    if isinstance(value, tuple):
        return "(" + ", ".join(literal(v) for v in value) + ("," if len(value) == 1 else "") + ")"
    if isinstance(value, float) and not np.isfinite(value):
        return f"float('{value}')"
    return repr(value)


def _nested(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_nested(v) for v in value) + "]"
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            return f"float('{value}')"
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return repr(value)
