"""The table and its page: figures of runs that are made up."""

from __future__ import annotations

import json

import numpy as np
import pytest

from autograder.capstone import measure
from autograder.capstone.data import subset

ROWS = [
    {"way": "frozen", "each": 10, "seed": 0, "seconds": 3.0, "accuracy": 0.95},
    {"way": "frozen", "each": 10, "seed": 1, "seconds": 5.0, "accuracy": 0.97},
    {"way": "scratch", "each": 10, "seed": 0, "seconds": 20.0, "accuracy": 0.6, "rate": 0.01},
    {
        "way": "fine-tuned",
        "each": "all",
        "seed": 0,
        "seconds": 200.0,
        "accuracy": 0.993,
        "head": {"seconds": 40.0, "accuracy": 0.985},
    },
]


def test_means_and_spreads():
    found = {(row["way"], row["each"]): row for row in measure.table(ROWS)}
    few = found["frozen", 10]
    assert few["accuracy"] == pytest.approx(0.96)
    assert few["deviation"] == pytest.approx(np.std([0.95, 0.97], ddof=1))
    assert few["seconds"] == 4.0
    assert found["frozen", "all"]["accuracy"] == 0.985
    assert found["frozen", "all"]["seconds"] == 40.0
    assert found["scratch", 10]["rates"] == [0.01]


def test_the_page_has_every_figure(tmp_path):
    about = {"date": "2026-01-02", "machine": "some machine", "versions": {"keras": "3"}}
    page = measure.page(ROWS, about)
    assert "| 10 | 60.0 (20 s) |  | 96.0 ± 1.4 (4 s) |  |" in page
    assert "| all |  |  | 98.5 (40 s) | 99.3 (200 s) |" in page
    assert "2026-01-02; some machine; keras 3." in page


def test_the_plot_is_a_picture(tmp_path):
    measure.plot(ROWS, tmp_path / "plot.svg")
    assert "<svg" in (tmp_path / "plot.svg").read_text()


def test_runs_in_the_journal_are_not_made_again(tmp_path, monkeypatch):
    made = []

    def runs(mnist, rows):
        for seed in (0, 1):
            yield ("frozen", 10, seed), lambda seed=seed: made.append(seed) or {"accuracy": 0.5}

    monkeypatch.setattr(measure, "_runs", runs)
    journal = tmp_path / "deep" / "journal.jsonl"
    first = measure.measure(subset(), journal)
    assert made == [0, 1]
    lines = journal.read_text().splitlines()
    assert [json.loads(line)["seed"] for line in lines] == [0, 1]
    journal.write_text(lines[0] + "\n")
    again = measure.measure(subset(), journal)
    assert made == [0, 1, 1]
    assert [row["seed"] for row in again] == [row["seed"] for row in first]


def test_every_way_is_run_with_every_seed():
    names = [name for name, _ in measure._runs(subset(), [])]
    assert len(set(names)) == len(names) == len(measure.SEEDS) * (1 + 3 * len(measure.FEW))
