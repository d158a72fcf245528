"""The benchmarks of grading: figures that belong together, and a page that says whose they are."""

from __future__ import annotations

import json
import shutil

import pytest

from autograder import bench, catalog, cli
from autograder.report.overhead import page


@pytest.fixture
def two(golden, tmp_path):
    """A folder with a right submission in each style, and a wrong one that is left out."""
    for name in ("right-loops", "right-einsum", "wrong-conv-flipped-kernel"):
        shutil.copytree(golden / name, tmp_path / "golden" / name)
    return tmp_path / "golden"


@pytest.fixture
def few(monkeypatch):
    """Four exercises in place of all."""
    chosen = catalog.select(["relu", "conv2d", "softmax", "downsample"])
    monkeypatch.setattr(catalog, "exercises", lambda: chosen)


def test_all_costs_more_than_the_functions_alone(two, few):
    measured = bench.overhead(two, rounds=1)
    assert [row["submission"] for row in measured["rows"]] == ["right-einsum", "right-loops"]
    for row in measured["rows"]:
        assert row["total"] > row["functions"] > 0
        assert row["ratio"] == pytest.approx(row["total"] / row["functions"])
    summary = measured["summary"]
    assert summary["loops"] == measured["rows"][1]["ratio"]
    assert summary["vectorised"] == measured["rows"][0]["ratio"]
    written = page(measured)
    for row in measured["rows"]:
        assert f"| {row['submission']} | {row['style']} |" in written
        assert f"| {row['ratio']:.2f} |" in written
    for fact in (measured["date"], summary["isolation"], measured["versions"]["numpy"]):
        assert fact in written


def test_the_command_writes_the_page_and_prints_the_figures(two, few, capsys):
    target = two / "page.md"
    arguments = ["bench", "overhead", "--golden", str(two), "--page", str(target), "--json"]
    cli.app(arguments, standalone_mode=False)
    told = json.loads(capsys.readouterr().out)
    assert told["summary"].keys() == {"isolation", "loops", "vectorised"}
    assert target.read_text().startswith("# What grading costs")


def test_a_page_that_cannot_be_written_is_told(two, few, capsys):
    nowhere = str(two / "none" / "page.md")
    with pytest.raises(SystemExit) as ended:
        cli.app(["bench", "overhead", "--golden", str(two), "--page", nowhere])
    assert ended.value.code == cli.USAGE
    assert "cannot write" in capsys.readouterr().err
