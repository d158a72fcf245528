"""The rubric of the capstone: from measured numbers to points, and the finding in words.

Everything here is a pure function of numbers; what is measured, and how, is in `grading.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite, sqrt

from autograder.verdict import Status

Knots = tuple[tuple[float, float], ...]

# (measured, points), linear between two of them and level beyond the ends. They lie where models of
# known quality do: see `tests/capstone`.
ACCURACY: Knots = ((0.90, 0), (0.96, 12), (0.98, 20), (0.985, 24), (0.992, 30))
ROBUSTNESS: Knots = ((0.80, 0), (0.93, 8), (0.96, 12), (0.975, 15))
CALIBRATION: Knots = ((0.03, 5), (0.10, 3), (0.30, 0))
FEW_LABELS: Knots = ((0.70, 0), (0.90, 9), (0.94, 15))
# Of the backbone's layers with weights, the share that the answer must come through unchanged.
TRANSFER: Knots = ((0.0, 0), (0.5, 20))

POINTS: Mapping[str, float] = {
    "valid": 10,
    "transfer": 20,
    "accuracy": 30,
    "robustness": 15,
    "calibration": 5,
    "few labels": 15,
    "report": 5,
}
# A model that does not read digits has no use for a backbone, nor for being valid.
READS = 0.5
# CPU seconds that 10,000 digits may take.
SECONDS = 60.0
LABELS_PER_CLASS = 10
# A model that was trained on the test digits knows their labels, and no others.
VOID_BELOW = 0.5
VOID_ABOVE = 0.97

# What the notebook must show: each below a heading that holds one of these words. The lesson's own
# headings do; see `handin.notebook` for what it takes to have shown something.
SECTIONS: Mapping[str, tuple[str, ...]] = {
    "the data": ("data", "digits"),
    "the frozen backbone": ("freez", "frozen", "backbone"),
    "the head": ("head",),
    "fine-tuning": ("fine-tun", "fine tun", "unfreez"),
    "the confusion matrix": ("confusion",),
    "few labels": ("few label", "few-label", "labels"),
    "the mistakes": ("mistake", "failure", "errors", "wrong"),
}
REPORT_SECTIONS = 3.0
REPORT_ACCURACY = 2.0
# Private digits are a little harder than public ones.
ACCURACY_WITHIN = 0.015


@dataclass(frozen=True)
class Part:
    """One part of the grade.

    finding  what was measured, in words
    advice   what would bring more; empty where nothing is lost
    status   where it is neither passed nor failed by its points
    """

    name: str
    score: float
    finding: str
    advice: str = ""
    status: Status | None = None

    @property
    def max_score(self) -> float:
        return POINTS[self.name]


@dataclass(frozen=True)
class Validity:
    """What there is to say of a model that was accepted, and of how it answered.

    answers  how many digits were asked
    broken   of how many the answer was no row of finite numbers
    seconds  CPU seconds that the answers took
    outside  the preprocessing that its pixels still need, such as `images / 255`; empty for none
    """

    size: int
    parameters: int
    answers: int
    broken: int = 0
    seconds: float = 0.0
    outside: str = ""


@dataclass(frozen=True)
class Transfer:
    """How much of the shipped backbone is there, to the bit.

    kept    layers with weights that every way from the pixels to the answer passes through
    total   layers with weights that the backbone has
    there   layers that are there at all
    own     parameters of the head
    """

    kept: int
    total: int
    there: int
    own: int


def points(knots: Knots, measured: float) -> float:
    """Linear between the knots, in whole quarters; nothing for what is no number."""
    if not isfinite(measured):
        return 0.0
    ordered = sorted(knots)
    (first, score), (last, end) = ordered[0], ordered[-1]
    if measured >= last:
        score = end
    elif measured > first:
        for (left, low), (right, high) in pairwise(ordered):
            if left <= measured < right:
                score = low + (high - low) * (measured - left) / (right - left)
    return quarters(score)


def quarters(score: float) -> float:
    """Rounded down to quarters, whose sums are exact; a hair is forgiven."""
    return int(score * 4 + 1e-6) / 4


def wilson(right: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927): where the true one may lie."""
    if count == 0:
        return 0.0, 1.0
    share, square = right / count, z * z / count
    middle = (share + square / 2) / (1 + square)
    half = z / (1 + square) * sqrt(share * (1 - share) / count + square / (4 * count))
    return max(0.0, middle - half), min(1.0, middle + half)


def percent(share: float) -> str:
    """Never rounded up to a knot that was not reached."""
    return f"{int(share * 1000 + 1e-9) / 10:.1f} %"


def next_knot(knots: Knots, measured: float) -> tuple[float, float] | None:
    """The next knot that would bring more."""
    falling = knots[0][1] > knots[-1][1]
    better = [
        (value, score)
        for value, score in sorted(knots, reverse=falling)
        if (value < measured if falling else value > measured) or not isfinite(measured)
    ]
    reached = points(knots, measured)
    return next(((value, score) for value, score in better if score > reached), None)


def valid(measured: Validity) -> Part:
    """Half for a file that is accepted, half for answers to raw pixels, all of them, in time."""
    told = f"the model has {measured.parameters:,} parameters in {measured.size / 1e6:.2f} MB"
    faults = []
    advice = ""
    if measured.seconds > SECONDS * max(measured.answers, 1000) / 10_000:
        faults.append(f"{measured.answers:,} digits took {measured.seconds:.0f} CPU seconds")
        advice = "make the model smaller"
    if measured.broken:
        faults.append(f"{measured.broken} of {measured.answers} answers are not finite numbers")
        advice = "its numbers overflow: train it with a smaller learning rate"
    if measured.outside:
        faults.append(f"it needs {measured.outside} in place of the raw pixels, 0 to 255")
        advice = "put the preprocessing into the model: a Rescaling layer behind its input"
    if not faults:
        return Part("valid", POINTS["valid"], f"{told}, and answers every digit")
    return Part("valid", POINTS["valid"] / 2, f"{told}; {'; '.join(faults)}", advice)


def without_use(part: Part) -> Part:
    """The same for a model that reads fewer than half of the digits."""
    told = f"{part.finding}; it counts from {percent(READS)} of the digits on"
    return Part(part.name, 0.0, told, part.advice or "train the head first")


def refused(sentence: str) -> Part:
    return Part("valid", 0.0, sentence)


def transfer(measured: Transfer) -> Part:
    """The lower half of the backbone unchanged, and a head of one's own behind it."""
    share = measured.kept / measured.total if measured.total else 0.0
    score = points(TRANSFER, share)
    layers = f"{measured.kept} of the backbone's {measured.total} layers with weights"
    if not measured.own:
        return Part(
            "transfer",
            0.0,
            f"{layers} are there, and no layer with weights of your own behind them",
            "put a head behind the backbone and train it",
        )
    told = f"every answer comes through {layers}, unchanged to the bit"
    if score >= POINTS["transfer"]:
        return Part("transfer", score, f"{told}, and a head of {measured.own:,} parameters")
    if measured.there > measured.kept:
        advice = "no way from the pixels to the answer may lead around the backbone"
    elif measured.kept:
        advice = "freeze the lower half of the backbone, batch normalisation too"
    else:
        advice = (
            "begin with the kit's backbone, and freeze it: backbone.trainable = False, and "
            "backbone(inputs, training=False)"
        )
    return Part("transfer", score, told, advice)


def accuracy(right: int, count: int, void: bool = False) -> Part:
    share = right / count if count else 0.0
    low, high = wilson(right, count)
    told = (
        f"{percent(share)} of the exam's {count:,} digits are right "
        f"(95 % interval {percent(low)} to {percent(high)})"
    )
    if void:
        return Part(
            "accuracy",
            0.0,
            f"{told}; this does not count until train_head, given other labels, learns them",
            "hand in a train_head that learns from the images and labels that it is given",
        )
    score = points(ACCURACY, share)
    return Part("accuracy", score, told, _next("accuracy", ACCURACY, share))


def _next(name: str, knots: Knots, measured: float) -> str:
    knot = next_knot(knots, measured)
    if knot is None:
        return ""
    value, score = knot
    wanted = f"{value:g}" if name == "calibration" else f"{value * 100:g} %"
    return f"at {wanted} it is {score:g} of {POINTS[name]:g} points"


def robustness(by_family: Mapping[str, float], says: Mapping[str, str]) -> Part:
    """The mean over the families, each counting the same."""
    if not by_family:
        return Part("robustness", 0.0, "no corrupted digit was answered")
    mean = sum(by_family.values()) / len(by_family)
    worst = sorted(by_family, key=lambda name: (by_family[name], name))[:3]
    named = ", ".join(f"{percent(by_family[name])} {says.get(name, name)}" for name in worst)
    told = f"{percent(mean)} of spoilt digits are right; fewest of those {named}"
    advice = _next("robustness", ROBUSTNESS, mean)
    if advice:
        advice += "; random augmentation before the backbone brings most of it"
    return Part("robustness", points(ROBUSTNESS, mean), told, advice)


def calibration(loss: float, softmax: bool) -> Part:
    """The mean of -log of the probability of the right class."""
    told = f"the negative log-likelihood is {loss:.3f}"
    if not softmax:
        told += " (a softmax was put behind your model's answers)"
    score = points(CALIBRATION, loss)
    advice = _next("calibration", CALIBRATION, loss)
    return Part("calibration", score, told, advice)


def few_labels(shares: Sequence[float], trouble: str = "", status: Status | None = None) -> Part:
    """Digits that a head learnt from ten relabelled digits a class; one share a permutation."""
    if trouble:
        advice = (
            ""
            if status == "not_attempted"
            else "call it yourself, with 100 digits and other labels"
        )
        score = points(FEW_LABELS, sum(shares) / len(shares)) if shares else 0.0
        return Part("few labels", score, trouble, advice, status)
    mean = sum(shares) / len(shares) if shares else 0.0
    told = (
        f"train_head, given {LABELS_PER_CLASS} digits a class under other labels, gets "
        f"{percent(mean)} right"
    )
    return Part("few labels", points(FEW_LABELS, mean), told, _next("few labels", FEW_LABELS, mean))


def voids(shares: Sequence[float], stated: float) -> bool:
    """Whether an accuracy is not its owner's: `train_head`, on other labels, learns nothing."""
    if not shares:
        return False
    return sum(shares) / len(shares) < VOID_BELOW and stated > VOID_ABOVE


@dataclass(frozen=True)
class Notebook:
    """A report as it was handed in.

    headings  in lower case, those with a picture or a number below that a cell has put out
    stated    the accuracies that its text or what its code printed states
    """

    headings: tuple[str, ...]
    stated: tuple[float, ...]


def report(notebook: Notebook | None, measured: float) -> Part:
    """Its sections, and an accuracy that is the model's."""
    if notebook is None:
        return Part("report", 0.0, "there is no notebook", "hand in the notebook with the model")
    missing = [
        section
        for section, words in SECTIONS.items()
        if not any(word in heading for heading in notebook.headings for word in words)
    ]
    found = len(SECTIONS) - len(missing)
    score = quarters(REPORT_SECTIONS * found / len(SECTIONS))
    told = f"the notebook shows {found} of {len(SECTIONS)} sections"
    advice = ""
    if missing:
        advice = (
            f"still to show: {', '.join(missing)}; each with a heading, and below it a cell that "
            "was run and put out a picture or a number"
        )
    near = [stated for stated in notebook.stated if abs(stated - measured) <= ACCURACY_WITHIN]
    if near:
        score += REPORT_ACCURACY
        told += f", and its accuracy of {percent(near[0])} is the model's"
    elif notebook.stated:
        best = min(notebook.stated, key=lambda stated: abs(stated - measured))
        told += f"; the model does not have its accuracy of {percent(best)}"
        advice = advice or "state the accuracy of the model that you hand in"
    else:
        told += "; it states no accuracy"
        advice = advice or "state the accuracy, such as: accuracy: 98.5 %"
    return Part("report", score, told, advice)
