"""What an exercise is: its reference, kinds of cases, laws, misconceptions. Data, no behaviour.

A module or a package in `autograder/specs` holds one topic. Each `Exercise` in it is one function
that students write; the catalogue finds them there, and the engine knows none by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autograder.compare import Mismatch
from autograder.tolerance import Tolerance, exact
from autograder.working import Explain

if TYPE_CHECKING:
    from autograder.isolation.calls import Answer, Encoded
    from autograder.strategies import Draw

Arguments = dict[str, Any]
Kind = Callable[["Draw"], Arguments]

# Kinds of this name hold geometry that cannot be: the function must refuse it.
IMPOSSIBLE = "impossible"


@dataclass(frozen=True)
class Refusal:
    """The expected outcome of a call that must raise ValueError."""

    message: str


@dataclass(frozen=True)
class Case:
    """One set of arguments and what the reference says of it."""

    kind: str
    arguments: Arguments
    expected: Any
    tolerance: Any = 0.0
    right: Encoded | None = None  # the expected value as it would cross the wire
    notes: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def once(self, name: str, compute: Callable[[], Any]) -> Any:
        """Something that a law needs for this case and that no submission changes."""
        if name not in self.notes:
            self.notes[name] = compute()
        return self.notes[name]


Judge = Callable[["Exercise", Case, "Sequence[Answer]"], Mismatch | None]


@dataclass(frozen=True)
class Law:
    """One sentence about a function, with points.

    says        the sentence, as the student reads it
    judge       what is wrong with the answers of one case, or None
    kinds       which kinds of cases it is judged on; () means all but the impossible ones
    calls       the arguments of the calls it needs; by default the case itself
    reread      in so many cases of each kind, the largest ones, the first call's result is read
                once more after the last call; in the others there is only the first call
    needs       a law that must hold first, since this one alone could hold for nothing
    structural  looks at the answers that came; not every call must have answered
    raising     judges exceptions too, so an exception is no failure by itself
    timed       looks at the CPU seconds of its calls; all other laws hold for answers that are the
                reference's to the bit
    """

    name: str
    says: str
    points: float
    judge: Judge
    kinds: tuple[str, ...] = ()
    calls: Callable[[Arguments], Sequence[Arguments]] | None = None
    reread: int = 0
    needs: str = ""
    structural: bool = False
    raising: bool = False
    timed: bool = False


@dataclass(frozen=True)
class Exercise:
    """One function that students write.

    reference       the operation that gives the expected values; it also lends its name
    kinds           named ways to draw arguments; every kind is judged by some law
    laws            in the order in which students should meet them
    tolerance       allowed error of every output, from the arguments and the expected value
    misconceptions  the reference called wrongly, one idea each: docstring line 1 completes
                    "This is what you get when ...", the rest says what to do instead
    returns         names of the outputs
    cases           how many cases of each kind are drawn
    seconds         CPU seconds allowed for one call, where the usual limit is too short
    formula         the lines of the stub's docstring that define the result, for a hint
    working         the arithmetic of one expected value, for a counterexample
    normal          brings the many spellings of an answer into one form, in which an answer is
                    compared with a misconception's; laws see the answer as it came
    free            many answers are right, of which the reference's is one
    recipes         source lines that make an argument, where it is too long to be spelled out
    """

    reference: Callable[..., Any]
    kinds: dict[str, Kind]
    laws: Sequence[Law]
    tolerance: Tolerance = exact
    misconceptions: Sequence[Callable[..., Any]] = ()
    returns: tuple[str, ...] = ("y",)
    cases: int = 12
    seconds: float | None = None
    formula: tuple[str, ...] = ()
    working: Explain | None = None
    normal: Callable[[Any], Any] | None = None
    free: bool = False
    recipes: Mapping[str, str] = field(default_factory=dict)
    topic: str = ""  # the name of the spec's module or package; the catalogue fills it in

    @property
    def name(self) -> str:
        return self.reference.__name__

    @property
    def points(self) -> float:
        return round(sum(law.points for law in self.laws), 9)

    def kinds_of(self, law: Law) -> tuple[str, ...]:
        return law.kinds or tuple(kind for kind in self.kinds if kind != IMPOSSIBLE)

    def misconception(self, name: str) -> Callable[..., Any]:
        return next(m for m in self.misconceptions if m.__name__ == name)

    def case(self, kind: str, arguments: Arguments) -> Case:
        """A case of these arguments, with all that the reference says of it."""
        from autograder.isolation.calls import Encoded

        expected = self.evaluate(arguments)
        if isinstance(expected, Refusal):
            return Case(kind, arguments, expected)
        tolerance = self.tolerance(arguments, expected)
        return Case(kind, arguments, expected, tolerance, Encoded.of(expected))

    def evaluate(self, arguments: Arguments) -> Any:
        """The reference's value, or its refusal."""
        try:
            return self.reference(**copied(arguments))
        except ValueError as error:
            return Refusal(str(error))


def copied(value: Any) -> Any:
    """Arguments for one call of the reference: generators are made, everything else is shared."""
    from autograder.isolation.wire import RandomSource

    if isinstance(value, dict):
        return {key: copied(v) for key, v in value.items()}
    if isinstance(value, RandomSource):
        import numpy as np

        return np.random.default_rng(value.seed)
    return value
