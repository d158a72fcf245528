"""From a hand-in to a verdict, with models made by hand: no TensorFlow is needed."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest

from autograder.capstone import grading, handin, model, rubric, transfer
from autograder.capstone.exam import Exam
from autograder.digits import digits
from autograder.isolation.ladder import GraderFault
from autograder.results import results_json
from autograder.submissions import BadSubmission


@pytest.fixture(scope="module")
def exam():
    images, labels = digits()
    return Exam.of((images[:300], labels[:300]), "a", (images[300:], labels[300:]))


@pytest.fixture(scope="module")
def stages(kit):
    """A backbone of two convolutions: its layers, and its arrays below a place in the file."""
    entries = [
        kit.layer("Rescaling", scale=1 / 255, offset=0.0),
        kit.layer("Conv2D", "low", filters=2, kernel_size=3, activation="relu"),
        kit.layer("MaxPooling2D", pool_size=4),
        kit.layer("Conv2D", "high", filters=3, kernel_size=3, activation="relu"),
    ]
    rng = np.random.default_rng(0)
    shapes = [(3, 3, 1, 2), (2,), (3, 3, 2, 3), (3,)]
    arrays = [rng.normal(size=shape).astype(np.float32) for shape in shapes]

    def placed(prefix=""):
        paths = [f"layers/conv2d{number}/vars/{i}" for number in ("", "_1") for i in range(2)]
        return {prefix + path: array for path, array in zip(paths, arrays, strict=True)}

    return entries, placed


@pytest.fixture(scope="module")
def backbone(kit, workers, stages):
    entries, placed = stages
    return model.parse(kit.keras_file(kit.sequential(*entries), placed()), workers, None)


def head(kit):
    rng = np.random.default_rng(1)
    entries = [kit.layer("Flatten"), kit.layer("Dense", "out", units=10, activation="softmax")]
    arrays = {
        "layers/dense/vars/0": rng.normal(size=(48, 10)).astype(np.float32),
        "layers/dense/vars/1": np.zeros(10, np.float32),
    }
    return entries, arrays


@pytest.fixture
def student(kit, stages):
    """The bytes of a model: the backbone as a model inside it, and a head."""
    entries, placed = copy.deepcopy(stages[0]), stages[1]
    inner = {**kit.sequential(*entries), "registered_name": None}
    inner["config"]["name"] = "backbone"
    more, arrays = head(kit)
    config = kit.sequential(inner, *more)
    return config, {**placed("layers/sequential/"), **arrays}


@pytest.fixture
def handed(kit, tmp_path):
    """`handed(data, notebook)`: a hand-in of these files."""

    def made(data, notebook=None, name="alice"):
        folder = tmp_path / name
        folder.mkdir()
        if data is not None:
            (folder / "digits.keras").write_bytes(data)
        if notebook is not None:
            (folder / "capstone.ipynb").write_text(json.dumps(notebook))
        return handin.read(folder)

    return made


# --- transfer


def test_a_backbone_inside_is_found_whatever_it_is_called(kit, workers, backbone, student):
    read = model.parse(kit.keras_file(*student), workers)
    found = transfer.compare(read, backbone)
    assert (found.kept, found.total, found.there, found.own) == (2, 2, 2, 490)


def test_a_backbone_that_was_laid_flat_is_found(kit, workers, backbone, stages):
    entries, placed = stages
    more, arrays = head(kit)
    noise = kit.layer("RandomRotation", factor=0.1)
    config = kit.sequential(noise, *entries, kit.layer("Dropout", rate=0.5), *more)
    read = model.parse(kit.keras_file(config, {**placed(), **arrays}), workers)
    assert transfer.compare(read, backbone).kept == 2


def test_one_number_that_differs_is_seen(kit, workers, backbone, student):
    config, arrays = student
    path = "layers/sequential/layers/conv2d_1/vars/0"
    arrays[path] = arrays[path].copy()
    arrays[path][0, 0, 0, 0] = np.nextafter(arrays[path][0, 0, 0, 0], 9, dtype=np.float32)
    found = transfer.compare(model.parse(kit.keras_file(config, arrays), workers), backbone)
    assert (found.kept, found.there) == (1, 1)
    low = "layers/sequential/layers/conv2d/vars/1"
    arrays[low] = arrays[low] + 1
    found = transfer.compare(model.parse(kit.keras_file(config, arrays), workers), backbone)
    assert (found.kept, found.there) == (0, 0)


def test_a_setting_that_differs_is_seen(kit, workers, backbone, student):
    config, arrays = student
    inner = config["config"]["layers"][1]["config"]["layers"]
    inner[1]["config"]["scale"] = 1 / 127.5
    found = transfer.compare(model.parse(kit.keras_file(config, arrays), workers), backbone)
    assert found.kept == 0


def test_a_way_around_the_backbone_is_seen(kit, workers, backbone, stages):
    """The backbone is there, and every answer comes past it."""
    entries, placed = stages
    names = ["input", *(entry["config"]["name"] for entry in entries)]
    calls = [(entry, [name]) for entry, name in zip(entries, names, strict=False)]
    calls += [
        (kit.layer("Flatten", "features"), [names[-1]]),
        (kit.layer("Flatten", "pixels"), ["input"]),
        (kit.layer("Concatenate", axis=-1), ["features", "pixels"]),
        (kit.layer("Dense", "out", units=10), ["concatenate"]),
    ]
    arrays = {
        **placed(),
        "layers/dense/vars/0": np.zeros((48 + 784, 10), np.float32),
        "layers/dense/vars/1": np.zeros(10, np.float32),
    }
    config = kit.functional(*calls, output="out")
    found = transfer.compare(model.parse(kit.keras_file(config, arrays), workers), backbone)
    assert (found.kept, found.there) == (0, 2)


# --- the verdict


def test_a_verdict_has_the_schema_of_all_results(kit, workers, backbone, exam, student, handed):
    graded = grading.grade(handed(kit.keras_file(*student)), exam, backbone, workers)
    verdict = graded.verdict.to_json()
    json.loads(results_json(graded.verdict))
    assert verdict["schema"] == "autograder/results/1"
    assert verdict["submission"] == "alice"
    assert verdict["seed"] == "secret"
    assert verdict["max_score"] == 100
    (exercise,) = verdict["exercises"]
    laws = {law["name"]: law for law in exercise["laws"]}
    assert list(laws) == list(grading.SAYS)
    # The backbone is there, and the head knows nothing.
    assert laws["transfer"]["status"] == "fail"
    assert "2 of the backbone's 2 layers" in laws["transfer"]["message"]
    assert laws["transfer"]["message"].endswith("it counts from 50.0 % of the digits on")
    assert laws["few labels"]["status"] == "not_run"
    assert laws["accuracy"]["score"] == 0
    assert "exam's 300 digits" in laws["accuracy"]["message"]
    assert verdict["score"] == sum(law["score"] for law in exercise["laws"]) == 0
    assert all(0 <= law["score"] <= law["max_score"] for law in exercise["laws"])
    assert {test["status"] for test in verdict["tests"]} == {"failed"}


def test_the_same_hand_in_gets_the_same_bytes(kit, workers, backbone, exam, student, handed):
    submission = handed(kit.keras_file(*student))
    one, two = (
        results_json(grading.grade(submission, exam, backbone, workers).verdict) for _ in range(2)
    )
    assert one == two


def test_a_refused_model_gets_nothing_and_the_sentence(kit, workers, backbone, exam, handed):
    lambda_ = kit.sequential(kit.layer("Lambda"))
    for number, (data, words) in enumerate(
        [(kit.keras_file(lambda_), "Python code"), (None, "there is no digits.keras")]
    ):
        graded = grading.grade(handed(data, name=f"s{number}"), exam, backbone, workers)
        assert graded.verdict.score == 0
        valid, *others = graded.verdict.exercises[0].laws
        assert valid.status == "fail"
        assert words in valid.message
        assert {law.status for law in others} == {"not_run"}
        assert {law.message for law in others} == {"needs a model that is accepted"}


def test_a_model_that_takes_for_ever_is_not_asked(
    kit, workers, backbone, exam, student, handed, monkeypatch
):
    monkeypatch.setattr(grading, "PATIENCE", 1e-9)
    graded = grading.grade(handed(kit.keras_file(*student)), exam, backbone, workers)
    assert graded.verdict.score == 0
    assert graded.parts[0].finding == (
        "the model takes far more than 6 ms of CPU a digit; make it smaller"
    )


def test_a_fault_of_ours_costs_nothing(kit, workers, backbone, exam, student, handed, monkeypatch):
    def broken(*arguments):
        raise GraderFault("the worker did not start")

    monkeypatch.setattr(grading, "read", broken)
    verdict = grading.grade(handed(kit.keras_file(*student)), exam, backbone, workers).verdict
    assert verdict.score == 100
    assert verdict.grader_faults == ["capstone: the worker did not start"]


def centres(exam, scale):
    """Weights of a model that finds the nearest mean digit: right for most, and not by learning."""
    pixels = exam.images.reshape(-1, 784) / scale
    means = np.stack([pixels[exam.labels == digit].mean(axis=0) for digit in range(10)])
    return {
        "layers/dense/vars/0": (0.1 * means.T).astype(np.float32),
        "layers/dense/vars/1": (-0.05 * (means**2).sum(axis=1)).astype(np.float32),
    }


def test_a_model_that_reads_digits_gets_its_points(kit, workers, backbone, exam, handed):
    config = kit.sequential(
        kit.layer("Rescaling", scale=1 / 255 * 8),
        kit.layer("Flatten"),
        kit.layer("Dense", units=10, activation="softmax"),
    )
    data = kit.keras_file(config, centres(exam, 255 / 8))
    graded = grading.grade(handed(data), exam, backbone, workers)
    share = graded.measured.right(exam) / 300
    assert 0.7 < share < 0.95
    shares = graded.measured.shares(exam)
    assert shares["shift"] < share - 0.1  # means are in one place
    assert shares["noise"] > share - 0.1
    parts = {part.name: part for part in graded.parts}
    assert parts["transfer"].score == 0
    assert f"{share * 100:.1f}"[:3] in parts["accuracy"].finding
    assert "moved by up to 3 pixels" in parts["robustness"].finding


def test_preprocessing_outside_of_the_model_is_named(kit, workers, backbone, exam, handed):
    """It reads pixels from 0 to 1; the raw ones are read nearly as well, and far too surely."""
    config = kit.sequential(
        kit.layer("Flatten"), kit.layer("Dense", units=10, activation="softmax")
    )
    arrays = centres(exam, 255.0)
    arrays = {path: array * 64 for path, array in arrays.items()}
    graded = grading.grade(handed(kit.keras_file(config, arrays)), exam, backbone, workers)
    valid = graded.parts[0]
    assert valid.score == 5
    assert "it needs images / 255 in place of the raw pixels" in valid.finding
    assert "Rescaling" in valid.advice


def test_answers_that_are_no_numbers_are_wrong(kit, workers, backbone, exam, student, handed):
    config, arrays = student
    arrays["layers/dense/vars/1"][3] = np.nan
    graded = grading.grade(handed(kit.keras_file(config, arrays)), exam, backbone, workers)
    parts = {part.name: part for part in graded.parts}
    assert parts["valid"].score == 0
    assert "300 of 300 answers are not finite" in parts["valid"].finding
    assert parts["accuracy"].score == parts["robustness"].score == parts["calibration"].score == 0
    json.loads(results_json(graded.verdict))


def test_few_labels_are_asked_of_who_runs_them(kit, workers, backbone, exam, student, handed):
    submission = handed(kit.keras_file(*student))
    asked = []

    def honest(task):
        asked.append(task)
        answers = np.eye(10)[task.expected]
        answers[::20] = np.nan
        return answers

    graded = grading.grade(submission, exam, backbone, workers, honest)
    part = next(part for part in graded.parts if part.name == "few labels")
    assert part.score == 15
    assert len(asked) == 2
    right = 1 - len(range(0, len(asked[0].asked), 20)) / len(asked[0].asked)
    assert rubric.percent(right) in part.finding


def test_the_ratio_of_losses_is_there_for_a_person(kit, workers, backbone, exam, student):
    read = model.parse(kit.keras_file(*student), workers)
    assert 0.5 < grading.measure(read, exam, backbone).ratio < 2
    images, labels = digits()
    without = Exam.of((images[:50], labels[:50]), "a")
    assert grading.measure(read, without, backbone).ratio is None


def perfect(exam, backbone, few=None):
    """What is measured of a model that is always right."""
    kept = rubric.Transfer(2, 2, 2, 490)
    shares = {name: exam.labels[: len(images)] for name, images in exam.spoilt.items()}
    return grading.Measured(backbone, exam.labels, shares, 0.01, 0, 1.0, "", kept, few)


def test_a_perfect_hand_in_gets_a_hundred_points(exam, backbone):
    words = tuple(spellings[0] for spellings in rubric.SECTIONS.values())
    whole = handin.HandIn("alice", None, rubric.Notebook(words, (0.995,)))
    parts = grading.judge(whole, exam, perfect(exam, backbone, (0.95, 0.94)))
    assert [part.name for part in parts] == list(rubric.POINTS)
    assert sum(part.score for part in parts) == 100
    assert not any(part.advice for part in parts)


def test_a_train_head_that_learns_nothing_voids_the_accuracy(exam, backbone, handed, kit):
    measured = perfect(exam, backbone, (0.05,))
    parts = {part.name: part for part in grading.judge(handed(None), exam, measured)}
    assert parts["accuracy"].score == 0
    assert "does not count" in parts["accuracy"].finding
    assert parts["few labels"].score == 0


# --- what a hand-in looks like


def cells(*sources):
    """A notebook of texts and of (output,) cells."""
    made = []
    for source in sources:
        if isinstance(source, tuple):
            made.append({"cell_type": "code", "source": "x", "outputs": list(source)})
        else:
            made.append({"cell_type": "markdown", "source": source})
    return {"cells": made}


PICTURE = {"output_type": "display_data", "data": {"image/png": "iVBORw0KGgo="}}


def test_a_notebook_is_read_for_its_headings_and_numbers(handed):
    notebook = cells(
        "# The Data\ntext # no heading",
        ({"text": ["6,000 digits"]},),
        ["## A head\n", "Accuracy on the test digits: **98.4 %**"],
        ({"text": ["val_accuracy: 0.9812 - loss: 0.2\naccuracy 200 %\n"]},),
    )
    read = handed(None, notebook).notebook
    assert read.headings == ("the data", "a head")
    assert read.stated == pytest.approx((0.984, 2.0, 0.9812))


def test_a_heading_counts_where_something_is_shown_below_it(handed):
    notebook = cells(
        "# Capstone: the data, the head, the confusion and the mistakes",
        "## Only words",
        "## Empty",
        (),
        "## No number",
        ({"text": "it works"}, {"output_type": "error", "ename": "E", "evalue": "7"}),
        ({"name": "stderr", "text": "3 warnings"},),
        "## Above\n### A picture",
        (PICTURE,),
        "### A number",
        ({"data": {"text/plain": ["0.5"]}},),
        "## At the end",
    )
    assert handed(None, notebook).notebook.headings == ("above", "a picture", "a number")


@pytest.mark.parametrize(
    "content", [[], {}, {"cells": 3}, {"cells": [[]]}, {"cells": [{"outputs": 4}]}]
)
def test_a_notebook_that_is_none_is_told(handed, content):
    read = handed(None, content)
    assert read.notebook is None
    assert read.warnings == ("capstone.ipynb is no readable notebook",)


def test_where_the_model_may_lie(tmp_path, kit):
    for place in ("a", "b/capstone", "c/exercises/capstone"):
        folder = tmp_path / place
        folder.mkdir(parents=True)
        (folder / "digits.keras").write_bytes(b"x")
        read = handin.read(tmp_path / place[0])
        assert (read.name, read.model) == (place[0], folder / "digits.keras")
    alone = tmp_path / "dora.keras"
    alone.write_bytes(b"x")
    assert handin.read(alone).name == "dora"
    with pytest.raises(BadSubmission, match="there is no"):
        handin.read(tmp_path / "nobody")


def test_links_are_not_followed(tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "digits.keras").write_bytes(b"x")
    (tmp_path / "me").mkdir()
    (tmp_path / "me" / "capstone").symlink_to(tmp_path / "other")
    assert handin.read(tmp_path / "me").model == tmp_path / "me" / "digits.keras"
