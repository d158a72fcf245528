"""Settings of this course for nbgrader; the exercise kit judges, nbgrader keeps the rest."""

from pathlib import Path

from autograder.integrations.nbgrader.settings import configure

c = get_config()  # noqa: F821  (nbgrader has it)
configure(c, Path(__file__).parent)

c.CourseDirectory.course_id = "cnn"

# Other cases than the students have: any text that they do not know.
# c.Judge.seed = "..."

# How well student code must be isolated: "strong", "medium" or, for practice, "weak".
# `autograder doctor` tells what this machine has.
c.Judge.require_isolation = "medium"

# A due date is set in formgrader, or by:
#     nbgrader db assignment add 02_padding --duedate="2027-01-31 18:00 Europe/Berlin"
# This takes a tenth of the score for each day begun after it, at most half.
# c.AssignLatePenalties.plugin_class = "autograder.integrations.nbgrader.late.LatePerDay"
# c.LatePerDay.per_day = 0.1
# c.LatePerDay.most = 0.5
