"""A class's hand-ins on disk: what is found, what a grade follows from, what is kept."""

from __future__ import annotations

import dataclasses
import json
import os
from contextlib import closing

import pytest

from autograder.capstone import classroom
from autograder.capstone.classroom import Entry, collect, fingerprint
from autograder.capstone.exam import Exam
from autograder.capstone.examiner import Examiner
from autograder.digits import digits
from autograder.isolation.ladder import GraderFault
from autograder.submissions import BadSubmission


@pytest.fixture(scope="module")
def examiner():
    images, labels = digits()
    with closing(Examiner(Exam.of((images[:60], labels[:60]), "a"))) as started:
        yield started


@pytest.fixture
def room(tmp_path, kit):
    """A folder of hand-ins: of every kind that there is."""
    folder = tmp_path / "room"
    for name in ("ada", "bob/capstone", "cid/exercises/capstone"):
        (folder / name).mkdir(parents=True)
        (folder / name / "digits.keras").write_bytes(kit.keras_file())
    (folder / "dora.keras").write_bytes(kit.keras_file())
    (folder / "emil").mkdir()
    (folder / "emil" / "model.h5").touch()
    (folder / "fred.zip").touch()
    (folder / "notes.txt").touch()
    (folder / ".git").mkdir()
    (folder / "__MACOSX").mkdir()
    return folder


def names(entries):
    return [entry.name for entry in entries]


# --- what is found


def test_a_class_is_found_and_what_is_left_out_is_told(room):
    entries, notes = collect([room])
    assert names(entries) == ["ada", "bob", "cid", "dora", "emil"]
    assert len(notes) == 1
    assert "fred.zip is not graded; unpack it first" in notes[0]


def test_one_hand_in_or_several_may_be_named(room):
    assert names(collect([room / "bob"])[0]) == ["bob"]
    assert names(collect([room / "dora.keras", room / "ada"])[0]) == ["dora", "ada"]


def test_the_results_are_no_hand_in(room):
    (room / "results" / "ada").mkdir(parents=True)
    assert "results" in names(collect([room])[0])
    assert "results" not in names(collect([room], out=room / "results")[0])


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("nowhere", "there is no .*nowhere"),
        ("emil", "emil holds no hand-in: no digits.keras and no notebook"),
        ("fred.zip", "fred.zip is no hand-in: unpack it first"),
        ("notes.txt", "notes.txt is no hand-in: a folder or a .keras file is"),
    ],
)
def test_a_path_that_is_named_must_be_a_hand_in(room, path, told):
    with pytest.raises(BadSubmission, match=told):
        collect([room / path])


def test_equal_names_are_refused(room, kit):
    (room / "ada.keras").write_bytes(kit.keras_file())
    with pytest.raises(BadSubmission, match="2 hand-ins are called ada; rename all but one"):
        collect([room])


def test_names_that_the_results_need_are_not_taken(room, kit):
    (room / "leaderboard.csv.keras").write_bytes(kit.keras_file())
    with pytest.raises(BadSubmission, match=r"leaderboard\.csv\.keras has a name that is taken"):
        collect([room / "leaderboard.csv.keras"])
    (room / "index.html").mkdir()
    entries = {entry.name: entry for entry in collect([room])[0]}
    assert "rename it" in entries["leaderboard.csv.keras"].unreadable
    assert "rename it" in entries["hand-in index.html"].unreadable


def test_a_folder_that_may_not_be_read_does_not_stop_the_others(room, monkeypatch):
    read = classroom.handin.read

    def refuse(path, limits):
        if path.name == "bob":
            raise PermissionError(13, "Permission denied", str(path))
        return read(path, limits)

    monkeypatch.setattr(classroom.handin, "read", refuse)
    entries = {entry.name: entry for entry in collect([room])[0]}
    assert entries["bob"].unreadable == "bob cannot be read: Permission denied"
    assert not entries["ada"].unreadable


# --- what a grade follows from


def test_the_same_hand_in_has_the_same_fingerprint(room, examiner):
    entry = Entry("ada", room / "ada")
    first = fingerprint(entry, examiner)
    assert fingerprint(entry, examiner) == first
    (room / "ada" / "notes.txt").write_text("not judged")
    assert fingerprint(entry, examiner) == first
    assert fingerprint(entry, examiner, "pictures False") != first


@pytest.mark.parametrize("name", ["digits.keras", "digits.py", "helper.py", "report.ipynb"])
def test_whatever_is_judged_changes_the_fingerprint(room, examiner, name):
    entry = Entry("ada", room / "ada")
    first = fingerprint(entry, examiner)
    (room / "ada" / name).write_bytes(b"another")
    second = fingerprint(entry, examiner)
    (room / "ada" / name).write_bytes(b"more")
    assert len({first, second, fingerprint(entry, examiner)}) == 3


def test_links_and_pipes_are_looked_at_and_not_followed(room, examiner):
    entry = Entry("ada", room / "ada")
    found = {fingerprint(entry, examiner)}
    (room / "ada" / "digits.py").symlink_to(room / "fred.zip")
    found.add(fingerprint(entry, examiner))
    (room / "fred.zip").write_bytes(b"another file, which is not theirs")
    found.add(fingerprint(entry, examiner))
    os.mkfifo(room / "ada" / "pipe.py")
    found.add(fingerprint(entry, examiner))
    (room / "ada" / "folder.py").mkdir()
    found.add(fingerprint(entry, examiner))
    assert len(found) == 4


def test_the_exam_and_the_limits_change_the_fingerprint(room, examiner):
    entry = Entry("ada", room / "ada")
    first = fingerprint(entry, examiner)
    exam = examiner.exam
    try:
        examiner.exam = dataclasses.replace(exam, labels=exam.labels[::-1])
        assert fingerprint(entry, examiner) != first
    finally:
        examiner.exam = exam
    limits = examiner.limits
    try:
        examiner.limits = dataclasses.replace(limits, call_seconds=77)
        assert fingerprint(entry, examiner) != first
    finally:
        examiner.limits = limits


# --- grading


def run(entries, examiner, out, **options):
    return list(classroom.grade(entries, examiner, out, lambda graded: "a page", **options))


def test_each_is_written_when_it_is_ready(room, examiner, tmp_path):
    out = tmp_path / "results"
    entries = collect([room])[0]
    begun = []
    grading = classroom.grade(entries, examiner, out, lambda graded: "page", begin=begun.append)
    outcome = next(grading)
    assert begun == ["ada"]
    assert sorted(os.listdir(out)) == ["ada"]
    assert sorted(os.listdir(out / "ada")) == [
        "grading.json", "report.html", "results.json", "timing.json",
    ]  # fmt: skip
    assert json.loads((out / "ada" / "results.json").read_text()) == outcome.document
    assert outcome.document["measured"]["digits"] == 60
    outcomes = [outcome, *grading]
    assert (
        outcomes[-1]
        .document["exercises"][0]["laws"][0]["message"]
        .startswith("there is no digits.keras")
    )


def test_what_did_not_change_is_kept(room, examiner, tmp_path, monkeypatch):
    out = tmp_path / "results"
    entries = collect([room / "ada", room / "bob"])[0]
    first = run(entries, examiner, out)
    (room / "bob" / "capstone" / "digits.keras").write_bytes(b"another")
    asked = []
    grade = examiner.grade
    monkeypatch.setattr(examiner, "grade", lambda path: asked.append(path.name) or grade(path))
    second = run(entries, examiner, out, resume=True)
    assert asked == ["bob"]
    assert [outcome.graded is None for outcome in second] == [True, False]
    assert second[0].document == first[0].document
    assert second[0].ratio == first[0].ratio
    assert second[1].document["score"] == 0
    run(entries, examiner, out)
    assert asked == ["bob", "ada", "bob"]


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("grading.json", "[]"),
        ("results.json", '{"submission": "ada", "exercises": []}'),
        ("results.json", None),
        ("report.html", None),
    ],
)
def test_what_is_damaged_or_missing_is_not_kept(room, examiner, tmp_path, file, content):
    entries = collect([room / "ada"])[0]
    run(entries, examiner, tmp_path / "results")
    place = tmp_path / "results" / "ada" / file
    place.unlink()
    if content is not None:
        place.write_text(content)
    (outcome,) = run(entries, examiner, tmp_path / "results", resume=True)
    assert outcome.graded is not None
    assert place.is_file()


def test_a_fault_of_ours_costs_nothing_and_is_tried_again(room, examiner, tmp_path, monkeypatch):
    out = tmp_path / "results"
    entries = collect([room / "ada", room / "bob"])[0]

    def fails(path):
        if path.name == "ada":
            raise KeyError("nobody thought of this")
        raise GraderFault("no worker today")

    with monkeypatch.context() as patch:
        patch.setattr(examiner, "grade", fails)
        ada, bob = run(entries, examiner, out)
    law = ada.document["exercises"][0]["laws"][0]
    assert (ada.document["score"], law["status"]) == (100, "grader_fault")
    assert "KeyError: 'nobody thought of this' (test_classroom.py:" in law["message"]
    assert bob.document["exercises"][0]["laws"][0]["message"].startswith("GraderFault: no worker")
    again = run(entries, examiner, out, resume=True)
    assert [outcome.graded is None for outcome in again] == [False, False]
    assert {law["status"] for law in again[0].document["exercises"][0]["laws"]} != {"grader_fault"}


def test_a_hand_in_that_vanishes_gets_the_reason(room, examiner):
    graded = classroom.examine(examiner, Entry("zoe", room / "zoe"))
    assert "there is no" in graded.verdict.exercises[0].laws[0].message
    assert graded.verdict.score == 0
