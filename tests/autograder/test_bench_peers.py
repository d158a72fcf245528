"""The comparison with other graders: what they are given, the ratios, and what is refused.

The graders themselves are not run: installing them takes minutes.
"""

from __future__ import annotations

import json
import pickle
import runpy
import subprocess

import nbformat
import numpy as np
import pytest

from autograder import bench_asserts, bench_peers, catalog, cli
from autograder.bank import Banks
from autograder.report import peers
from autograder.results import results_json
from autograder.shell import USAGE
from autograder.verdict import Verdict


def test_the_notebook_is_valid_and_tests_every_function():
    made = nbformat.reads(json.dumps(bench_peers.notebook(graded=True)), as_version=4)
    nbformat.validate(made)
    tests = {c.metadata.nbgrader.grade_id: c for c in made.cells if "nbgrader" in c.metadata}
    exercises = catalog.exercises()
    assert list(tests) == [exercise.name for exercise in exercises]
    for exercise in exercises:
        cell = tests[exercise.name]
        assert cell.metadata.nbgrader.points == exercise.points
        assert f"check('{exercise.name}', {exercise.topic}.{exercise.name})" in cell.source
    ungraded = bench_peers.notebook(graded=False)["cells"]
    assert ungraded == bench_peers.notebook(graded=True)["cells"][: len(ungraded)]
    assert not any(cell["metadata"] for cell in ungraded)


def test_the_asserts_get_the_cases_of_the_bank(tmp_path, monkeypatch, exercise):
    few = catalog.select(["relu", "conv2d", "he_normal"])
    monkeypatch.setattr(catalog, "exercises", lambda: few)
    bench_peers.tests(tmp_path, bench_peers.ALL)
    for one in few:
        given = pickle.loads((tmp_path / f"{one.name}.pickle").read_bytes())
        assert len(given) == len(Banks().of(one).cases)
        arguments, expected, _ = given[0]
        assert len(arguments) == len(Banks().of(one).cases[0].arguments)
        assert expected is ValueError or isinstance(expected, np.ndarray)
    # What peers have is this file and NumPy.
    monkeypatch.setenv(bench_asserts.NOTES, str(tmp_path / "notes"))
    check = runpy.run_path(str(tmp_path / "asserts.py"))["check"]
    for one in few:
        check(one.name, one.reference)
    with pytest.raises(AssertionError):
        check("relu", lambda x: abs(x))
    notes = [line.split() for line in (tmp_path / "notes").read_text().splitlines()]
    sizes = {one.name: len(Banks().of(one).cases) for one in few}
    assert [line[:2] for line in notes[:3]] == [[name, str(n)] for name, n in sizes.items()]
    assert [line[2] for line in notes] == ["1", "1", "1", "0"]
    assert 0 < int(notes[3][1]) < sizes["relu"]
    cases, right = bench_peers.noted(tmp_path / "notes", 2)
    assert cases == sum(int(line[1]) for line in notes) / 2
    assert right == 1.5


def test_a_generator_is_made_anew_from_its_seed(exercise):
    case = next(c for c in Banks().of(exercise("he_normal")).cases if c.right is not None)
    arguments, expected, allowed = bench_peers._given(exercise("he_normal"), case)
    asked = []
    bench_asserts.one(lambda *a: asked.append(a) or expected, arguments, expected, allowed)
    ((_, rng),) = asked
    assert rng.normal() == np.random.default_rng(case.arguments["rng"].seed).normal()


@pytest.mark.parametrize(
    ("answer", "expected", "allowed", "right"),
    [
        (np.array([1.0, np.nan]), np.array([1.0, np.nan]), 0.0, True),
        (np.array([1.0, 2.1]), np.array([1.0, 2.0]), 0.2, True),
        (np.array([1.0, 2.1]), np.array([1.0, 2.0]), 0.0, False),
        (np.zeros((2, 1)), np.zeros((1, 2)), float("inf"), False),
        ((1, 2), (1, 2), 0.0, True),
        ((1,), (1, 2), 0.0, False),
        ([{"kind": "relu", "bias": True}], [{"kind": "relu"}], 0.0, False),
        ([{"kind": "relu", "bias": True}], [{"kind": "relu"}], float("inf"), True),
        ([{"kind": "relu"}] * 2, [{"kind": "relu"}], float("inf"), False),
        ({"w": 1.0}, {"w": 1.0, "b": 0.0}, {"w": 0.0, "b": 0.0}, False),
        (0.5, 0.25, 0.1, False),
    ],
)
def test_answers_are_compared(answer, expected, allowed, right):
    assert bench_asserts.same(answer, expected, allowed) is right


def test_a_refusal_is_asked_for():
    def refuses(x):
        raise ValueError

    bench_asserts.one(refuses, [1], ValueError, None)
    with pytest.raises(AssertionError, match="no ValueError"):
        bench_asserts.one(lambda x: x, [1], ValueError, None)


def test_the_test_file_is_in_the_format_of_otter_grader(exercise):
    text = bench_peers.otter_test(exercise("conv2d"))
    compile(text, "conv2d.py", "exec")
    assert text.startswith("OK_FORMAT = False\n")
    assert '@test_case()\ndef test_conv2d(convolution):\n    check("conv2d", ' in text


def test_some_cases_are_spread_over_all_kinds(exercise):
    cases = Banks().of(exercise("conv2d")).cases
    few = bench_peers.chosen(cases, 10)
    assert len(few) == 10
    assert len({case.kind for case in few}) > 5
    assert bench_peers.chosen(cases, bench_peers.ALL) == list(cases)


def test_only_cases_that_were_answered_are_counted(tmp_path, exercise, judge):
    """Of a function with one failing law, all cases; of a module that cannot be imported, none."""
    relu, banks = exercise("relu"), Banks()
    sources = ("import numpy as np\ndef relu(x): return np.abs(x)", "import nothing_of_this_name")
    for number, source in enumerate(sources):
        place = tmp_path / str(number)
        place.mkdir()
        verdict = Verdict("dora", "public", {"level": "strong"}, (judge(relu, source),))
        (place / "results.json").write_text(results_json(verdict))
    cases, judgements, right = bench_peers.judged(tmp_path, banks)
    assert 0 < cases <= len(banks.of(relu).cases)
    assert judgements > cases
    assert right == 0


def test_ratios_are_by_case_and_by_submission():
    ours = bench_peers._row("this kit", bench_peers.ALL, 1.0, 2000, 40)
    row = bench_peers._row("nbgrader", bench_peers.FEW, 3.0, 400, 41, ours)
    assert ours.milliseconds == pytest.approx(0.5)
    assert row.milliseconds == pytest.approx(7.5)
    assert row.by_case == pytest.approx(15)
    assert row.by_submission == pytest.approx(3)
    assert (ours.few, row.few) == (False, True)


def test_the_table_has_the_figures_and_the_machine():
    ours = bench_peers._row("this kit", bench_peers.ALL, 1.0, 2000, 40)
    row = bench_peers._row("nbgrader", bench_peers.FEW, 3.0, 400, 41, ours)
    measured = {
        **bench_peers.surroundings(),
        "students": 3,
        "rows": [vars(ours), vars(row)],
        "summary": {"isolation": "strong", "judgements": 8000.0, "few": 10, "functions": 44},
    }
    for text in (peers.table(measured), peers.page(measured)):
        assert "| this kit | 2000 | 1.00 | 0.50 | 1.0 | 1.0 |" in text
        assert "| nbgrader, 10 a function | 400 | 3.00 | 7.50 | 15.0 | 3.0 |" in text
        assert measured["date"] in text


def refused(arguments, capsys):
    """The sentence with which the command ends."""
    with pytest.raises(SystemExit) as ended:
        cli.app(["bench", "peers", *arguments])
    assert ended.value.code == USAGE
    return capsys.readouterr().err.splitlines()[-1]


def test_without_the_network_the_command_says_so(golden, tmp_path, monkeypatch, capsys):
    def offline(command, **_):
        text = "ERROR: No matching distribution found.\n" if "pip" in command else ""
        return subprocess.CompletedProcess(command, int("pip" in command), "", text)

    monkeypatch.setattr(subprocess, "run", offline)
    told = refused(["--golden", str(golden), "--env", str(tmp_path / "env")], capsys)
    assert told == (
        "autograder: cannot install nbgrader==0.9.6, which needs the network: "
        "No matching distribution found"
    )
    # So the next run tries again.
    assert not (tmp_path / "env" / "nbgrader" / "installed.txt").exists()


def test_golden_submissions_are_asked_for_before_anything_is_installed(tmp_path, capsys):
    arguments = ["--golden", str(tmp_path), "--env", str(tmp_path / "env")]
    assert "has no right-einsum/exercises" in refused(arguments, capsys)
    assert not (tmp_path / "env").exists()
