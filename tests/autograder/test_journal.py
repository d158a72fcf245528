"""The journal: what counts as done, and what it does not tell."""

from __future__ import annotations

import pytest

from autograder.journal import BadJournal, Journal, kit
from autograder.submissions import Submission

ANNA = Submission("anna", {"padding": "x = 1"})


def graded(journal, submission=ANNA, text="{}", seed="public"):
    """Files as grading writes them, and their entry."""
    key = journal.key(submission, {}, seed)
    folder = journal.out / submission.name
    folder.mkdir(exist_ok=True)
    (folder / "results.json").write_text(text)
    (folder / "report.html").write_text("<p>")
    journal.record(submission.name, key)
    return key


def test_what_is_recorded_is_done(tmp_path):
    with Journal(tmp_path, resume=False) as journal:
        key = graded(journal)
        assert journal.file.read_text().count("\n") == 2
    with Journal(tmp_path, resume=True) as journal:
        assert journal.key(ANNA, {}, "public") == key
        assert journal.is_done("anna", key)
        assert not journal.is_done("bob", key)
    with Journal(tmp_path, resume=False) as journal:
        assert not journal.is_done("anna", key)


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_a_line_that_was_cut_short_is_no_line(tmp_path, cut):
    with Journal(tmp_path, resume=False) as journal:
        graded(journal)
    whole = journal.file.read_bytes()
    with Journal(tmp_path, resume=True) as journal:
        bob = Submission("bob", {})
        graded(journal, bob)
    after = journal.file.read_bytes()
    journal.file.write_bytes(after[: max(len(whole), len(after) - cut)])
    for again in range(2):
        with Journal(tmp_path, resume=True) as journal:
            assert journal.is_done("anna", journal.key(ANNA, {}, "public"))
            # Without its line's end alone it is whole.
            assert journal.is_done("bob", journal.key(bob, {}, "public")) == (cut == 1 or again)
            graded(journal, bob)


@pytest.mark.parametrize(
    "other",
    [
        Submission("anna", {"padding": "x = 2"}),
        Submission("anna", {"padding": "x = 1"}, {"pooling": "is no text"}),
        Submission("anna", {"padding": "x = 1"}, warnings=("one",)),
    ],
)
def test_the_key_is_of_all_that_was_handed_in(tmp_path, other):
    with Journal(tmp_path, resume=False) as journal:
        assert journal.key(other, {}, "public") != journal.key(ANNA, {}, "public")
        assert journal.key(ANNA, {"level": "weak"}, "public") != journal.key(ANNA, {}, "public")
        assert journal.key(ANNA, {}, "other") != journal.key(ANNA, {}, "public")


def test_the_seed_cannot_be_told_from_the_journal(tmp_path):
    keys = set()
    for name in ("one", "two"):
        with Journal(tmp_path / name, resume=False) as journal:
            keys.add(graded(journal, seed="the secret"))
        assert "secret" not in journal.file.read_text()
    assert len(keys) == 2  # salted


def test_a_journal_of_another_version(tmp_path):
    with Journal(tmp_path, resume=False) as journal:
        pass
    journal.file.write_text('{"schema": "autograder/journal/0", "salt": "x"}\n')
    with pytest.raises(BadJournal, match="another version"):
        Journal(tmp_path, resume=True)


def test_the_kit_is_told_by_its_version_and_its_sources():
    version, _, digest = kit().partition("+")
    assert version.count(".") == 2
    assert len(digest) == 16
