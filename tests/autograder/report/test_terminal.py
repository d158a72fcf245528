"""The terminal: a screen of 80 columns that a student can work from, whatever the code said."""

from __future__ import annotations

import dataclasses
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from autograder.doctor import Finding
from autograder.report.summary import summary
from autograder.report.terminal import (
    WORDS,
    Depth,
    class_line,
    deeper,
    finding,
    findings,
    show_examination,
    show_exercise,
    show_verdict,
)
from autograder.verdict import Counterexample, ExerciseResult, LawResult, Verdict
from autograder.working import Step

X = np.array([[[[1.0, 0.0]]]])
EXAMPLE = Counterexample(
    arguments={"x": X, "w": X, "b": np.zeros(1), "stride": (1, 1), "padding": (0, 0)},
    yours=np.zeros((1, 1, 1, 1)),
    expected=np.ones((1, 1, 1, 1)),
    snippet="",
    where="y[0,0,0,0]",
    index=(0, 0, 0, 0),
    working="1*1 + 0*0",
    steps=(
        Step("x[0,0,0,0] * w[0,0,0,0]", "1 * 1", "1"),
        Step("x[0,0,0,1] * w[0,0,0,1]", "0 * 0", "0"),
        Step("b[0]", "", "0"),
        Step("the sum", "", "1"),
    ),
)
AGREES = LawResult(
    "agrees",
    "every value equals the definition's",
    "fail",
    5.0,
    "y[0,0,0,0] is 0; it should be 1",
    "flipped_kernel",
    "This is what you get when the kernel is flipped before it slides.\n"
    "CNN layers do not flip: output i reads x[i + u], never x[i - u].",
    EXAMPLE,
    ("y[n, o, i, j] = b[o] + sum over c, u, v of x[n, c, i + u, j + v] * w[o, c, u, v]",),
)
SHAPE = LawResult("shape", "the output is (N, O, HO, WO)", "pass", 2.0)
BIAS = LawResult("bias", "raising b by 1 raises every output by 1", "pass", 1.0)
CONV = ExerciseResult("conv2d", "convolution", (SHAPE, BIAS, AGREES))


def result(*laws, name="conv2d"):
    return ExerciseResult(name, "convolution", laws)


def verdict(*exercises, warnings=()):
    return Verdict("alice", "public", {"level": "weak"}, exercises, warnings)


def screen(show, *args):
    """What is printed where nobody watches."""
    console = Console(file=io.StringIO(), highlight=False, soft_wrap=True, width=80)
    show(console, *args)
    text = console.file.getvalue()
    assert "\x1b" not in text
    assert max(map(len, text.splitlines()), default=0) <= 80
    return text


def test_a_feedback_screen():
    """All of it, to the letter; other screens are in `screens`."""
    assert screen(show_exercise, CONV, False, Depth.EXPLANATION) == (
        "conv2d                                                           3 of 8 points\n"
        "  ✓  shape   the output is (N, O, HO, WO)\n"
        "  ✓  bias    raising b by 1 raises every output by 1\n"
        "  ✗  agrees  every value equals the definition's\n"
        "\n"
        "  The smallest input found that shows it\n"
        "      x = [[[[1, 0]]]]    w = [[[[1, 0]]]]    b = [0]    stride = (1, 1)\n"
        "      padding = (0, 0)\n"
        "      y[0,0,0,0]    yours 0    expected 1\n"
        "\n"
        "  Hint: flipped kernel\n"
        "  This is what you get when the kernel is flipped before it slides.\n"
        "  CNN layers do not flip: output i reads x[i + u], never x[i - u].\n"
        "\n"
        "  From the docstring\n"
        "      y[n, o, i, j] = b[o] + sum over c, u, v of x[n, c, i + u, j + v] *\n"
        "          w[o, c, u, v]\n"
        "\n"
        "  y[0,0,0,0], step by step\n"
        "      x[0,0,0,0] * w[0,0,0,0] = 1 * 1 = 1\n"
        "      x[0,0,0,1] * w[0,0,0,1] = 0 * 0 = 0\n"
        "      b[0]                            = 0\n"
        "      the sum                         = 1\n"
        "      yours                           = 0\n"
        "\n"
        "  Work this one out on paper, then:  autograder check conv2d\n"
    )


def test_each_step_shows_more_and_names_the_next():
    symptom, hint, explanation = (screen(show_exercise, CONV, False, depth) for depth in Depth)
    assert symptom.endswith("\n  A hint:  autograder check conv2d --hint\n")
    assert hint.endswith("\n  The arithmetic, step by step:  autograder check conv2d --explain\n")
    assert explanation.endswith("\n  Work this one out on paper, then:  autograder check conv2d\n")
    parts = "smallest input", "flip", "docstring", "step by step\n"
    shown = [[part in text for part in parts] for text in (symptom, hint, explanation)]
    assert shown == [[True] + 3 * [False], 3 * [True] + [False], 4 * [True]]


def test_no_step_is_promised_that_shows_nothing():
    bare = dataclasses.replace(EXAMPLE, working="", steps=())
    no_steps = dataclasses.replace(AGREES, counterexample=bare)
    no_hint = dataclasses.replace(AGREES, advice="", misconception="", formula=())
    nothing = dataclasses.replace(no_hint, counterexample=bare)
    assert [deeper([no_steps], depth) for depth in Depth] == ["--hint", "", ""]
    assert [deeper([no_hint], depth) for depth in Depth] == ["--explain", "--explain", ""]
    assert [deeper([nothing], depth) for depth in Depth] == ["", "", ""]
    assert [deeper([], depth) for depth in Depth] == ["", "", ""]
    told = screen(show_exercise, result(no_steps), False, Depth.EXPLANATION)
    assert "There is no arithmetic of a single number to show here." in told


def test_a_pattern_is_told_where_no_misconception_is():
    said = "On every input that failed, every number of y is twice what it should be."
    law = dataclasses.replace(AGREES, misconception="", advice="", pattern=said)
    hint = " ".join(screen(show_exercise, result(law), False, Depth.HINT).split())
    assert f"Hint: {said}" in hint
    assert said not in screen(show_exercise, result(law), False)


def test_numbers_that_differ_late_are_told_with_all_digits():
    third = np.full((1, 1, 1, 1), 1 / 3)
    example = dataclasses.replace(EXAMPLE, yours=third.astype(np.float32), expected=third)
    law = dataclasses.replace(AGREES, counterexample=example)
    text = screen(show_exercise, result(law), False, Depth.EXPLANATION)
    assert "yours 0.3333333432674408    expected 0.33333333333333331\n" in text
    assert "the sum                         = 0.33333333333333331\n" in text
    assert "yours                           =  0.3333333432674408\n" in text


def test_steps_too_wide_for_a_table_are_lines():
    steps = (
        Step("a" * 40, "1 + " * 9 + "1", "10"),
        Step("b", "", "2"),
        Step("a heading", "", ""),
        Step("the sum", "", "1"),
    )
    law = dataclasses.replace(AGREES, counterexample=dataclasses.replace(EXAMPLE, steps=steps))
    text = screen(show_exercise, result(law), False, Depth.EXPLANATION)
    assert "\n      b = 2\n      a heading\n      the sum = 1\n      yours = 0\n" in text


def test_networks_are_told_by_their_shapes():
    weights = {
        "w": np.arange(72.0).reshape(8, 1, 3, 3),
        "b": np.zeros(2),
        "v": np.arange(100.0).reshape(50, 2),
        "ones": np.ones((8, 1, 3, 3)),
    }
    arguments = {"parameters": weights, "few": {"w": X}, "list": [X], "layers": [{"kind": "relu"}]}
    example = dataclasses.replace(EXAMPLE, arguments=arguments)
    text = screen(show_exercise, result(dataclasses.replace(AGREES, counterexample=example)), False)
    assert "parameters['w'] of shape (8, 1, 3, 3)" in text
    assert "parameters['b'] = [0, 0]" in text
    assert "parameters['ones'] = ones (8, 1, 3, 3)" in text
    assert "few['w'] = [[[[1, 0]]]]" in text
    assert "list[0] = [[[[1, 0]]]]" in text
    assert "layers = [{'kind': 'relu'}]" in text


def test_a_function_that_passes_needs_few_words():
    text = screen(show_exercise, result(SHAPE, BIAS), False)
    assert len(text.splitlines()) == 4
    assert "paper" not in text


def test_only_the_first_finding_is_shown_unless_all_are_asked_for():
    other = dataclasses.replace(AGREES, name="stride", message="other", counterexample=None)
    exercise = result(AGREES, other)
    first = screen(show_exercise, exercise, False)
    assert "other" not in first
    assert "\n  agrees\n\n  The smallest input" in first
    assert "1 more law fails (--all shows them)." in first
    both = screen(show_exercise, exercise, True)
    assert "other" in both
    assert "--all" not in both
    assert "2 more laws fail" in screen(show_exercise, result(AGREES, other, other), False)


@pytest.mark.parametrize("status", sorted(WORDS))
def test_every_end_of_a_call_is_told_in_words(status):
    law = dataclasses.replace(AGREES, status=status, message="what the code said", advice="")
    text = screen(show_exercise, result(SHAPE, law), False)
    assert WORDS[status] in text
    assert "what the code said" in text


@pytest.mark.parametrize("status", ["not_attempted", "not_run"])
def test_what_was_not_tried_is_no_finding(status):
    law = dataclasses.replace(AGREES, status=status)
    assert findings(result(SHAPE, law)) == []
    text = screen(show_exercise, result(SHAPE, law), False)
    assert "write it in convolution.py" in text
    assert "smallest input" not in text


def test_a_message_without_a_cell_is_told():
    example = dataclasses.replace(EXAMPLE, where="", index=None, working="", steps=())
    law = dataclasses.replace(AGREES, message="y has shape (1,); it should be (2,)")
    text = screen(show_exercise, result(dataclasses.replace(law, counterexample=example)), False)
    assert "y has shape (1,); it should be (2,)" in text


def test_what_the_code_printed_is_shown():
    printed = "\n".join(f"line {i} " + "z" * 200 for i in range(9)) + "\x1b[2J"
    law = dataclasses.replace(AGREES, counterexample=dataclasses.replace(EXAMPLE, printed=printed))
    text = screen(show_exercise, result(law), False)
    assert "It printed" in text
    assert "line 4 zzz" in text
    assert "line 5" not in text


def test_a_function_without_arguments():
    law = dataclasses.replace(AGREES, counterexample=dataclasses.replace(EXAMPLE, arguments={}))
    assert "It takes no arguments." in screen(show_exercise, result(law), False)


def test_long_arguments_are_cut():
    x = np.arange(100.0).reshape(1, 1, 10, 10) / 3
    example = dataclasses.replace(EXAMPLE, arguments={"x": x, "name": "a" * 500})
    text = screen(show_exercise, result(dataclasses.replace(AGREES, counterexample=example)), False)
    assert " …" in text
    assert len(text.splitlines()) < 30


def test_several_exercises_have_a_line_each():
    good = result(SHAPE, name="im2col")
    todo = result(dataclasses.replace(SHAPE, status="not_attempted"), name="grouped_conv2d")
    text = screen(show_verdict, verdict(good, CONV, todo), False)
    lines = text.splitlines()
    assert lines[0] == "convolution"
    assert lines[1].split() == ["✓", "im2col", "2", "of", "2"]
    assert lines[2].split() == ["✗", "conv2d", "3", "of", "8", "fails:", "agrees"]
    assert lines[3].split() == ["·", "grouped_conv2d", "0", "of", "2", "not", "attempted"]
    assert "In all 5 of 12 points" in lines
    assert "The smallest input found" in text


def test_stubs_are_told_where_to_begin():
    todo = result(dataclasses.replace(SHAPE, status="not_attempted"))
    text = screen(show_verdict, verdict(todo, todo), False)
    assert "Next:  autograder check conv2d   (write it in convolution.py)" in text


def test_one_exercise_is_shown_at_once():
    shown = screen(show_verdict, verdict(CONV), False)
    assert shown.startswith(screen(show_exercise, CONV, False))


def test_the_level_of_isolation_is_told_last():
    for exercises in ((CONV,), (CONV, result(SHAPE, name="im2col"))):
        strong = dataclasses.replace(verdict(*exercises), isolation={"level": "strong"})
        assert screen(show_verdict, strong, True).endswith("\nIsolation: strong\n")
    told = "\nIsolation: weak: for practice; take no grades with it\n"
    assert screen(show_verdict, verdict(CONV), False).endswith(told)


def test_warnings_come_first():
    text = screen(show_verdict, verdict(CONV, warnings=("\x1b[31m" + "words " * 30,)), False)
    assert text.startswith("Note: \\x1b[31mwords words")


hostile = st.text(st.sampled_from("ab \t\n\r\x1b\x00\u202e\u2028<>&[]大" + " " * 5), max_size=300)


@given(hostile, st.sampled_from(["fail", "error", "crash"]))
def test_no_text_of_a_student_breaks_the_screen(text, status):
    example = dataclasses.replace(
        EXAMPLE, yours=text, printed=text, arguments={"x": X, "mode": text}, where="y", index=None
    )
    law = dataclasses.replace(AGREES, status=status, message=f"ValueError: {text}")
    law = dataclasses.replace(law, counterexample=example)
    console = Console(file=io.StringIO(), highlight=False, soft_wrap=True, width=80)
    show_verdict(console, verdict(result(law), warnings=(text,)), True, Depth.EXPLANATION)
    shown = console.file.getvalue()
    assert not set(shown) & set("\x1b\x00\r\u202e\u2028")
    if text.isascii():
        assert max(map(len, shown.splitlines())) <= 80


commands = st.text(st.sampled_from(":#[ab -" + " " * 5), max_size=400)


@given(commands, st.sampled_from(["fail", "error"]))
def test_no_line_is_a_command_to_a_workflow(text, status):
    example = dataclasses.replace(EXAMPLE, yours=text, printed=text, where="y", index=None)
    law = dataclasses.replace(
        AGREES, status=status, message=text, advice="", counterexample=example
    )
    told = dataclasses.replace(verdict(result(law), warnings=(text,)), submission=text)
    shown = screen(show_verdict, told, True, Depth.EXPLANATION) + class_line(summary(told)).plain
    assert not [line for line in shown.splitlines() if line.lstrip().startswith("::")]
    assert "##[" not in shown


def test_far_indented_lines_are_pulled_back():
    law = dataclasses.replace(AGREES, status="error", message="E: a\n" + " " * 200 + "deep")
    assert any(line.plain.strip() == "deep" for line in finding(law))


def test_rich_markup_in_texts_is_text():
    law = dataclasses.replace(AGREES, status="error", message="[bold]not bold[/bold] [/]")
    assert "[bold]not bold[/bold] [/]" in screen(show_exercise, result(law), False)


def test_colours_only_where_somebody_watches():
    terminal = Console(file=io.StringIO(), force_terminal=True, highlight=False, width=80)
    show_exercise(terminal, CONV, False)
    assert "\x1b[" in terminal.file.getvalue()


# --- a class


def test_a_class_has_a_line_a_submission():
    line = class_line(summary(verdict(CONV, result(SHAPE))))
    assert line.plain == f"{'alice':<30}     5 of 10  1 of 2 attempted pass"
    line = class_line(summary(verdict(CONV, warnings=("one", "two"))))
    assert line.plain.endswith("0 of 1 attempted pass; 2 warnings")
    assert class_line(summary(verdict(warnings=("one",)))).plain.endswith("; 1 warning")


def test_long_names_of_submissions_can_be_told_apart():
    names = [f"homework_3_{name}_2026_02_30_final_version" for name in ("alice", "bob")]
    lines = [class_line(dataclasses.replace(summary(verdict(CONV)), name=name)) for name in names]
    assert lines[0].plain.startswith("homework_3_alice_")
    assert lines[1].plain.startswith("homework_3_bob_")
    assert all(len(line.plain) <= 80 for line in lines)
    odd = class_line(dataclasses.replace(summary(verdict(CONV)), name="a\n\tb\x1b[0m"))
    assert odd.plain.startswith("a  b\\x1b[0m")


# --- doctor


def test_an_examination_has_a_line_a_finding():
    findings = [
        Finding("kit", "1.0"),
        Finding("worker", "does not start", False, "mend it"),
        Finding("tensorflow", "missing", False, "pip install it", True),
    ]
    assert screen(show_examination, findings) == (
        "  ✓  kit         1.0\n"
        "  ✗  worker      does not start\n"
        "                 mend it\n"
        "  ·  tensorflow  missing\n"
        "                 pip install it\n"
    )
