"""Canaries in every report that the commands write: secret cases, the secret seed, the machine.

A class is graded with a secret seed, checked, and run by pytest, as their users do it. That a theft
from within fails is in test_outputs.py.
"""

from __future__ import annotations

import base64
import html
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from autograder import catalog
from autograder.bank import CACHE_VARIABLE, Banks, Seed
from autograder.report.text import value
from autograder.verdict import plain

pytestmark = pytest.mark.slow

SEED = "damson-51c9-vermicelli"
# An array of so many numbers is a leak, and so many in a row of one that has more: shorter rows of
# small whole numbers stand in public cases by chance.
SMALLEST, LONGEST = 6, 10

TELLS = """
import sys
import numpy as np
def told(*arguments):
    return " ".join(repr(a.tolist()) + str(a) for a in arguments if isinstance(a, np.ndarray))
def conv2d(x, w, b, stride=(1, 1), padding=(0, 0)):
    print(told(x, w, b))
    print(x, w, b, file=sys.stderr)
    {0}
"""
GOLDEN = {"right": "right-einsum", "wrong": "wrong-conv-flipped-kernel"}
# The module `convolution` of the others.
SOURCES = {
    "prints": TELLS.format("return np.zeros_like(x)"),
    "raises": TELLS.format("raise RuntimeError(told(x, w, b))"),
    "names": "def conv2d(*args): raise RuntimeError(__file__, conv2d.__code__.co_filename)\n",
    "crashes": "import os\ndef conv2d(*args): os.abort()\n",
    "exits": "def conv2d(*args): raise SystemExit(__file__)\n",
    "broken": "def conv2d(:\n",
}
# Put behind a right solution: it fails where the input is too large to be found by its smallness.
LATE = """
import os
right = conv2d
def conv2d(x, *others):
    if x.size > 40: {0}
    return right(x, *others)
"""
LATER = {"crashes late": "os.abort()", "raises late": "raise RuntimeError(x.tolist())"}
CLASS = (*GOLDEN, *SOURCES, *LATER)
# Written beside the results by `grade --format`.
FILES = ("classroom.txt", "gradescope.json", "junit.xml", "summary.md")
WRITTEN = ("classroom", "gradescope", "junit", "markdown")
FORMATS = (
    *(
        "results",
        "timing",
        "page",
        "grades",
        "students",
        "grade",
        "check",
        "check --json",
        "pytest",
        "junit",
    ),
    *("github", *FILES),
)


class Run(NamedTuple):
    reports: dict[str, str]  # all that the commands wrote, by format and submission
    folder: Path
    home: Path
    temporary: Path
    cache: Path


@pytest.fixture(scope="module")
def run(tmp_path_factory, golden, root):
    """Every command over the class, once."""
    folder = tmp_path_factory.mktemp("leaks")
    for name in CLASS:
        taken = golden / GOLDEN.get(name, GOLDEN["right"])
        module = shutil.copytree(taken, folder / "class" / name) / "exercises" / "convolution.py"
        if name in LATER:
            module.write_text(module.read_text("utf-8") + LATE.format(LATER[name]), "utf-8")
        elif name in SOURCES:
            module.write_text(SOURCES[name], "utf-8")
    places = {name: folder / f"{name}-of-the-run" for name in ("home", "temporary", "cache")}
    for place in places.values():
        place.mkdir()
    environment = {
        **os.environ,
        "HOME": str(places["home"]),
        "TMPDIR": str(places["temporary"]),
        CACHE_VARIABLE: str(places["cache"]),
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
    }

    def command(*words):
        done = subprocess.run(
            [sys.executable, "-m", *words],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in (0, 1), done.stderr
        return done.stdout + done.stderr

    reports = {
        "grade": command(
            *("autograder.cli", "grade", "class", "--only", "conv2d"),
            *("--seed", SEED, "--out", "out", "--format", "github"),
            *(word for name in WRITTEN for word in ("--format", name)),
        ),
        "github": (folder / "summary.md").read_text("utf-8"),
        "page": (folder / "out" / "index.html").read_text("utf-8"),
        "grades": (folder / "out" / "grades.csv").read_text("utf-8"),
        "students": "".join(
            file.read_text("utf-8") for file in sorted(folder.glob("out/*/report.html"))
        ),
        "pytest": command(
            *("pytest", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", "--color=no"),
            *("-rA", "-v", "--no-header", "--junitxml", "junit.xml", "-k", "conv2d", "class"),
        ),
        "junit": (folder / "junit.xml").read_text("utf-8"),
    }
    for name in CLASS:
        for kind in ("results", "timing"):
            file = folder / "out" / name / f"{kind}.json"
            reports[f"{kind} of {name}"] = file.read_text("utf-8")
        for file in FILES:
            text = (folder / "out" / name / file).read_text("utf-8")
            decoded = base64.b64decode(text).decode() if file == "classroom.txt" else text
            reports[f"{file} of {name}"] = decoded
        check = ("autograder.cli", "check", "conv2d", "--path", f"class/{name}")
        reports[f"check of {name}"] = command(*check, "--all", "--explain")
        reports[f"check --json of {name}"] = command(*check, "--json")
    # pytest itself tells the user where it wrote the file.
    reports["pytest"] = re.sub(r"-+ generated xml file: .* -+\n", "", reports["pytest"])
    assert {kind.partition(" of ")[0] for kind in reports} == set(FORMATS)
    return Run(reports, folder, **places)


def numbers(text: str) -> list[str]:
    """The numbers of a text in their order, to four digits, however they are set."""
    text = html.unescape(text).replace("\\n", "\n")
    found = re.findall(r"(?<![\w.])-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?(?![\w.])", text)
    return [f"{float(number):.4g}" for number in found]


def rows(found: list[str], length: int) -> set[tuple[str, ...]]:
    """Every so many numbers that follow each other, except those that say little."""
    every = zip(*(found[i:] for i in range(length)), strict=False)
    return {row for row in every if len(set(row)) > SMALLEST // 2}


def all_rows(found: list[str]) -> set[tuple[str, ...]]:
    return set().union(*(rows(found, length) for length in range(SMALLEST, LONGEST + 1)))


def spelled(array: np.ndarray) -> list[str]:
    return [f"{v:.4g}" for v in array.ravel().tolist()]


def rows_of(array: np.ndarray) -> set[tuple[str, ...]]:
    """What may be found of an array."""
    return rows(spelled(array), min(array.size, LONGEST))


def arrays(banks: Banks) -> list[np.ndarray]:
    """What the oracle and only the oracle knows: arguments and expected values."""
    (conv2d,) = catalog.select(["conv2d"])
    every = [
        array
        for case in banks.of(conv2d).cases
        for array in (*case.arguments.values(), case.expected)
        if isinstance(array, np.ndarray) and array.dtype.kind == "f" and array.size >= SMALLEST
    ]
    assert len(every) > 50
    return every


@pytest.fixture(scope="module")
def secret():
    """Rows of numbers that stand in secret cases and nowhere in a public one."""
    hidden = set().union(*map(rows_of, arrays(Banks(Seed(SEED)))))
    return hidden.difference(*(all_rows(spelled(array)) for array in arrays(Banks())))


def test_no_report_tells_the_seed(run):
    """19: nor any part of it."""
    for kind, text in run.reports.items():
        assert SEED not in text, kind
        assert SEED.split("-")[0] not in text, kind


def test_no_report_tells_a_number_of_a_secret_case(run, secret):
    """16: no array of six numbers or more, of the arguments or of the expected values."""
    assert len(secret) > 500
    for kind, text in run.reports.items():
        assert not all_rows(numbers(text)) & secret, kind


def test_the_numbers_would_be_found(run, secret):
    """In each way in which a report or a student's code writes an array; and public ones are."""
    array = next(a for a in arrays(Banks(Seed(SEED))) if a.size <= 40 and a.ndim > 1)
    assert rows_of(array) & secret
    for text in (
        value(array),
        str(array),
        repr(array),
        repr(array.tolist()),
        " ".join(map(repr, array.ravel())),
        json.dumps(plain(array), indent=1),
        json.dumps({"text": f"x = np.array({array.tolist()})\n"}),
        html.escape(json.dumps({"x": repr(array)})),
    ):
        assert all_rows(numbers(text)) & secret, text
    shown = set().union(*(all_rows(numbers(text)) for text in run.reports.values()))
    assert any(shown & rows_of(array) for array in arrays(Banks()))


def test_no_report_tells_where_things_lie(run, root):
    """16: neither the kit, nor Python, nor the folders in which all of it was run."""
    places = {root, Path(sys.prefix), Path(sys.base_prefix), Path.home(), *run[1:]}
    # On most machines a system's own Python lies in /usr, which tells nothing.
    places -= {Path("/usr"), Path("/usr/local"), Path("/")}
    for kind, text in run.reports.items():
        assert not [place for place in places if str(place) in text], kind
        assert "site-packages" not in text, kind
    # Where the student's own code is at fault is told, by the name that it has for its author.
    assert "exercises/convolution.py" in run.reports["check of names"]


def test_every_report_of_a_verdict_tells_the_level_of_isolation(run):
    level = json.loads(run.reports["results of right"])["isolation"]["level"]
    assert level in ("weak", "medium", "strong")
    told = {
        "results": f'"level": "{level}"',
        "check --json": f'"level": "{level}"',
        "check": f"\nIsolation: {level}",
        "grade": f"\nIsolation: {level}",
        "pytest": f"\nIsolation: {level}",
        "page": f"<dt>Isolation</dt><dd>{level}</dd>",
        "students": f"<dt>Isolation</dt><dd>{level}</dd>",
        "junit": f'<property name="autograder isolation" value="{level}"',
        "junit.xml": f'<property name="autograder isolation" value="{level}"',
        "classroom.txt": f'"isolation": "{level}"',
        "gradescope.json": f'"output": "Isolation: {level}',
        "summary.md": f"\nIsolation: {level}",
        "github": f"\nIsolation: {level}",
    }
    assert {*told, "timing", "grades"} == set(FORMATS)
    for kind, text in run.reports.items():
        if (form := kind.partition(" of ")[0]) in told:
            assert told[form] in text, kind
    cases = run.reports["junit"].count("<testcase ")
    assert run.reports["junit"].count(told["junit"]) == cases > len(CLASS)


def test_each_submission_came_to_its_end(run):
    """What is looked through above is there: a pass, mistakes, exceptions, crashes."""
    statuses = {
        name: {
            law["status"]
            for law in json.loads(run.reports[f"results of {name}"])["exercises"][0]["laws"]
        }
        for name in CLASS
    }
    assert statuses.pop("right") == {"pass"}
    expected = dict(
        wrong="fail", prints="fail", raises="error", names="error", crashes="crash", exits="crash"
    )
    late = {"crashes late": "crash", "raises late": "error"}
    for name, status in {**expected, **late, "broken": "error"}.items():
        assert status in statuses[name], name
