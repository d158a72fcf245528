"""Every case of ONNX and of Keras agrees or is left out for a reason that the page gives."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from harness import Survey, ops
from page import ALONE, SURVEYS, covered, page

PAGE = Path(__file__).resolve().parents[3] / "docs" / "conformance.md"


@pytest.mark.parametrize("source", SURVEYS)
def test_every_case_agrees(source: str) -> None:
    result: Survey = SURVEYS[source]()
    assert result.failed == {}
    assert len(result.ran) >= 200


def test_every_operation_is_compared_or_said_to_be_alone() -> None:
    compared = set().union(*covered().values())
    assert compared & set(ops.__all__) == set(ops.__all__) - set(ALONE)


def test_the_page_is_of_what_ran() -> None:
    """REFILL_PAGE=1 writes it."""
    text = page()
    if os.environ.get("REFILL_PAGE"):
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == text
