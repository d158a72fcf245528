"""The verdict as a student reads it in a terminal of 80 columns."""

from __future__ import annotations

import dataclasses
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.text import Text

from autograder.doctor import Finding
from autograder.outline import numbers_in
from autograder.report.summary import Summary
from autograder.report.text import MAX_NUMBERS, cell, for_log, points, value, visible
from autograder.tolerance import arrays_of
from autograder.verdict import Counterexample, ExerciseResult, LawResult, Verdict
from autograder.working import Step

if TYPE_CHECKING:
    from autograder.intake import Intake
    from autograder.submissions import Submission

WIDTH = 80
MARKS = {"pass": ("✓", "green"), "not_attempted": ("·", "dim"), "not_run": ("–", "dim")}
WRONG = ("✗", "red")
IN_PART = ("~", "yellow")
WORDS = {
    "error": "Your code raised an exception",
    "timeout": "Your code ran too long",
    "memory": "Your code asked for too much memory",
    "crash": "Your code ended its process",
    "forbidden": "Your code asked for something it may not have",
    "grader_fault": "The grader itself failed; this costs no points",
}
MAX_LINE = 300
FEW_NUMBERS = 12
MAX_INDENT = 20


class Depth(IntEnum):
    """How much of an explanation is asked for; each step shows what the ones before it show."""

    SYMPTOM = 0
    HINT = 1
    EXPLANATION = 2


def show_exercise(
    console: Console, exercise: ExerciseResult, everything: bool, depth: Depth = Depth.SYMPTOM
) -> None:
    """One exercise: its laws, then the first finding, or all of them."""
    console.print(_headline(exercise))
    width = max(len(law.name) for law in exercise.laws)
    for law in exercise.laws:
        mark, style = MARKS.get(law.status, WRONG)
        for i, says in enumerate(textwrap.wrap(law.says, WIDTH - width - 8)):
            start = f"  {mark}  {law.name:<{width}}  " if i == 0 else " " * (width + 7)
            console.print(Text(start, style) + Text(says, "" if law.status == "pass" else style))
    found = findings(exercise)
    for law in found if everything else found[:1]:
        console.print()
        if len(found) > 1:
            console.print(Text(f"  {law.name}", "bold"))
            console.print()
        for line in finding(law, depth):
            console.print(line)
    console.print()
    if not found and not exercise.passed:
        console.print(
            Text(f"  Not attempted yet: write it in {exercise.topic}.py, then:  ", "dim")
            + Text(f"autograder check {exercise.name}")
        )
    elif found:
        rest = len(found) - 1
        if rest and not everything:
            what = "law fails" if rest == 1 else "laws fail"
            console.print(Text(f"  {rest} more {what} (--all shows them).", "dim"))
        console.print(
            Text("  Work this one out on paper, then:  ")
            + Text(f"autograder check {exercise.name}", "bold")
        )
        if option := deeper(found if everything else found[:1], depth):
            words = "A hint" if option == "--hint" else "The arithmetic, step by step"
            console.print(
                Text(f"  {words}:  ") + Text(f"autograder check {exercise.name} {option}", "bold")
            )


def deeper(laws: Sequence[LawResult], depth: Depth) -> str:
    """The option that tells more about these laws than this depth does; "" if none does."""
    hints = any(law.advice or law.pattern or law.formula for law in laws)
    steps = any(law.counterexample and law.counterexample.steps for law in laws)
    if depth < Depth.HINT and hints:
        return "--hint"
    return "--explain" if depth < Depth.EXPLANATION and steps else ""


def findings(exercise: ExerciseResult) -> list[LawResult]:
    """The failing laws that have something to say."""
    return [law for law in exercise.laws if law.status not in MARKS]


def finding(law: LawResult, depth: Depth = Depth.SYMPTOM) -> Iterator[Text]:
    """What is wrong and the smallest input that shows it; then as much as was asked for."""
    example = law.counterexample
    if words := happened(law):
        yield from _block(words)
        if example is not None:
            yield Text()
    if example is not None:
        yield from _example(example)
    if depth >= Depth.HINT:
        yield from _hint(law)
    if depth >= Depth.EXPLANATION:
        yield Text()
        if example is not None and example.steps:
            yield Text(f"  {example.where}, step by step")
            yield from _table(steps(example))
        else:
            yield Text("  There is no arithmetic of a single number to show here.")


def happened(law: LawResult) -> str:
    """What happened, where the cell that is shown does not say it."""
    if law.status in WORDS:
        return f"{WORDS[law.status]}: {law.message}"
    return "" if law.counterexample and law.counterexample.where else law.message


def steps(example: Counterexample) -> tuple[Step, ...]:
    """The arithmetic, ending with the expected number and theirs; empty where there is none."""
    if not example.steps:
        return ()
    yours, expected = numbers(example)
    *before, last = example.steps
    return (*before, dataclasses.replace(last, value=expected), Step("yours", "", yours))


def _hint(law: LawResult) -> Iterator[Text]:
    """The misconception or the pattern, and the docstring's definition."""
    if law.misconception:
        yield Text()
        yield Text(f"  Hint: {law.misconception.replace('_', ' ')}", "bold")
        for line in law.advice.splitlines():
            yield from _block(line)
    elif law.pattern or law.advice:
        yield Text()
        yield from _block(f"Hint: {law.pattern or law.advice}")
    if law.formula:
        yield Text()
        yield Text("  From the docstring")
        for line in law.formula:
            # Not broken inside of brackets: i * sh + u stays in one piece.
            whole = re.sub(r"\[[^][]*\]", lambda found: found[0].replace(" ", "\xa0"), line)
            for piece in textwrap.wrap(whole, WIDTH - 8, subsequent_indent="    "):
                yield Text(f"      {piece}".replace("\xa0", " "))


def _table(lines: Sequence[Step]) -> Iterator[Text]:
    """The arithmetic, its equals signs below one another."""
    rows = [(step.what, step.numbers, step.value) for step in lines]
    what, numbers, result = (max(len(row[i]) for row in rows if row[2]) for i in range(3))
    middle = numbers + 3 if numbers else 0
    for row in rows:
        if not row[2]:
            line = row[0]
        elif what + middle + 3 + result <= WIDTH - 9:
            between = f" = {row[1]:>{numbers}}" if row[1] else " " * middle
            line = f"{row[0]:<{what}}{between} = {row[2]:>{result}}"
        else:  # too wide for a table
            line = " = ".join(part for part in row if part)
        for piece in _wrapped(line):
            yield Text(f"      {piece}")


def _example(example: Counterexample) -> Iterator[Text]:
    if not example.arguments:
        yield Text("  It takes no arguments.")
    else:
        yield Text("  The smallest input found that shows it")
    parts = [part for name, v in example.arguments.items() for part in _entries(name, v)]
    yield from _joined(parts)
    if example.where:
        yours, expected = numbers(example)
        for line in _wrapped(f"{example.where}    yours {yours}    expected {expected}"):
            yield Text(f"      {line}", "bold")
    if example.printed:
        yield Text("  It printed", "dim")
        for line in for_log(example.printed).expandtabs(4).splitlines()[:5]:
            yield Text(f"      {line[: WIDTH - 7]}", "dim")


def numbers(example: Counterexample) -> tuple[str, str]:
    """Theirs and the expected one, with as many digits as it takes to tell them apart."""
    yours, expected = (cell(v, example.index) for v in (example.yours, example.expected))
    if yours == expected and example.index is not None:
        both = (np.asarray(v)[example.index] for v in (example.yours, example.expected))
        yours, expected = (f"{float(v):.17g}" for v in both)
    return yours, expected


def _entries(name: str, item: Any, in_short: bool = False) -> Iterator[str]:
    """An argument; of a dictionary, list or tuple of arrays each entry, in short where many."""
    if isinstance(item, dict | list | tuple) and (arrays := arrays_of(item)):
        in_short = sum(numbers_in(array) for array in arrays) > MAX_NUMBERS
        for key, entry in item.items() if isinstance(item, dict) else enumerate(item):
            yield from _entries(f"{name}[{key!r}]", entry, in_short)
    elif in_short and isinstance(item, np.ndarray) and numbers_in(item) > FEW_NUMBERS:
        yield f"{name} of shape {item.shape}"
    else:
        yield f"{name} = {value(item)}"


def _joined(parts: Iterable[str]) -> Iterator[Text]:
    """Arguments side by side while they fit, one below the other where not."""
    line = ""
    for part in parts:
        if line and len(line) + 4 + len(part) > WIDTH - 6:
            yield Text(f"      {line}")
            line = ""
        if len(part) > WIDTH - 6:
            for piece in _wrapped(part):
                yield Text(f"      {piece}")
        else:
            line = f"{line}    {part}" if line else part
    if line:
        yield Text(f"      {line}")


def _wrapped(text: str) -> list[str]:
    text = visible(text)
    if len(text) > MAX_LINE:
        text = text[: MAX_LINE - 2] + " …"
    return _lines(text, WIDTH - 9, subsequent_indent="  ", break_on_hyphens=False)


def _block(text: str) -> Iterator[Text]:
    for line in visible(text).splitlines():
        indent = min(len(line) - len(line.lstrip()), MAX_INDENT)
        margin = " " * (2 + indent)
        for piece in _lines(line.strip(), WIDTH - 4 - indent) or [""]:
            yield Text(margin + piece)


def _lines(text: str, width: int, **options: Any) -> list[str]:
    """Student text, wrapped; one sign more than `width` where a piece begins like a command."""
    return [for_log(piece) for piece in textwrap.wrap(for_log(text), width, **options)]


def _headline(exercise: ExerciseResult) -> Text:
    total = f"{points(exercise.score)} of {points(exercise.max_score)} points"
    gap = max(2, WIDTH - 2 - len(exercise.name) - len(total))
    style = "bold green" if exercise.passed else "bold"
    return Text(exercise.name + " " * gap + total, style)


def show_verdict(
    console: Console, verdict: Verdict, everything: bool, depth: Depth = Depth.SYMPTOM
) -> None:
    """All exercises asked for, a line each; then the first finding, or all of them."""
    for warning in verdict.warnings:
        for line in _lines(f"Note: {warning}", WIDTH - 2):
            console.print(Text(line, "yellow"))
    if len(verdict.exercises) == 1:
        show_exercise(console, verdict.exercises[0], everything, depth)
    else:
        _show_all(console, verdict, everything, depth)
    console.print(Text(isolation(verdict.isolation["level"]), "dim"))


def _show_all(console: Console, verdict: Verdict, everything: bool, depth: Depth) -> None:
    topic = ""
    for exercise in verdict.exercises:
        if exercise.topic != topic:
            topic = exercise.topic
            console.print(Text(topic, "bold"))
        console.print(_line(exercise))
    console.print()
    total = f"{points(verdict.score)} of {points(verdict.max_score)} points"
    console.print(Text(f"In all {total}", "bold green" if verdict.passed else "bold"))
    open_ones = [e for e in verdict.exercises if findings(e)]
    for exercise in open_ones if everything else open_ones[:1]:
        console.print()
        show_exercise(console, exercise, everything, depth)
    if not open_ones and not verdict.passed:
        first = next(e for e in verdict.exercises if not e.passed)
        console.print(
            Text("Next:  ")
            + Text(f"autograder check {first.name}", "bold")
            + Text(f"   (write it in {first.topic}.py)", "dim")
        )


def isolation(level: str) -> str:
    """How well student code was isolated, in a line of its own."""
    note = ": for practice; take no grades with it" if level == "weak" else ""
    return f"Isolation: {level}{note}"


def _line(exercise: ExerciseResult) -> Text:
    if exercise.passed:
        mark, style = MARKS["pass"]
    elif exercise.attempted:
        mark, style = WRONG
    else:
        mark, style = MARKS["not_attempted"]
    total = f"{points(exercise.score):>4} of {points(exercise.max_score):<3}"
    failing = ", ".join(law.name for law in findings(exercise))
    note = "not attempted" if not exercise.attempted else (f"fails: {failing}" if failing else "")
    line = f"  {mark}  {exercise.name:<24} {total}  "
    return Text(line, style) + Text(textwrap.shorten(note, WIDTH - len(line)), "dim")


def class_line(summary: Summary) -> Text:
    """One submission of a class: its points, and how many functions pass."""
    passed = sum(mark.passed for mark in summary.marks)
    attempted = sum(mark.attempted for mark in summary.marks)
    total = f"{points(summary.score):>5} of {points(summary.max_score)}"
    name = for_log(summary.name).replace("\n", " ").expandtabs(1)
    name = name if len(name) <= 30 else f"{name[:29]}…"
    style = "green" if summary.passed else ""
    note = f"{passed} of {attempted} attempted pass"
    if summary.warnings:
        note += f"; {summary.warnings} warning" + "s" * (summary.warnings > 1)
    return Text(f"{name:<30} {total}  ", style) + Text(note, "dim")


def show_intake(console: Console, found: Intake, submissions: Iterable[Submission]) -> None:
    """Everything that would be graded: who, by which convention, what, and what to know of it."""
    names = [_plain(hand_in.name) for hand_in in found.hand_ins]
    wide = min(max((len(name) for name in names), default=0), 30)
    kind = max((len(hand_in.convention) for hand_in in found.hand_ins), default=0)
    for name, hand_in, submission in zip(names, found.hand_ins, submissions, strict=True):
        file = _plain(hand_in.shown)
        console.print(f"{name:<{wide}}  {hand_in.convention:<{kind}}  {file}", markup=False)
        for warning in (*submission.warnings, *submission.unreadable.values()):
            console.print(Text(f"    {_plain(warning)}", "yellow"))
    for sentence in found.told:
        console.print(f"Note: {_plain(sentence)}", markup=False)
    count = len(names)
    console.print(f"\n{count} submission{'s' * (count != 1)} would be graded")


def _plain(text: str) -> str:
    return for_log(text).replace("\n", " ").expandtabs(1)


def show_examination(console: Console, findings: Sequence[Finding]) -> None:
    """What `doctor` found: a line each, and the command that mends what is missing."""
    width = max(len(finding.what) for finding in findings)
    for item in findings:
        missing = MARKS["not_attempted"] if item.optional else WRONG
        mark, style = MARKS["pass"] if item.ok else missing
        # A path is never broken, so that it can be copied.
        first, *rest = textwrap.wrap(
            item.found, WIDTH - width - 7, break_long_words=False, break_on_hyphens=False
        ) or [""]
        console.print(Text(f"  {mark}  {item.what:<{width}}  ", style) + Text(first))
        for more in rest:
            console.print(Text(f"     {'':<{width}}  {more}"))
        if item.mend:
            console.print(Text(f"     {'':<{width}}  {item.mend}", "bold"))


def show_overhead(console: Console, measured: dict[str, Any]) -> None:
    """`bench overhead`: a row a submission, then the medians."""
    console.print(
        Text(f"{'submission':<24}{'style':<12}{'all s':>8}{'own s':>8}{'ratio':>8}", "bold")
    )
    for row in measured["rows"]:
        figures = f"{row['total']:>8.3f}{row['functions']:>8.3f}{row['ratio']:>8.2f}"
        console.print(Text(f"{row['submission']:<24}{row['style']:<12}{figures}"))
    summary = measured["summary"]
    console.print()
    for style in ("loops", "vectorised"):
        if style in summary:
            console.print(Text(f"median ratio, {style}: {summary[style]:.2f}"))
    console.print(Text(f"isolation: {summary['isolation']}"))
