"""What nbgrader does by the kit: a course's nbgrader_config.py calls `configure`."""

from __future__ import annotations

import warnings
from pathlib import Path

from nbgrader.apps import NbGraderAPI, NbGraderApp
from nbgrader.preprocessors import AssignLatePenalties, ClearOutput
from sqlalchemy.exc import SAWarning
from traitlets.config import Config

from autograder.integrations.nbgrader import handed_in
from autograder.integrations.nbgrader.capstone import SaveGrades
from autograder.integrations.nbgrader.collector import Collector, Extractor
from autograder.integrations.nbgrader.exporter import GradesCsv
from autograder.integrations.nbgrader.feedback import FeedbackExporter
from autograder.integrations.nbgrader.preprocessors import Judge, RestoreCells

TEMPLATES = Path(__file__).parent / "templates"
CONFIG = "nbgrader_config.py"


def configure(c: Config, course: Path) -> None:
    """Set what the kit does in place of nbgrader; everything else stays nbgrader's."""
    handed_in.install()
    c.ClearSolutions.code_stub = {"python": "raise NotImplementedError"}
    c.Autograde.sanitize_preprocessors = [ClearOutput, RestoreCells]
    c.Autograde.autograde_preprocessors = [Judge, SaveGrades, AssignLatePenalties]
    # Students' modules are handed in: the released ones must not be copied over them.
    c.Autograde.exclude_overwriting = {
        assignment.name: [
            str(file.relative_to(assignment)) for file in sorted(assignment.rglob("*.py"))
        ]
        for assignment in sorted((course / "source").glob("*"))
        if assignment.is_dir()
    }
    c.ZipCollectApp.extractor_plugin = Extractor
    c.ZipCollectApp.collector_plugin = Collector
    c.ExportApp.plugin_class = GradesCsv
    c.GenerateFeedback.exporter_class = FeedbackExporter
    c.FeedbackExporter.template_name = "autograder_feedback"
    c.FeedbackExporter.extra_template_basedirs = [str(TEMPLATES)]
    c.FormgradeExtension.debug = False  # it shows the configuration, and so the seed
    # nbgrader's queries draw warnings from SQLAlchemy by the dozen, which tell graders nothing.
    warnings.filterwarnings("ignore", category=SAWarning, module="nbgrader")


def api(course: Path) -> NbGraderAPI:
    """nbgrader's Python interface with the course's settings, which it does not read by itself."""
    if not (course / CONFIG).is_file():
        raise FileNotFoundError(2, "No such file", str(course / CONFIG))
    app = NbGraderApp()
    app.config_file = str((course / CONFIG).with_suffix("").resolve())
    app.load_config_file()
    app.config.CourseDirectory.root = str(course.resolve())
    return NbGraderAPI(config=app.config)
