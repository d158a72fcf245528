"""Gradescope's zip, in folders laid out as Gradescope lays them out."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="Gradescope runs Linux"),
]


def ran(*command, tools):
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH" and k[:7] != "PYTEST_"}
    env["PATH"] = f"{tools}{os.pathsep}{env['PATH']}"
    return subprocess.run(
        list(map(str, command)), env=env, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def gradescope(small, installed, tmp_path_factory):
    """`/autograder`, with the zip unpacked and set up."""
    root = tmp_path_factory.mktemp("gradescope") / "autograder"
    with zipfile.ZipFile(small.with_name("small.gradescope.zip")) as archive:
        archive.extractall(root / "source")
    (root / "results").mkdir()
    for script in ("setup.sh", "run_autograder"):
        (root / "source" / script).chmod(0o755)
    shutil.copy2(root / "source" / "run_autograder", root / "run_autograder")
    done = ran(root / "source" / "setup.sh", tools=installed)
    assert done.returncode == 0, done.stdout + done.stderr
    return root


@pytest.fixture
def graded(gradescope, golden, installed):
    """`graded(name)`: the results that Gradescope reads for a golden submission's modules."""

    def result(name=None, code=0):
        submission, results = gradescope / "submission", gradescope / "results" / "results.json"
        shutil.rmtree(submission, ignore_errors=True)
        results.unlink(missing_ok=True)
        submission.mkdir()
        if name is not None:
            for module in (golden / name / "exercises").glob("*.py"):
                shutil.copyfile(module, submission / module.name)
        done = ran(gradescope / "run_autograder", tools=installed)
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(results.read_text()) if results.exists() else None

    return result


def test_a_right_submission_gets_all_points(graded, small_course):
    found = graded("right-einsum")
    assert found["score"] == sum(test["max_score"] for test in found["tests"])
    conv2d = [test for test in found["tests"] if test["name"].startswith("conv2d:")]
    assert sum(test["max_score"] for test in conv2d) == pytest.approx(12.0)  # the course's own
    assert {test["status"] for test in found["tests"]} == {"passed"}


def test_a_wrong_one_is_told_why(graded):
    found = graded("wrong-conv-flipped-kernel")
    assert found["score"] == pytest.approx(sum(test["score"] for test in found["tests"]))
    told = "\n".join(test["output"] for test in found["tests"])
    assert "the kernel is flipped before it slides" in told
    assert found["stdout_visibility"] == "hidden"


def test_an_empty_one_gets_nothing_and_is_told(graded):
    found = graded()
    assert found["score"] == 0
    assert "No module was found" in found["output"]


def test_a_grader_that_is_set_up_wrongly_gives_no_score(graded, gradescope):
    settings = gradescope / "source" / "course.toml"
    before = settings.read_text()
    settings.write_text("[points]\nconv2d = -1\n")
    try:
        assert graded("right-einsum", code=2) is None
    finally:
        settings.write_text(before)
