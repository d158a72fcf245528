"""Late penalties: how much, never more than there is, and the same after grading again."""

from __future__ import annotations

import datetime
import math
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_notebook
from nbgrader.api import Gradebook
from nbgrader.preprocessors import AssignLatePenalties
from traitlets import TraitError
from traitlets.config import Config

from autograder.integrations.nbgrader.late import LatePerDay

HOUR = 3600
DAY = 24 * HOUR


@pytest.mark.parametrize(
    ("seconds", "penalty"),
    [(0, 0), (1, 1), (DAY, 1), (DAY + 1, 2), (3 * DAY, 3), (3 * DAY + 1, 4), (99 * DAY, 5)],
)
def test_every_started_day_costs_a_share_up_to_the_most(seconds, penalty):
    plugin = LatePerDay(per_day=0.1, most=0.5)
    assert plugin.late_submission_penalty("ann", 10, seconds) == pytest.approx(penalty)


@pytest.mark.parametrize(
    ("seconds", "penalty"),
    [(30 * 60, 0), (30 * 60 + 1, 2), (DAY, 2), (DAY + 30 * 60, 4), (DAY + 1, 4)],
)
def test_within_the_grace_it_costs_nothing_and_then_days_count_from_the_due_date(seconds, penalty):
    plugin = LatePerDay(per_day=0.2, grace_minutes=30)
    assert plugin.late_submission_penalty("ann", 10, seconds) == pytest.approx(penalty)


@given(
    st.one_of(st.none(), st.floats(), st.integers(-5, 50)),
    st.one_of(st.floats(), st.integers(0, 10**9)),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0, allow_nan=False),
)
def test_a_penalty_is_a_number_from_0_to_the_score(score, seconds, per_day, most, grace):
    plugin = LatePerDay(per_day=per_day, most=most, grace_minutes=grace)
    penalty = plugin.late_submission_penalty("ann", score, seconds)
    assert math.isfinite(penalty)
    assert penalty >= 0
    if score is not None and math.isfinite(score):
        assert penalty <= max(score, 0)


@pytest.mark.parametrize("seconds", [math.inf, 1e300])
def test_for_ever_late_costs_the_most(seconds):
    assert LatePerDay(most=0.75).late_submission_penalty("ann", 10, seconds) == 7.5


def test_rounding_takes_no_more_than_the_score():
    assert LatePerDay(per_day=1).late_submission_penalty("ann", 0.1234567, 1) == 0.1234567


@pytest.mark.parametrize("settings", [dict(per_day=-0.1), dict(most=1.5), dict(grace_minutes=-1)])
def test_shares_that_are_none_are_refused(settings):
    with pytest.raises(TraitError):
        LatePerDay(**settings)


@pytest.mark.slow  # alembic starts
@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")  # nbgrader's own queries
def test_penalties_and_manual_grades_survive_a_second_run(tmp_path, monkeypatch):
    # nbgrader calls alembic by its name.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    monkeypatch.setenv("PATH", path)
    due = datetime.datetime(2026, 11, 20, 10)
    url = f"sqlite:///{tmp_path}/gradebook.db"
    with Gradebook(url) as book:
        book.add_assignment("hw", duedate=due)
        book.add_notebook("card", "hw")
        book.add_grade_cell("a", "card", "hw", max_score=10, cell_type="code")
        book.add_student("ann")
        book.add_submission("hw", "ann", timestamp=due + datetime.timedelta(hours=25))
        grade = book.find_grade("a", "card", "hw", "ann")
        grade.auto_score, grade.manual_score = 4, 8
        book.db.commit()
    config = Config(
        AssignLatePenalties=dict(plugin_class=f"{LatePerDay.__module__}.LatePerDay"),
        LatePerDay=dict(per_day=0.25),
    )
    about = {"notebook": "card", "assignment": "hw", "student": "ann", "db_url": url}
    for _ in range(2):
        AssignLatePenalties(config=config).preprocess(new_notebook(), {"nbgrader": about})
        with Gradebook(url) as book:
            submission = book.find_submission("hw", "ann")
            assert (submission.score, submission.late_submission_penalty) == (8, 4)
            assert book.find_grade("a", "card", "hw", "ann").manual_score == 8
