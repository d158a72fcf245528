"""Late penalties by the day.

In a course's `nbgrader_config.py`:

    c.AssignLatePenalties.plugin_class = "autograder.integrations.nbgrader.late.LatePerDay"
    c.LatePerDay.per_day = 0.2
"""

from __future__ import annotations

import math

from nbgrader.plugins import LateSubmissionPlugin
from traitlets import Float

DAY = 24 * 60 * 60


class LatePerDay(LateSubmissionPlugin):  # type: ignore[misc]
    """Takes a share of the score for each day that has begun since the due date.

    The share is of what was scored, not of the points there are, and follows from the score and the
    time alone: grading again gives the same penalty.
    """

    per_day = Float(
        0.1, min=0.0, max=1.0, help="The share of the score that each started day costs."
    ).tag(config=True)
    most = Float(1.0, min=0.0, max=1.0, help="The largest share that lateness costs.").tag(
        config=True
    )
    grace_minutes = Float(
        0.0, min=0.0, help="So late still costs nothing; later, days count from the due date."
    ).tag(config=True)

    def late_submission_penalty(
        self, student_id: str, score: float | None, total_seconds_late: float
    ) -> float:
        """Points to take off: from 0 to the score, whatever nbgrader hands over."""
        if not total_seconds_late > self.grace_minutes * 60:
            return 0.0
        if score is None or not math.isfinite(score) or score <= 0:
            return 0.0
        days = total_seconds_late / DAY
        begun = math.ceil(days) if math.isfinite(days) else days
        share = min(self.most, self.per_day * begun) if self.per_day else 0.0
        penalty = round(score * share, 6)
        return min(penalty, score) if math.isfinite(penalty) else 0.0
