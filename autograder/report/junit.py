"""A verdict as JUnit XML, which GitLab, Jenkins and most others show; a test case for each law.

Suites are exercises. Points are properties of the cases and of the whole: JUnit has none.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence

from autograder.report.plain import file_of, finding_text, message
from autograder.report.terminal import Depth
from autograder.report.text import points, visible
from autograder.verdict import ExerciseResult, LawResult, Verdict


def document(verdict: Verdict) -> str:
    """The XML document, as text."""
    laws = [law for exercise in verdict.exercises for law in exercise.laws]
    root = ET.Element("testsuites", {"name": visible(verdict.submission), **_counts(laws)})
    about = ET.SubElement(root, "properties")
    level = verdict.isolation["level"]
    ET.SubElement(about, "property", name="autograder isolation", value=level)
    for exercise in verdict.exercises:
        root.append(_suite(exercise))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(exercise: ExerciseResult) -> ET.Element:
    suite = ET.Element("testsuite", {"name": exercise.name, **_counts(exercise.laws)})
    _points(suite, exercise.score, exercise.max_score)
    for law in exercise.laws:
        suite.append(_case(exercise, law))
    return suite


def _case(exercise: ExerciseResult, law: LawResult) -> ET.Element:
    # GitLab takes cases of one name for one: name and class tell them apart.
    case = ET.Element(
        "testcase",
        classname=f"{exercise.topic}.{exercise.name}",
        name=f"{law.name}: {law.says}",
        file=file_of(exercise),
    )
    _points(case, law.score, law.max_score)
    if law.status in ("not_attempted", "not_run"):
        ET.SubElement(case, "skipped", message=message(law))
    elif law.status != "pass":
        kind = "failure" if law.status == "fail" else "error"
        told = ET.SubElement(case, kind, message=message(law), type=law.status)
        told.text = finding_text(law, Depth.HINT)
    return case


def _points(element: ET.Element, score: float, most: float) -> None:
    properties = ET.SubElement(element, "properties")
    ET.SubElement(properties, "property", name="score", value=points(score))
    ET.SubElement(properties, "property", name="max_score", value=points(most))


def _counts(laws: Sequence[LawResult]) -> dict[str, str]:
    statuses = [law.status for law in laws]
    skipped = statuses.count("not_attempted") + statuses.count("not_run")
    failures = statuses.count("fail")
    errors = len(statuses) - statuses.count("pass") - skipped - failures
    return {
        "tests": str(len(statuses)),
        "failures": str(failures),
        "errors": str(errors),
        "skipped": str(skipped),
    }
