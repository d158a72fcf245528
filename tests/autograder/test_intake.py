"""Intake: everything that is handed in is somebody's, or told."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path

import pytest

from autograder import intake
from autograder.submissions import BadSubmission

TOPICS = frozenset({"padding", "convolution"})
SOURCE = "def f():\n    return 1\n"
NEWER = "def f():\n    return 2\n"
NOTEBOOK = json.dumps({"cells": [{"cell_type": "code", "source": SOURCE}]})


def packed(**members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


@pytest.fixture
def download(tmp_path):
    """`download({path: content})`: a folder with these files, each newer than the one before."""

    def made(files, folder="download"):
        for number, (name, content) in enumerate(files.items()):
            file = tmp_path / folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
            os.utime(file, (1_700_000_000 + number, 1_700_000_000 + number))
        return tmp_path / folder

    return made


@pytest.fixture
def collect(tmp_path):
    """`collect(path)`: the submissions by name, and what is told."""

    def collected(*paths):
        found = intake.collect(paths, TOPICS, tmp_path / "room")
        submissions = [hand_in.read(TOPICS) for hand_in in found.hand_ins]
        return {one.name: one for one in submissions}, found

    return collected


ZIP = packed(**{"work/padding.py": SOURCE})
PLATFORMS = {
    "plain": {
        "alice/exercises/padding.py": SOURCE,
        "bob/padding.py": SOURCE,
        "carol.zip": ZIP,
        "dave.ipynb": NOTEBOOK,
        "erin.py": SOURCE,
    },
    "nbgrader": {
        "submitted/alice/lab/exercises/padding.py": SOURCE,
        "submitted/alice/lab/timestamp.txt": "2026-11-20 10:00:00 UTC",
        "submitted/bob/lab/lab.ipynb": NOTEBOOK,
    },
    "Moodle": {
        "Ann Lee_12_assignsubmission_file/padding.py": SOURCE,
        "Bo Ek_13_assignsubmission_file/my work.zip": ZIP,
        "Cy Oz_14_assignsubmission_file_lab.ipynb": NOTEBOOK,
    },
    "Canvas": {
        "leeann_101_9001_padding.py": SOURCE,
        "leeann_101_9002_convolution.py": SOURCE,
        "ekbo_LATE_102_9003_work.zip": ZIP,
    },
    "Gradescope": {
        "submission_metadata.yml": (
            "submission_1:\n  :submitters:\n  - :sid: a1\n    :name: Ann\n"
            "submission_2:\n  :submitters:\n  - :sid: b2\n    :name: Bo\n"
        ),
        "submission_1/padding.py": SOURCE,
        "submission_2/hw/exercises/padding.py": SOURCE,
    },
    "Blackboard": {
        "Lab_ann_attempt_2026-11-20-10-00-00_padding.py": SOURCE,
        "Lab_bo_attempt_2026-11-20-10-00-00_work.zip": ZIP,
    },
    "GitHub Classroom": {
        "lab-submissions/lab-ann/exercises/padding.py": SOURCE,
        "lab-submissions/lab-bo/exercises/padding.py": SOURCE,
    },
}
STUDENTS = {
    "plain": ["alice", "bob", "carol", "dave", "erin"],
    "nbgrader": ["alice", "bob"],
    "Moodle": ["Ann Lee", "Bo Ek", "Cy Oz"],
    "Canvas": ["101", "102"],
    "Gradescope": ["a1", "b2"],
    "Blackboard": ["ann", "bo"],
    "GitHub Classroom": ["ann", "bo"],
}


@pytest.mark.parametrize("as_zip", [False, True], ids=["folder", "zip"])
@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_platforms_export(download, collect, tmp_path, platform, as_zip):
    path = download(PLATFORMS[platform])
    if as_zip:
        if platform == "plain":
            # A zip with modules beside folders could be a student's own.
            for name in ("dave.ipynb", "erin.py"):
                (path / name).unlink()
        (tmp_path / "all.zip").write_bytes(
            packed(
                **{
                    str(file.relative_to(path)): file.read_bytes()
                    for file in sorted(path.rglob("*"))
                    if file.is_file()
                }
            )
        )
        path = tmp_path / "all.zip"
    submissions, found = collect(path)
    wanted = STUDENTS[platform][: 3 if as_zip else None]
    assert list(submissions) == wanted
    assert {hand_in.convention for hand_in in found.hand_ins} == {platform}
    for submission in submissions.values():
        assert submission.sources, submission
        assert submission.warnings == ()
    assert found.told == ()


def test_modules_that_came_one_by_one_are_one_submission(download, collect):
    submissions, _ = collect(download(PLATFORMS["Canvas"]))
    assert set(submissions["101"].sources) == {"padding", "convolution"}


def test_the_newest_wins_and_that_is_said(download, collect):
    newer = packed(**{"padding.py": NEWER})
    submissions, found = collect(
        download({"alice/padding.py": SOURCE, "alice.zip": newer, "bob.py": SOURCE})
    )
    assert submissions["alice"].sources == {"padding": NEWER}
    note = "handed in 2 times: alice.zip counts, not alice"
    assert submissions["alice"].warnings == (note,)
    assert found.told == (f"alice: {note}",)


def test_a_module_that_was_handed_in_again(download, collect):
    files = {"leeann_101_1_padding-1.py": NEWER, "leeann_101_2_padding.py": SOURCE}
    submissions, found = collect(download(files))
    assert submissions["101"].sources == {"padding": NEWER}  # by number, whatever the dates say
    assert "padding.py is there 2 times; the newest, leeann_101_1_padding-1.py" in found.told[0]


def test_notes_beside_an_archive_are_no_submission(download, collect):
    files = {"leeann_101_1_work.zip": ZIP, "leeann_101_2_notes.py": SOURCE, "x_1_2_padding.py": ""}
    submissions, _ = collect(download(files))
    assert submissions["101"].sources == {"padding": SOURCE}


# --- nobody is lost


def test_a_lone_module_is_told_and_taken(download, collect):
    submissions, _ = collect(download({"alice/solution.py": SOURCE, "bob/padding.py": SOURCE}))
    assert submissions["alice"].sources == {"submission": SOURCE}
    (note,) = submissions["alice"].warnings
    assert note == "solution.py is the only module, and taken for all of them"


def test_a_module_that_is_not_named_as_the_others_is_told(download, collect):
    files = {**PLATFORMS["Moodle"], "alice.py": SOURCE}
    submissions, found = collect(download(files))
    assert list(submissions) == STUDENTS["Moodle"]
    assert found.told == ("alice.py is left out: it is not named as the others are",)


def test_who_handed_in_no_code_is_graded_as_empty(download, collect):
    files = {**PLATFORMS["Moodle"], "Di Ix_15_assignsubmission_file/report.pdf": "%PDF"}
    submissions, found = collect(download(files))
    assert submissions["Di Ix"].sources == {}
    (warning,) = submissions["Di Ix"].warnings
    assert warning.startswith("nothing that can be graded was handed in: report.pdf")
    assert found.told == (f"Di Ix: {warning}",)


def test_other_archives_and_broken_ones_are_graded_as_empty(download, collect):
    files = {"alice.rar": "Rar!", "bob.zip": "no zip", "carol/padding.py": SOURCE}
    submissions, _ = collect(download(files))
    assert list(submissions) == ["alice", "bob", "carol"]
    assert "alice.rar is no zip file and no code" in submissions["alice"].warnings[0]
    told = "bob.zip is no readable zip file: File is not a zip file"
    assert submissions["bob"].warnings == (told,)


def test_what_is_left_out_is_told(download, collect):
    folder = download({"alice/padding.py": SOURCE, "notes.txt": "", ".trash/padding.py": SOURCE})
    (folder / "dora").mkdir()
    submissions, found = collect(folder)
    assert list(submissions) == ["alice"]
    assert found.told == (
        "left out, for it is no module, notebook or zip file: notes.txt",
        "left out, for there is nothing in it: dora",
    )


def test_a_link_is_no_way_to_somebody_elses_work(download, collect):
    folder = download({"alice/padding.py": SOURCE, "bob/convolution.py": SOURCE})
    (folder / "bob" / "padding.py").symlink_to(folder / "alice" / "padding.py")
    submissions, _ = collect(folder)
    assert list(submissions["bob"].sources) == ["convolution"]
    assert "symbolic link" in submissions["bob"].unreadable["padding"]


def test_a_name_that_no_folder_of_results_can_have(download, collect):
    submissions, _ = collect(download({"alice/padding.py": SOURCE, "index.html.py": SOURCE}))
    assert list(submissions) == ["alice", "submission index.html.py"]
    with pytest.raises(BadSubmission, match="rename it"):
        collect(download({}) / "index.html.py")


# --- single submissions


@pytest.mark.parametrize("place", ["", "exercises/"])
def test_one_submission_is_no_class(download, collect, place):
    folder = download({f"{place}padding.py": SOURCE, "notes/more.py": SOURCE}, "alice")
    submissions, found = collect(folder)
    assert list(submissions) == ["alice"]
    assert [hand_in.named for hand_in in found.hand_ins] == [True]


def test_a_students_zip_is_no_class(tmp_path, collect):
    (tmp_path / "alice.zip").write_bytes(ZIP)
    submissions, _ = collect(tmp_path / "alice.zip")
    assert submissions["alice"].sources == {"padding": SOURCE}


def test_a_students_zip_with_several_folders_is_no_class(tmp_path, collect):
    members = {"work/padding.py": SOURCE, "notes/tricks.py": NEWER}
    (tmp_path / "alice.zip").write_bytes(packed(**members))
    submissions, _ = collect(tmp_path / "alice.zip")
    assert submissions["alice"].sources == {"padding": SOURCE}


def test_what_was_named_must_be_readable(tmp_path, collect):
    (tmp_path / "bob.zip").write_bytes(b"no zip")
    with pytest.raises(BadSubmission, match="no readable zip"):
        collect(tmp_path / "bob.zip")
    with pytest.raises(BadSubmission, match="there is no "):
        collect(tmp_path / "nobody")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadSubmission, match="holds no submission: no module such as convolution"):
        collect(tmp_path / "empty")


def test_several_paths_are_collected_in_order(download, collect):
    one = download({"zoe/padding.py": SOURCE, "adam/padding.py": SOURCE}, "one")
    two = download({"mia/padding.py": SOURCE}, "two")
    assert list(collect(two / "mia", one)[0]) == ["mia", "adam", "zoe"]


def test_two_paths_of_one_name_are_told_apart_by_nobody(download, collect):
    one = download({"alice/padding.py": SOURCE}, "one")
    two = download({"alice/padding.py": SOURCE}, "two")
    with pytest.raises(BadSubmission, match="2 submissions are called alice; rename all but one"):
        collect(one, two)


def test_a_class_zip_leads_nowhere_outside(tmp_path, collect):
    members = {
        "x/Ann_1_assignsubmission_file_padding.py": SOURCE,
        "../Bo_2_assignsubmission_file_padding.py": SOURCE,
    }
    (tmp_path / "all.zip").write_bytes(packed(**members))
    submissions, found = collect(tmp_path / "all.zip")
    assert list(submissions) == ["Ann"]
    assert not list(tmp_path.glob("Bo*"))
    assert not list(Path(tmp_path, "room").glob("**/Bo*"))
    assert "lead out of it" in found.told[0]


# --- the capstone


@pytest.mark.parametrize("place", ["", "capstone", "exercises/capstone", "hw/exercises/capstone"])
def test_who_handed_in_a_model_alone_is_a_student(download, collect, place):
    files = {"alice/exercises/padding.py": SOURCE, f"bob/{place}/digits.keras": b"PK"}
    submissions, found = collect(download(files))
    bob = submissions["bob"]
    assert (bob.sources, bob.warnings) == ({}, ())
    assert next(bob.path.glob("**/digits.keras")).read_bytes() == b"PK"
    assert found.told == ()


def test_a_folder_that_holds_a_model_is_one_submission(download, collect):
    folder = download({"capstone/digits.keras": b"PK"}, "alice")
    (alice,) = collect(folder)[0].values()
    assert (alice.name, alice.path, alice.sources) == ("alice", folder, {})


def test_a_model_that_came_with_others_one_by_one_lies_beside_its_own_alone(download, collect):
    submissions, _ = collect(
        download(
            {
                "alice_101_7_digits.keras": b"old",
                "alice_101_8_digits-1.keras": b"hers",
                "alice_101_9_digits.py": SOURCE,
                "alice_101_10_padding.py": SOURCE,
                "bob_102_11_digits.keras": b"his",
            }
        )
    )
    alice, bob = submissions["101"], submissions["102"]
    assert {file.name for file in alice.path.iterdir()} == {
        "digits.keras",
        "digits.py",
        "padding.py",
    }
    assert (alice.path / "digits.keras").read_bytes() == b"hers"
    assert alice.sources["padding"] == SOURCE
    assert [file.read_bytes() for file in bob.path.iterdir()] == [b"his"]
    assert bob.warnings == ()
