"""Names that learning platforms give, and what nobody may make of them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import PurePosixPath
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.lms import BadName, is_class, is_junk, plain_names, read_names, student_id


def names(*paths, **options):
    """What is made of the paths: student and file by path."""
    texts = {PurePosixPath(name): text for name, text in options.pop("texts", {}).items()}
    download = read_names(map(PurePosixPath, paths), texts=texts, **options)
    return {
        str(path): (hand_in.student, str(hand_in.file)) for path, hand_in in download.files.items()
    }


def only(path, **options):
    """The one hand-in of a download with this path."""
    (hand_in,) = read_names([PurePosixPath(path)], **options).files.values()
    return hand_in


# --- one platform each


@pytest.mark.parametrize(
    ("path", "student", "file"),
    [
        ("Ann Lee_123_assignsubmission_file_/a/hw3.ipynb", "Ann Lee", "a/hw3.ipynb"),
        ("Ann Lee_123_assignsubmission_file/hw3.ipynb", "Ann Lee", "hw3.ipynb"),
        ("Ann Lee_123_assignsubmission_file_hw3.ipynb", "Ann Lee", "hw3.ipynb"),
        ("Ann Lee_123_assignsubmission_file_my_work_2.zip", "Ann Lee", "my_work_2.zip"),
        ("Ann Lee_123_assignsubmission_file_w.zip/exercises/a.py", "Ann Lee", "exercises/a.py"),
        ("Ann Lee_123_assignsubmission_file.zip/a.py", "Ann Lee", "a.py"),
        ("Ægir Þórsson 李_7_assignsubmission_file_/a.py", "Ægir Þórsson 李", "a.py"),
        ("Default group_assignsubmission_file_/a.py", "Default group", "a.py"),
    ],
)
def test_moodle(path, student, file):
    found = only(path)
    assert (found.convention, found.student, str(found.file)) == ("Moodle", student, file)
    assert found.when is None
    assert found.late is None


@pytest.mark.parametrize(
    ("path", "student", "file", "late", "attempt"),
    [
        ("leeann_12345_678901_name-2.ipynb", "12345", "name-2.ipynb", False, 2),
        ("leeann_LATE_12345_678901_name.zip", "12345", "name.zip", True, 0),
        ("leeann_LATE_12345_678901_n-1.zip/exercises/a.py", "12345", "exercises/a.py", True, 1),
        ("李ann_12345_678901_a_1_2_b.py", "12345", "a_1_2_b.py", False, 0),
        ("anon_xY3z9_678901_a.py", "anon_xY3z9", "a.py", False, 0),
        ("LATE_anon_xY3z9_678901_a.py", "anon_xY3z9", "a.py", True, 0),
    ],
)
def test_canvas(path, student, file, late, attempt):
    found = only(path)
    assert (found.convention, found.student, str(found.file)) == ("Canvas", student, file)
    assert (found.late, found.attempt, found.when) == (late, attempt, None)


@pytest.mark.parametrize(
    ("path", "student", "file"),
    [
        ("Homework_3_alice_attempt_2026-11-20-10-00-00_a_b.ipynb", "alice", "a_b.ipynb"),
        ("HW_3 (pairs)_a.b@c.edu_attempt_2026-11-20-10-00-00_w.zip/a.py", "a.b@c.edu", "a.py"),
        ("HW_alice_poging_2026-11-20-10-00-00_a.py", "alice", "a.py"),
        # The student's own file looks like another's.
        (
            "HW_alice_attempt_2026-11-20-10-00-00_HW_bob_attempt_2026-11-21-10-00-00_a.py",
            "alice",
            "HW_bob_attempt_2026-11-21-10-00-00_a.py",
        ),
    ],
)
def test_blackboard(path, student, file):
    found = only(path)
    assert (found.convention, found.student, str(found.file)) == ("Blackboard", student, file)
    assert found.when == datetime(2026, 11, 20, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("2026-11-20-10-00-00", datetime(2026, 11, 20, 9, tzinfo=UTC)),
        ("2026-07-20-10-00-00", datetime(2026, 7, 20, 8, tzinfo=UTC)),
        # The hour that comes twice: the first one.
        ("2026-10-25-02-30-00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ],
)
def test_blackboard_writes_the_time_of_the_institutions_clock(time, expected):
    found = only(f"HW_alice_attempt_{time}_a.py", zone=ZoneInfo("Europe/Rome"))
    assert found.when == expected


def test_a_time_that_is_none_is_no_blackboard_name():
    assert only("HW_alice_attempt_2026-13-45-10-00-00_a.py").convention == "plain"


METADATA = """
submission_11:
  :submitters:
  - :name: Ann Lee
    :sid: 007
    :email: ann@example.edu
  :created_at: 2026-11-20 10:00:00.123456789 -08:00
  :results: !ruby/object:Some::Thing {a: 1}
submission_12:
  :submitters:
  - :name: Bob
    :sid:
    :email: bob@example.edu
  - :name: Cy
    :sid: '9'
submission_14:
  :submitters: []
"""


def test_gradescope():
    root = "assignment_5_export"
    download = read_names(
        [PurePosixPath(f"{root}/submission_{number}/hw/a.py") for number in (11, 12, 13, 14)],
        texts={PurePosixPath(root, "submission_metadata.yml"): METADATA},
    )
    found = {hand_in.student: hand_in for hand_in in download.files.values()}
    assert list(found) == ["007", "bob@example.edu", "submission_13", "submission_14"]
    assert found["007"].name == "Ann Lee"
    assert str(found["007"].file) == "hw/a.py"
    assert found["007"].when == datetime(2026, 11, 20, 18, 0, 0, 123456, tzinfo=UTC)
    assert found["bob@example.edu"].group == ("9",)
    assert any("submission_13" in sentence for sentence in download.told)


@pytest.mark.parametrize(
    "text", ["a: [", "- 1", "", "&a [*a]", "{[1]: 2}", "[" * 99999, "- " * 99999]
)
def test_metadata_that_cannot_be_read_leaves_the_numbers(text):
    found = names("submission_11/a.py", "x_1_assignsubmission_file_/b.py", "submission_12/a.py",
                  texts={"submission_metadata.yml": text})  # fmt: skip
    assert found["submission_11/a.py"] == ("submission_11", "a.py")
    assert found["submission_12/a.py"] == ("submission_12", "a.py")


def test_github_classroom():
    inside = ("hw-3-submissions/hw-3-ann-lee/exercises/a.py", "hw-3-submissions/hw-3-bob/a.py")
    assert names(*inside) == {
        inside[0]: ("ann-lee", "exercises/a.py"),
        inside[1]: ("bob", "a.py"),
    }
    beside = ("hw-3-ann-lee/a.py", "HW-3-bob.zip/a.py")
    assert names(*beside, assignment="HW 3") == {
        beside[0]: ("ann-lee", "a.py"),
        beside[1]: ("bob", "a.py"),
    }
    zipped = tuple(f"all.zip/{path}" for path in beside)
    assert [student for student, _ in names(*zipped, assignment="HW 3").values()] == [
        "bob",
        "ann-lee",
    ]
    assert names(*beside, assignment="other")[beside[0]] == ("hw-3-ann-lee", "a.py")


def test_nbgraders_own_folders():
    found = names(
        "course/submitted/ann/hw3/exercises/a.py",
        "course/submitted/ann/hw2/exercises/a.py",
        "course/submitted/stray.py",
        "course/source/hw3/a.py",
        assignment="hw3",
    )
    assert found == {"course/submitted/ann/hw3/exercises/a.py": ("ann", "exercises/a.py")}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-20 10:00:00 UTC", datetime(2026, 11, 20, 10, tzinfo=UTC)),
        ("2026-11-20 10:00:00.5\n", datetime(2026, 11, 20, 10, 0, 0, 500000, tzinfo=UTC)),
        ("2026-11-20 10:00:00 +0200", datetime(2026, 11, 20, 8, tzinfo=UTC)),
        ("0001-01-01 00:00:00 +0200", None),
        ("soon", None),
    ],
)
def test_the_time_of_nbgraders_own_folders(text, expected):
    path = PurePosixPath("submitted/ann/hw3/a.py")
    (found,) = read_names([path], texts={path.with_name("timestamp.txt"): text}).files.values()
    assert found.when == expected


def test_a_students_own_timestamp_is_no_time():
    path = PurePosixPath("ann/a.py")
    texts = {path.with_name("timestamp.txt"): "2026-11-20 10:00:00 UTC"}
    assert read_names([path], texts=texts).files[path].when is None


def test_plain_names():
    paths = ("ann.zip/exercises/a.py", "bob.ipynb", "cy.py", "dan/a.py", "eve.zip", "f.g/a.py")
    assert names(*paths) == {
        "ann.zip/exercises/a.py": ("ann", "exercises/a.py"),
        "bob.ipynb": ("bob", "bob.ipynb"),
        "cy.py": ("cy", "cy.py"),
        "dan/a.py": ("dan", "a.py"),
        "eve.zip": ("eve", "eve.zip"),
        "f.g/a.py": ("f.g", "a.py"),
    }


# --- which level the students are on


@pytest.mark.parametrize("wrapper", ["", "all.zip/", "all.zip/all/"])
@pytest.mark.parametrize(
    "paths",
    [
        ("ann.zip/a.py", "bob.zip/a.py"),
        ("ann/exercises/a.py", "bob/exercises/a.py"),
        ("ann_5_assignsubmission_file_/a.py", "bob_6_assignsubmission_file_/a.py"),
        ("ann_5_assignsubmission_file_a.py",),
    ],
)
def test_folders_around_a_download_are_looked_through(wrapper, paths):
    found = names(*(wrapper + path for path in paths))
    assert [student for student, _ in found.values()] == ["ann", "bob"][: len(paths)]


@pytest.mark.parametrize(
    "inside",
    ["hw3-final/exercises/a.py", "exercises/a.py", "a.py", "x/y/a.ipynb", "hw3-bob/a.py"],
)
@pytest.mark.parametrize("others", [(), ("bob/hw3-final/exercises/a.py",)])
def test_folders_in_a_hand_in_are_the_students(inside, others):
    found = names(f"ann/{inside}", *others, assignment="hw3")
    assert found[f"ann/{inside}"] == ("ann", inside)


@pytest.mark.parametrize(
    "forged",
    [
        "bob_5_assignsubmission_file_/a.py",
        "HW_bob_attempt_2026-11-20-10-00-00_a.py",
        "bob_1_2_a.py",
        "submitted/bob/hw3/a.py",
        "hw3-submissions/hw3-bob/a.py",
        "bob.zip/a.py",
        "submission_2/a.py",
    ],
)
@pytest.mark.parametrize("honest", ["bob/a.py", "bob.zip/exercises/a.py"])
def test_no_file_of_a_student_makes_somebody_elses_hand_in(forged, honest):
    texts = {"ann.zip/submission_metadata.yml": "submission_2: {':submitters': [{':sid': bob}]}"}
    found = names(f"ann.zip/{forged}", honest, assignment="hw3", texts=texts)
    assert found[f"ann.zip/{forged}"] == ("ann", forged)
    assert found[honest][0] == "bob"


def test_sections_of_a_class_lie_beside_each_other():
    found = names(
        "A.zip/ann_5_assignsubmission_file_/a.py", "B.zip/bob_6_assignsubmission_file_/a.py"
    )
    assert sorted(student for student, _ in found.values()) == ["ann", "bob"]


def test_what_is_named_otherwise_is_left_out_and_told():
    paths = [PurePosixPath("ann_5_assignsubmission_file_/a.py"), PurePosixPath("solution.py")]
    download = read_names(paths)
    assert list(download.files) == paths[:1]
    assert len(download.told) == 1
    assert "solution.py" in download.told[0]


def test_one_name_that_looks_like_canvas_does_not_decide_for_the_class():
    paths = ("lab_1_2_x.py", "ann.py", "bob.py", "cy.py")
    assert [student for student, _ in names(*paths).values()] == ["ann", "bob", "cy", "lab_1_2_x"]


def test_is_class():
    def of(*paths):
        return is_class(map(PurePosixPath, paths))

    assert of("ann_5_assignsubmission_file_/a.py")
    assert of("ann.zip", "bob.zip")
    assert of("all/ann/a.py", "all/bob/a.py")
    assert of("export/submission_metadata.yml", "export/submission_1/a.py")
    assert not of("exercises/a.py", "hw3.ipynb")
    assert not of("hw3-final/exercises/a.py")
    assert not of("inner.zip")
    assert not of()


# --- what is no hand-in


def test_junk_and_other_files_are_passed_over():
    kept = "ann/a.py"
    junk = (
        "__MACOSX/ann/._a.py",
        "ann/.ipynb_checkpoints/a-checkpoint.ipynb",
        "ann/__pycache__/a.py",
        "ann/.hidden.py",
        ".DS_Store",
        "ann/report.pdf",
        "grades.csv",
    )
    assert list(names(kept, *junk)) == [kept]
    assert is_junk(PurePosixPath("a/.git/b.py"))
    assert not is_junk(PurePosixPath("a.b/c.py"))
    # A hidden file behind a platform's prefix is one, too.
    assert names("lee_1_2_.secret.py", "lee_1_3_a.py") == {"lee_1_3_a.py": ("1", "a.py")}


# --- ids


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ann", "ann"),
        ("Ann Lee", "Ann Lee"),
        (".ann", "ann"),
        (" ..ann. ", "ann"),
        ("a/b\\c", "a_b_c"),
        ("a\x00b\nc\u202ed", "a_b_c_d"),
        ("A\u030angstro\u0308m", "Ångström"),
        ("a\udce9b", "a_b"),
    ],
)
def test_an_id_names_a_folder(text, expected):
    assert student_id(text) == expected


@pytest.mark.parametrize("text", ["", ".", "..", "...", " ", "/", "\n", "//.", "\u202e"])
def test_what_no_id_can_be_made_of_is_refused_in_one_sentence(text):
    with pytest.raises(BadName, match=r"^[^\n]+ cannot be a student's id$"):
        student_id(text)


@given(st.text(st.characters(), max_size=200) | st.text("李𝄞.e\u0301 ", min_size=90, max_size=300))
def test_every_id_is_one_folder_and_stays_the_same(text):
    try:
        found = student_id(text)
    except BadName:
        return
    assert 0 < len(found) <= 100
    assert len(found.encode()) <= 200
    assert PurePosixPath(found).parts == (found,)
    assert found not in (".", "..")
    assert not found.startswith(".")
    assert student_id(found) == found


def test_long_ids_that_begin_alike_stay_apart():
    first, second = student_id("a" * 150 + "b"), student_id("a" * 150 + "c")
    assert first != second
    assert first[:50] == second[:50]


@pytest.mark.parametrize(
    "paths",
    [
        ("Ann Lee_1_assignsubmission_file_/a.py", "Ann Lee_2_assignsubmission_file_/a.py"),
        (
            "HW_x_lee_attempt_2026-11-20-10-00-00_a.py",
            "HW_y_lee_attempt_2026-11-20-10-00-00_a.py",
        ),
        ("Ann/a.py", "ann/a.py"),
        ("a?b/a.py", "a*b/a.py"),
        ("Ann Lee_1_assignsubmission_file_/a.py", "Ann Lee_2_assignsubmission_file_/a.py",
         "Ann Lee__1_assignsubmission_file_/a.py"),
    ],
)  # fmt: skip
def test_two_students_never_fall_together(paths):
    download = read_names(map(PurePosixPath, paths))
    ids = [hand_in.student.casefold() for hand_in in download.files.values()]
    assert len(set(ids)) == len(paths)
    assert len(download.told) == 1
    assert "told apart" in download.told[0]


def test_a_number_tells_students_of_one_name_apart():
    files = ("Ann_1_x/a.py", "Ann_2_x/a.py", "Ann_2_x/b.py", "Bob_3_x/a.py")
    found = names(*(file.replace("x", "assignsubmission_file_") for file in files))
    assert [student for student, _ in found.values()] == ["Ann_1", "Ann_2", "Ann_2", "Bob"]


def test_a_name_that_is_none_leaves_out_that_hand_in_alone():
    paths = ["hw-3-submissions/hw-3-.../a.py", "hw-3-submissions/hw-3-bob/a.py"]
    download = read_names(map(PurePosixPath, paths))
    assert [hand_in.student for hand_in in download.files.values()] == ["bob"]
    assert len(download.told) == 1


# --- decorations


@pytest.mark.parametrize(
    "name",
    ["hw3 (1).ipynb", "hw3(12).ipynb", "hw3-1.ipynb", "hw3_copy.ipynb", "hw3-Copy1.ipynb",
     "hw3 - Copy.ipynb", "hw3 copy 2.ipynb", "Copy of hw3.ipynb", "Copy of hw3 (1)-2.ipynb"],
)  # fmt: skip
def test_decorations_come_off(name):
    assert "hw3.ipynb" in plain_names(name)


def test_a_plain_name_has_none():
    assert plain_names("hw3.ipynb") == []
    assert plain_names("hw-1 (2).ipynb")[0] == "hw-1.ipynb"


# --- anything at all

PARTS = st.sampled_from(
    ["ann", "Ann", "bob.zip", "exercises", "submitted", "hw3-submissions", "hw3-ann", "..", "a.py",
     "b.ipynb", "c.rar", "Ann Lee_1_assignsubmission_file_", "Ann Lee_2_assignsubmission_file_x.py",
     "leeann_LATE_77_5_a-1.py", "HW_ann_attempt_2026-11-20-10-00-00_a.py", "submission_1",
     "HW_ann_attempt_0001-01-01-00-00-00_a.py", "submission_metadata.yml", "timestamp.txt"]
)  # fmt: skip
PATHS = st.lists(st.lists(PARTS | st.text(max_size=5), min_size=1, max_size=6), max_size=12)


@given(PATHS, st.sampled_from([METADATA, "", "soon", "submission_1: {':submitters': [1, {}]}"]))
def test_any_download_is_read_and_files_stay_in_their_hand_in(lists, text):
    paths = [PurePosixPath(*(part.replace("/", "_") or "_" for part in parts)) for parts in lists]
    texts = {path: text for path in paths if path.suffix in (".yml", ".txt")}
    download = read_names(paths, "hw3", texts, ZoneInfo("Asia/Tokyo"))
    owners = {}
    for path, hand_in in download.files.items():
        assert path.is_relative_to(hand_in.top)
        assert hand_in.file.parts
        assert student_id(hand_in.student) == hand_in.student
        owners.setdefault(hand_in.top, set()).add(hand_in.student)
    assert all(len(students) == 1 for students in owners.values())
    assert is_class(paths) in (True, False)
