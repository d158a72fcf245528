"""One function's result as HTML in a notebook: the finding of the terminal, arrays as pictures."""

from __future__ import annotations

from autograder.report.html import MAX_MESSAGE, environment, printed, shown_law, shown_steps
from autograder.report.picture import picture
from autograder.report.terminal import Depth, deeper, findings, happened, numbers
from autograder.report.text import points, shortened, visible
from autograder.verdict import ExerciseResult


def result_html(
    result: ExerciseResult, level: str, hint: bool, explain: bool, graded: bool = False
) -> str:
    """The result with its first finding; the rest by `hint` and `explain`, as in the terminal.

    `graded`: it is read after the hand-in, and the cells around it cannot be run again.
    """
    found = findings(result)
    depth = Depth.EXPLANATION if explain else Depth.HINT if hint else Depth.SYMPTOM
    law = found[0] if found else None
    example = law.counterexample if law else None
    yours, expected = numbers(example) if example and example.where else ("", "")
    return (
        environment()
        .get_template("notebook.html")
        .render(
            name=result.name,
            score=points(result.score),
            max_score=points(result.max_score),
            passed=result.passed,
            attempted=result.attempted,
            laws=[shown_law(entry) for entry in result.laws],
            law=law,
            message=shortened(happened(law), MAX_MESSAGE) if law else "",
            picture=picture(example, explain) if example else None,
            where=example.where if example else "",
            yours=shortened(yours, MAX_MESSAGE),
            expected=expected,
            printed=printed(example),
            hint=depth >= Depth.HINT,
            steps=shown_steps(example) if explain else (),
            explain=explain,
            graded=graded,
            deeper=deeper(found[:1], depth).removeprefix("--"),
            rest=len(found) - 1,
            weak=level == "weak",
            snippet=visible(example.snippet) if example else "",
        )
    )
