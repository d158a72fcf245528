"""`comment.yml`: its script, with a stand-in for GitHub, on results that anybody may have made."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from actions import load

from autograder.scaffold.release import TEMPLATES

(STEP,) = load(TEMPLATES / "comment.yml")["jobs"]["comment"]["steps"]
HEAD = "c" * 40
MARK = "<!-- cnn-exercise-kit -->"
# In place of GitHub's program: answers from files, and keeps what is written.
GH = """#!{python}
import json, pathlib, sys
here = pathlib.Path({folder!r})
assert sys.argv[1] == "api"
path = sys.argv[2]
if "--method" in sys.argv:
    method = sys.argv[sys.argv.index("--method") + 1]
    with (here / "written").open("a") as file:
        file.write(json.dumps([method, path, json.load(sys.stdin)]) + "\\n")
    sys.exit(0)
answers = json.loads((here / "answers.json").read_text())
if path.endswith("/zip"):
    sys.stdout.buffer.write((here / "zip").read_bytes())
else:
    print(json.dumps(answers[path]))
"""


def results(**changes):
    exercise = {"name": "conv2d", "topic": "convolution", "score": 3.0, "max_score": 9.0}
    return {
        "schema": "autograder/results/1",
        "score": 3.0,
        "max_score": 9.0,
        "exercises": [exercise],
        **changes,
    }


def packed(found, number="7\n", **members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        if number is not None:
            archive.writestr("number.txt", number)
        if found is not None:
            text = found if isinstance(found, str | bytes) else json.dumps(found)
            archive.writestr("submission/results.json", text)
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


@pytest.fixture
def comment(tmp_path):
    """`comment(zip, ...)`: what the step writes, and what it says."""

    def ran(artifact, head=HEAD, comments=(), size=1000, artifacts=None):
        base = "repos/class/course"
        listed = [{"id": 5, "name": "grade", "expired": False, "size_in_bytes": size}]
        answers = {
            f"{base}/actions/runs/11/artifacts": {
                "artifacts": listed if artifacts is None else artifacts
            },
            f"{base}/pulls/7": {"head": {"sha": head}},
            f"{base}/issues/7/comments?per_page=100&page=1": list(comments),
        }
        (tmp_path / "answers.json").write_text(json.dumps(answers))
        (tmp_path / "zip").write_bytes(artifact)
        program = tmp_path / "gh"
        program.write_text(GH.format(python=sys.executable, folder=str(tmp_path)))
        program.chmod(0o755)
        given = dict(GH_TOKEN="token", REPOSITORY="class/course", RUN="11", HEAD=HEAD)
        assert set(STEP["env"]) == set(given)
        done = subprocess.run(
            [sys.executable, "-c", STEP["run"]],
            env={**os.environ, **given, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        written = tmp_path / "written"
        lines = written.read_text().splitlines() if written.exists() else []
        return [json.loads(line) for line in lines], done.stdout

    return ran


def test_the_score_is_written_once(comment):
    (written,), told = comment(packed(results()))
    method, path, fields = written
    assert (method, path) == ("POST", "repos/class/course/issues/7/comments")
    assert set(fields) == {"body"}
    assert fields["body"].startswith(MARK)
    assert "**3 of 9 points** for cccccccccccc" in fields["body"]
    assert "| `conv2d` | 3 of 9 |" in fields["body"]
    assert "7" in told


def test_the_comment_is_written_over(comment):
    ours = {"id": 70, "user": {"login": "github-actions[bot]"}, "body": f"{MARK}\nolder"}
    theirs = {"id": 69, "user": {"login": "student"}, "body": f"{MARK}\nmine"}
    (written,), _ = comment(packed(results()), comments=[theirs, ours])
    assert written[:2] == ["PATCH", "repos/class/course/issues/comments/70"]


EXERCISE = results()["exercises"][0]
HOSTILE = {
    "another commit": dict(artifact=packed(results()), head="d" * 40),
    "no artifact": dict(artifact=b"", artifacts=[]),
    "no zip": dict(artifact=b"mine"),
    "no number": dict(artifact=packed(results(), number=None)),
    "a path for a number": dict(artifact=packed(results(), number="7/../8\n")),
    "no results": dict(artifact=packed(None)),
    "no JSON": dict(artifact=packed("{")),
    "deep JSON": dict(artifact=packed("[" * 200_000)),
    "a list": dict(artifact=packed([])),
    "another schema": dict(artifact=packed(results(schema="mine"))),
    "NaN": dict(artifact=packed(results(score=float("nan")))),
    "more than all": dict(artifact=packed(results(score=10.0))),
    "words for points": dict(artifact=packed(results(max_score="9"))),
    "truth for points": dict(artifact=packed(results(score=True))),
    "no functions": dict(artifact=packed(results(exercises={}))),
    "many functions": dict(artifact=packed(results(exercises=[EXERCISE] * 201))),
    "markup": dict(artifact=packed(results(exercises=[{**EXERCISE, "name": "`<img>@all"}]))),
    "a line more": dict(artifact=packed(results(exercises=[{**EXERCISE, "name": "a\n"}]))),
    "a listed name": dict(artifact=packed(results(exercises=[{**EXERCISE, "name": ["a"]}]))),
    "too large": dict(artifact=packed(results()), size=2**30),
    "a bomb": dict(artifact=packed(b" " * (8 * 2**20 + 1))),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_results_of_another_form_are_not_spoken_of(comment, case):
    written, told = comment(**HOSTILE[case])
    assert written == []
    assert told.startswith("No comment: ")


def test_the_real_results_are_read(comment, golden_results):
    (written,), _ = comment(packed(golden_results))
    assert written[2]["body"].count("\n| `") == len(json.loads(golden_results)["exercises"])


@pytest.fixture
def golden_results():
    """results.json as the kit writes it, with every exercise."""
    from autograder import catalog
    from autograder.results import results_json
    from autograder.verdict import ExerciseResult, LawResult, Verdict

    exercises = tuple(
        ExerciseResult(
            e.name, e.topic, tuple(LawResult(w.name, w.says, "pass", w.points) for w in e.laws)
        )
        for e in catalog.exercises()
    )
    isolation = {"level": "medium", "mechanisms": []}
    return results_json(Verdict("submission", "public", isolation, exercises))


def test_nothing_is_read_from_where_the_script_lies():
    assert "open(" not in STEP["run"].replace("archive.open(", "")
    assert Path(TEMPLATES / "comment.yml").read_text("utf-8").count("actions/checkout") == 0
