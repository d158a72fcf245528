"""The audit: who survives, what is named, what its figures say, and when it fails."""

from __future__ import annotations

import ast
import dataclasses
import io
import json
import sys

import numpy as np
import pytest
from rich.console import Console

from autograder import catalog
from autograder.audit import faults, twin
from autograder.audit.audit import (
    Audit,
    FaultsTask,
    IdeasTask,
    Judge,
    MutantTask,
    RightTask,
    Trial,
    audit,
    notes,
    tasks,
)
from autograder.audit.mutate import mutants
from autograder.bank import CACHE_VARIABLE, Banks
from autograder.cli import main
from autograder.laws import agrees, shape
from autograder.report.audit import document, page, show
from autograder.shell import FAILED, PASSED, USAGE
from autograder.spec import Exercise

TWIN = "import numpy as np\n\n\ndef double(x):\n    return x * 2\n"


def double(x):
    return x * 2.0


def tripled(x):
    """the numbers are tripled.
    Twice is enough."""
    return x * 3.0


def numbers(draw):
    return dict(x=draw.whole(draw.size(1, 3)))


WEAK = Exercise(double, {"plain": numbers}, [shape("the result has the shape of x")],
                topic="padding")  # fmt: skip
STRONG = dataclasses.replace(WEAK, laws=[*WEAK.laws, agrees(1)], misconceptions=[tripled])


@pytest.fixture
def judge(tmp_path, monkeypatch):
    """`judge(exercise)`: a judge who knows this exercise alone, with `TWIN` as its answer key."""
    running = []
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))  # the exercises here have the same name

    def made(exercise, source=TWIN):
        running.append(Judge([exercise], {exercise.topic: source}))
        return running[-1]

    yield made
    for one in running:
        one.close()


def double_mutants():
    known = {node.name: node for node in ast.parse(TWIN).body if isinstance(node, ast.FunctionDef)}
    return [MutantTask(mutant, ("double",)) for mutant in mutants("padding", TWIN, known)]


def tried(judge, *wanted):
    return tuple(trial for task in wanted for trial in judge.do(task))


def found(trials, notes=None, exercises=("double",)):
    return Audit(tuple(exercises), tuple(trials), notes or {}, 1, 1.0)


# --- wrong solutions


def test_a_weak_exercise_lets_mutants_through(judge):
    result = found(tried(judge(WEAK), *double_mutants()))
    assert "double: return x * 2 -> return x * 3" in {t.says for t in result.survivors}
    assert result.killed < 1
    assert not result.passed(1.0)
    assert result.passed(result.killed)


def test_a_strong_one_kills_them_all(judge):
    result = found(tried(judge(STRONG), *double_mutants()))
    assert len(result.trials) >= 4
    assert result.survivors == []
    assert result.passed(1.0)
    assert {t.shown_by for t in result.trials} <= {"double: shape", "double: agrees"}


def test_misconceptions_must_get_their_own_name(judge):
    other = dataclasses.replace(STRONG, misconceptions=[tripled, renamed(tripled, "thrice")])
    (right,) = tried(judge(STRONG), IdeasTask("double"))
    assert (right.named, right.expected, right.kinds) == (("tripled",), ("tripled",), ("plain",))
    result = found(tried(judge(other), IdeasTask("double")))
    assert [t.says for t in result.wrongly_named] == ["thrice"]
    assert result.named == 0.5
    assert not result.passed(0.0)


def renamed(function, name):
    def same(x):
        return function(x)

    same.__name__, same.__doc__ = name, function.__doc__
    return same


def test_careless_code_is_told(judge):
    shown = {t.says: t.shown_by for t in tried(judge(STRONG), FaultsTask("double"))}
    assert shown["returns_none"]
    assert shown["gives_nan"] == shown["off_by_a_millionth"] == "double: agrees"
    assert shown["one_axis_more"] == "double: shape"
    # No law asks what happens to the argument.
    assert shown["changes_its_argument"] == ""


def test_right_solutions_lose_nothing(judge):
    right = RightTask("some seed", (), ("double",))
    assert found(tried(judge(STRONG), right)).false_failures == []
    wrong = found(tried(judge(STRONG, TWIN.replace("2", "4")), right))
    assert [(t.submission, t.shown_by) for t in wrong.false_failures] == [
        ("answer key", "double: agrees")
    ]
    assert not wrong.passed(0.0)


# --- faults


@pytest.mark.parametrize("fault", faults.FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_put_round_a_right_function(fault, ask):
    answer = ask(fault.put_into("def f(x):\n    return x * 2\n", "f"), {"x": np.ones((1, 2))})
    assert answer.status in ("value", "error"), answer.message
    allowed = ("IndexError", "ValueError") if answer.status == "error" else ()
    assert answer.status == "value" or set(allowed) & set(answer.raised)


def test_faults_apply_by_what_a_function_takes_and_gives(exercise):
    banks = Banks()

    def names(name):
        one = exercise(name)
        return {fault.name for fault in faults.applicable(one, banks.of(one))}

    assert "fails_on_an_empty_batch" in names("conv2d")
    assert "batch_of_one_dropped" in names("relu_backward")
    assert "batch_of_one_dropped" not in names("kernel_from_keras") | names("cross_entropy")
    assert "fails_on_an_empty_batch" not in names("kernel_from_keras")
    assert names("output_size").isdisjoint({"always_float32", "gives_nan", "changes_its_argument"})
    assert "off_by_a_millionth" not in names("line_filter")
    assert "refuses_nothing" not in names("lenet5")


# --- notes


def survivor(identity):
    return Trial("mutant", "double", identity, diff="- a\n+ b")


def test_a_noted_mutant_is_not_counted():
    result = found([survivor("double: a -> b")], {"double: a -> b": "it is the same"})
    assert result.passed(1.0)
    assert (result.survivors, result.stale) == ([], [])
    assert document(result, 1.0)["summary"]["mutants"] == 0
    assert document(result, 1.0)["equivalent"] == [
        {"mutant": "double: a -> b", "reason": "it is the same"}
    ]


@pytest.mark.parametrize(
    ("identity", "shown_by", "said"),
    [
        ("double: a -> c", "", "there is no mutant double: a -> b"),
        ("double: a -> b", "double: agrees", "double: agrees shows the mutant double: a -> b"),
    ],
)
def test_a_stale_note_is_an_error(identity, shown_by, said):
    trial = dataclasses.replace(survivor(identity), shown_by=shown_by)
    result = found([trial], {"double: a -> b": "it is the same"})
    assert result.stale == [said]
    assert not result.passed(0.0)
    assert said in screen(result).replace("\n    ", " ")


def test_notes_are_those_of_the_exercises(tmp_path):
    file = tmp_path / "notes.toml"
    file.write_text(
        '[[note]]\nreason = "why"\n'
        "mutants = ['relu: a -> b', 'softmax: a -> b', '_as_labels: a -> b', 'gone: a -> b']\n"
    )
    assert notes(["relu"], file).keys() == {"relu: a -> b", "gone: a -> b"}
    assert "_as_labels: a -> b" in notes(["cross_entropy"], file)


# --- who judges what


def test_helpers_are_judged_by_all_who_use_them():
    users = twin.users(twin.sources(), catalog.exercises())
    assert users["padding", "zero_pad2d"] == ["zero_pad2d"]
    assert users["activation", "_as_labels"][:2] == ["cross_entropy", "cross_entropy_backward"]
    assert "conv2d" in users["padding", "_as_float"]
    assert ("general", "dense") not in users


def test_tasks_are_those_of_the_exercises(exercise, golden):
    wanted = tasks([exercise("relu")], golden, 2)
    assert {task.mutant.function for task in wanted if isinstance(task, MutantTask)} == {"relu"}
    assert sum(isinstance(task, RightTask) for task in wanted) == 2
    folders = {task.folder.name for task in wanted if hasattr(task, "folder")}
    assert "wrong-relu-leaky" in folders
    assert "wrong-conv-flipped-kernel" not in folders


def test_the_number_of_processes_changes_nothing(exercise):
    one = [exercise("relu")]
    wanted = tasks(one, None, 0)
    single, double_ = (audit(one, wanted, jobs) for jobs in (1, 2))

    def without_times(result):
        return [dataclasses.replace(trial, seconds=0.0) for trial in result.trials]

    assert without_times(single) == without_times(double_)
    assert single.killed == 1.0


# --- the command


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["autograder", "audit", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_the_command_on_a_small_exercise(monkeypatch, capsys, golden, tmp_path):
    file = tmp_path / "audit.html"
    arguments = ("relu", "--golden", str(golden), "--seeds", "1", "--jobs", "1")
    assert run(monkeypatch, *arguments, "--json", "--html", str(file)) == PASSED
    told = json.loads(capsys.readouterr().out)
    summary = told["summary"]
    assert summary["killed"] == summary["named"] == 1.0
    assert summary["false_failures"] == 0
    assert summary["mutants"] == summary["mutants_killed"] >= 8
    assert summary["right"] == 8
    assert [row["exercise"] for row in told["rows"]] == ["relu"]
    leaky = next(m for m in told["mistakes"] if m["submission"] == "wrong-relu-leaky")
    assert leaky["named"] == ["leaky_relu"]
    assert "plain" in leaky["kinds"]
    text = file.read_text()
    assert "leaky relu" in text
    assert "passed" in text


def test_the_command_fails_where_too_few_are_killed(monkeypatch, capsys):
    bad = found([survivor("double: a -> b")])
    monkeypatch.setattr("autograder.audit.audit.tasks", lambda *_: [])
    monkeypatch.setattr("autograder.audit.audit.audit", lambda *_: bad)
    assert run(monkeypatch, "relu") == FAILED
    assert "double" in capsys.readouterr().out
    assert run(monkeypatch, "relu", "--min", "0") == PASSED


def test_an_unknown_name_is_wrong_usage(monkeypatch, capsys):
    assert run(monkeypatch, "rellu") == USAGE
    assert "did you mean relu?" in capsys.readouterr().err


# --- what people see


def everything_wrong():
    long = "double: " + "x" * 60 + " -> " + "y " * 60
    return found(
        [
            survivor(long),
            Trial("fault", "double", "keeps_one_buffer", diff="+ one <array> for all"),
            Trial("misconception", "double", "tripled", "double: agrees", (), ("tripled",)),
            Trial("golden", "double", "Style: <slow>", "double: agrees", submission="wrong-slow",
                  kinds=("plain",)),
            Trial("right", "double", "audit 1", "double: agrees", submission="right-loops"),
        ],
        {"gone: a -> b": "why"},
    )  # fmt: skip


def screen(result, mistakes=True):
    file = io.StringIO()
    show(Console(file=file, width=200), result, 1.0, mistakes)
    return file.getvalue()


def test_the_screen_fits_and_tells_everything():
    text = screen(everything_wrong())
    assert max(map(len, text.splitlines())) <= 80
    for said in (
        "double: fault keeps_one_buffer",
        "double: tripled is named nothing; it should be tripled",
        "right-loops on the seed 'audit 1': double: agrees",
        "there is no mutant gone: a -> b",
        "kinds: plain",
    ):
        assert said in text
    assert "Style" not in screen(everything_wrong(), mistakes=False)


def test_the_page_tells_the_same_and_escapes_it():
    text = page(everything_wrong(), 1.0)
    assert "&lt;array&gt;" in text
    assert "<slow>" not in text
    for section in ("survivors", "names", "lost", "stale", "mistakes", "equivalent"):
        assert f'id="{section}"' in text
    good = page(found([]), 1.0)
    assert 'id="survivors"' not in good


def test_the_document_has_its_parts():
    told = json.loads(json.dumps(document(everything_wrong(), 1.0)))
    assert told["schema"] == "autograder/audit/1"
    assert told["summary"]["killed"] == pytest.approx(0.5)
    assert told["summary"]["named"] == 0.0
    assert (told["summary"]["mutants"], told["summary"]["false_failures"]) == (1, 1)
    assert len(told["survivors"]) == 2
    assert told["stale_notes"] == ["there is no mutant gone: a -> b"]
    assert not told["summary"]["passed"]
