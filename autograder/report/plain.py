"""Findings as plain text, for formats that keep text."""

from __future__ import annotations

from autograder.report.terminal import Depth, finding
from autograder.verdict import LawResult


def finding_text(law: LawResult, depth: Depth = Depth.SYMPTOM) -> str:
    """What the terminal says of a failing law, without colours and margin."""
    lines = [line.plain.removeprefix("  ").rstrip() for line in finding(law, depth)]
    return "\n".join(lines).strip("\n")


def message(law: LawResult) -> str:
    """One sentence on a law that did not pass."""
    if law.status == "not_attempted":
        return "not attempted"
    if law.status == "not_run":
        return "not judged: another law comes first"
    return finding_text(law).partition("\n")[0] or law.says
