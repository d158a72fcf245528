"""The benchmarks of grading: figures that belong together, and a page that says whose they are."""

from __future__ import annotations

import json
import shutil

import pytest

from autograder import bench, bench_class, catalog, cli
from autograder.report import scale
from autograder.report.overhead import page
from autograder.shell import USAGE


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
    assert ended.value.code == USAGE
    assert "cannot write" in capsys.readouterr().err


# --- a class


def test_a_class_is_made_in_turns(golden, tmp_path):
    bench_class.make(golden, tmp_path / "class", 12)
    students = sorted(folder.name for folder in (tmp_path / "class").iterdir())
    assert students == [f"student-{number:04}" for number in range(12)]
    first, second, last = (tmp_path / "class" / students[i] / "exercises" for i in (0, 1, 10))
    assert (first / "pooling.py").read_bytes() == (last / "pooling.py").read_bytes()
    mistake = golden / "wrong-conv-flipped-kernel" / "exercises" / "convolution.py"
    assert (second / "convolution.py").read_bytes() == mistake.read_bytes()
    assert len(list(second.iterdir())) > 1
    bench_class.make(golden, tmp_path / "right", 3, bench_class.VECTORISED)
    modules = [file.read_bytes() for file in (tmp_path / "right").glob("*/exercises/backprop.py")]
    assert len(set(modules)) == 3
    with pytest.raises(bench_class.NoGolden, match="has no right-einsum/exercises"):
        bench_class.make(tmp_path, tmp_path / "none", 1)


@pytest.mark.slow
def test_the_parts_of_a_class_are_its_whole(golden):
    measured = bench_class.bench(golden, [2], processes=1)
    (row,) = measured["rows"]
    parts = ("functions", "around_them", "comparison", "reports", "start_and_rest")
    assert all(row[part] > 0 for part in parts)
    assert sum(row[part] for part in parts) == pytest.approx(row["cpu_seconds_each"])
    assert measured["summary"]["overhead"] > 1
    assert "| 2 | " in scale.table(measured)


def test_a_straight_line():
    rows = [{"count": count, "cpu_seconds_each": (3 + count) / count} for count in (10, 100, 300)]
    assert bench_class._off_a_line(rows) == pytest.approx(0, abs=1e-9)
    rows[1]["cpu_seconds_each"] *= 2
    assert bench_class._off_a_line(rows) > 0.1


def test_a_class_needs_the_golden_submissions(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.app(["bench", "class", "--golden", str(tmp_path)])
    assert ended.value.code == USAGE
    assert "name the folder with --golden" in capsys.readouterr().err


def test_the_processor_is_named_where_linux_tells(monkeypatch, tmp_path):
    monkeypatch.setattr(bench.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(bench, "CPUINFO", tmp_path / "cpuinfo")
    assert bench.processor() == "x86_64"
    core = "processor\t: {}\ncpu family\t: 6\nmodel\t\t: 207\nmodel name\t: A (R) B\n\n"
    bench.CPUINFO.write_text(core.format(0) + core.format(1), encoding="utf-8")
    assert bench.processor() == "x86_64, A (R) B, family 6, model 207"
    bench.CPUINFO.write_text("processor\t: 0\nBogoMIPS\t: 50\n", encoding="utf-8")
    assert bench.processor() == "x86_64"
