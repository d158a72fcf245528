"""Ranks: ties are ties, what does not count is listed apart, and exams are not mixed."""

from __future__ import annotations

import json

import pytest

from autograder.capstone.figures import Figures
from autograder.capstone.leaderboard import leaderboard, load
from autograder.results import BadResults, results_json
from autograder.verdict import ExerciseResult, LawResult, Verdict


def result(name, right=None, *, digits=10_000, void=False, exam="e", seed="secret", **law):
    """The document of one result; without `right` nothing was measured."""
    fields = {"status": "fail", "max_score": 10.0, "message": "there is no model", **law}
    laws = (LawResult("valid", "it loads", earned=0.0, **fields),)
    measured = None
    if right is not None:
        figures = Figures(exam, digits, right, void, {"blur": 0.9}, 0.1, None, 5, 6)
        measured = figures.to_json()
    parts = (ExerciseResult("capstone", "capstone", laws),)
    whole = Verdict(name, seed, {"level": "strong"}, parts, (), measured)
    return json.loads(results_json(whole))


def ranks(board):
    return [(one.rank, one.tied, one.row.name) for one in board.ranked]


def test_overlapping_intervals_share_a_rank():
    board = leaderboard([result("bob", 9850), result("ada", 9860), result("eve", 9700)])
    assert ranks(board) == [(1, True, "ada"), (1, True, "bob"), (3, False, "eve")]


def test_the_best_of_a_rank_decides_who_shares_it():
    """Ben overlaps Ada, and Cid overlaps Ben but not Ada: he begins the next rank."""
    documents = [result("cid", 9780), result("ben", 9815), result("ada", 9850)]
    rows = {one.row.name: one.row.figures.interval for one in leaderboard(documents).ranked}
    assert rows["ben"][1] > rows["ada"][0] > rows["cid"][1] > rows["ben"][0]
    assert ranks(leaderboard(documents)) == [(1, True, "ada"), (1, True, "ben"), (3, False, "cid")]


def test_equal_numbers_are_sorted_by_name():
    board = leaderboard([result("b", 9000), result("a", 9000)])
    assert ranks(board) == [(1, True, "a"), (1, True, "b")]


def test_a_voided_accuracy_and_nothing_measured_have_no_rank():
    board = leaderboard(
        [
            result("cheat", 9990, void=True),
            result("ada", 9800),
            result("none"),
            result("old", status="pass", message=""),
        ]
    )
    assert ranks(board) == [(1, False, "ada")]
    assert [row.name for row in board.void] == ["cheat"]
    assert board.without == (
        ("none", "there is no model"),
        ("old", "an older result, without numbers; grade again"),
    )


def test_nobody_at_all():
    board = leaderboard([])
    assert (board.ranked, board.void, board.without, board.practice) == ((), (), (), False)


def test_different_exams_are_not_compared():
    with pytest.raises(BadResults, match="ada and bob had different exams"):
        leaderboard([result("ada", 9800), result("bob", 9800, exam="f")])


def test_practice_is_told():
    assert leaderboard([result("ada", 9800, seed="practice")]).practice


# --- from a folder


def write(folder, name, text):
    place = folder / name
    place.mkdir()
    (place / "results.json").write_text(text if isinstance(text, str) else json.dumps(text))


def test_results_are_read_by_name(tmp_path):
    write(tmp_path, "bob", result("bob", 9000))
    write(tmp_path, "ada", result("ada"))
    (tmp_path / "index.html").touch()
    assert [document["submission"] for document in load(tmp_path)] == ["ada", "bob"]


def other(name):
    return {**result("ada", 9000), **name}


def another(name):
    """The same result, of another exercise."""
    return {**result("ada", 9000)["exercises"][0], "name": name}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "is no JSON"),
        ("[]", "is not of the form autograder/results/1; grade that submission again"),
        ('{"schema": 1}', "is not of the form autograder/results/1"),
        (other({"exercises": [{"name": "capstone", "laws": [{}]}]}), "is damaged: 'status'"),
        (other({"score": "all"}), "is damaged: 'all' should be a number"),
        (other({"schema": "x/2"}), "is not of the form autograder/results/1"),
        (other({"exercises": [another("relu")]}), "is no result of the capstone"),
        (other({"measured": {"families": 3}}), "its measured.families cannot be '3'"),
    ],
)
def test_what_is_no_result_is_named(tmp_path, content, told):
    write(tmp_path, "ada", content)
    with pytest.raises(BadResults) as caught:
        load(tmp_path)
    assert str(tmp_path / "ada" / "results.json") in str(caught.value)
    assert told in str(caught.value)


def test_a_folder_without_results(tmp_path):
    with pytest.raises(BadResults, match=r"holds no results; write them with .*--out"):
        load(tmp_path)
    with pytest.raises(BadResults, match="there is no folder"):
        load(tmp_path / "none")
