"""`part("accuracy")` in a notebook shows practice, and gives nbgrader no points by itself."""

from __future__ import annotations

import pytest

from autograder.integrations import capstone_notebook
from autograder.integrations.capstone_notebook import part
from autograder.integrations.notebook import NotConfigured, NotPassed


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    capstone_notebook._judged.cache_clear()
    return tmp_path


def test_a_part_tells_its_points_and_its_finding(here):
    (here / "digits.keras").write_bytes(b"no model")
    shown = part("valid")
    text, html = repr(shown), shown._repr_html_()
    assert text.startswith("valid: 0 of 10 points\n")
    for told in ("in Keras", "these digits are public"):
        assert told in text
        assert told in html
    assert "&#x27;digits.keras&#x27;" in html
    assert max(map(len, text.splitlines())) <= 80


def test_it_is_judged_anew_when_a_file_changes(here):
    assert "not attempted yet" in repr(part("report"))
    (here / "digits.keras").write_bytes(b"no model")
    assert "needs a model that is accepted" in repr(part("report"))


def test_nbgrader_gets_no_points_from_the_cell(monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    with pytest.raises(NotConfigured, match="start it in the course's folder"):
        part("valid")
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    with pytest.raises(NotPassed, match="valid: 0 of 10 points"):
        part("valid")


def test_a_part_that_is_none():
    with pytest.raises(ValueError, match="'beauty' is no part of the rubric: it has valid, transf"):
        part("beauty")
