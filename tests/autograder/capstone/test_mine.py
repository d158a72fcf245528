"""The student's predict.py beside the reference: what is told of a right one and of wrong ones."""

from __future__ import annotations

import dataclasses
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from autograder.capstone import mine, model, predicting
from autograder.capstone.mine import LIMITS, Mine
from autograder.cli import app
from autograder.digits import digits
from autograder.isolation import ladder
from autograder.shell import USAGE

COUNT = 6


@pytest.fixture(scope="module")
def network(kit, tmp_path_factory):
    """The file of a model of the kind that predict.py is written for, with random weights."""
    layer = kit.layer
    entries = [layer("Rescaling", scale=1 / 255, offset=0.0)]
    arrays = {}
    rng = np.random.default_rng(0)
    channels = 1
    for number, width in enumerate((4, 4, 8, 8, 8, 8)):
        end = f"_{number}" if number else ""
        entries += [
            layer(
                "Conv2D",
                f"stage{number // 2 + 1}_{number % 2 + 1}_conv",
                filters=width,
                kernel_size=[3, 3],
                padding="same",
                use_bias=False,
            ),
            layer("BatchNormalization", f"norm{number}", axis=-1, epsilon=0.001),
            layer("ReLU", f"relu{number}"),
        ]
        if number in (1, 3):
            pooled = layer("MaxPooling2D", f"pool{number}", pool_size=[2, 2], strides=[2, 2])
            entries.append(pooled)
        scale = np.sqrt(2 / (9 * channels))
        arrays[f"layers/conv2d{end}/vars/0"] = rng.normal(0, scale, (3, 3, channels, width))
        place = f"layers/batch_normalization{end}/vars"
        arrays[f"{place}/0"] = rng.uniform(0.5, 1.5, width)
        arrays[f"{place}/1"] = rng.normal(0, 0.2, width)
        arrays[f"{place}/2"] = rng.normal(0, 0.2, width)
        arrays[f"{place}/3"] = rng.uniform(0.05, 0.5, width)
        channels = width
    entries += [layer("Flatten"), layer("Dense", units=10, activation="softmax")]
    arrays["layers/dense/vars/0"] = rng.normal(0, 0.03, (7 * 7 * 8, 10))
    arrays["layers/dense/vars/1"] = rng.normal(0, 0.1, 10)
    arrays = {path: array.astype(np.float32) for path, array in arrays.items()}
    file = tmp_path_factory.mktemp("network") / "digits.keras"
    file.write_bytes(kit.keras_file(kit.sequential(*entries), arrays))
    return file


@pytest.fixture(scope="module")
def read(network, workers):
    return model.read(network, workers)


@pytest.fixture(scope="module")
def right(root):
    """The modules of a right submission, with the answer key's predict on its own layers."""
    folder = root / "tests" / "submissions" / "right-im2col" / "exercises"
    found = {file.stem: file.read_text("utf-8") for file in folder.glob("*.py")}
    key = (root / "autograder" / "capstone" / "solution" / "predict.py").read_text("utf-8")
    imports = (
        "from ..activation import relu, softmax\n"
        "from ..convolution import conv2d_im2col as conv2d\n"
        "from ..keras_bridge import kernel_from_keras\n"
        "from ..pooling import max_pool2d\n"
    )
    text = key.replace("from reference import ops\n", imports).replace("ops.", "")
    assert imports in text
    return {**found, mine.MODULE: text}


@pytest.fixture(scope="module")
def server():
    running = ladder.best(LIMITS)
    yield running
    running.close()


@pytest.fixture
def folder(right, tmp_path):
    """`folder(old, new)`: the right exercises on disk, with this change to predict.py."""

    def made(old="", new=""):
        place = tmp_path / "exercises"
        (place / "capstone").mkdir(parents=True)
        for name, text in right.items():
            file = place / "capstone" / "predict.py" if "." in name else place / f"{name}.py"
            file.write_text(text.replace(old, new) if "." in name and old else text, "utf-8")
        return place

    return made


def predict(*arguments):
    done = CliRunner().invoke(app, ["capstone", "predict", *map(str, arguments)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert all(len(line) <= 80 for line in done.stdout.splitlines()), done.stdout
    return done


def spoilt(right, old, new):
    assert old in right[mine.MODULE]
    return {**right, mine.MODULE: right[mine.MODULE].replace(old, new)}


def judged(sources, server, read):
    images = digits()[0][:COUNT]
    exact, bound = mine.bounds(read, images)
    with Mine(sources, server) as student:
        ran = student.run(read, images)
        apart = mine.distance(ran, mine.by_reference(read, images, exact), bound)
        told = mine.misreading(read, images, ran.exact)
        where = mine.first_wrong_layer(student, read, images)
        return apart, told, where, mine.fold_trouble(student, read)


def test_a_right_predict_is_proven_in_float64(right, server, read):
    apart, told, where, fold = judged(right, server, read)
    assert apart.proven
    assert apart.alike == COUNT
    assert apart.exact < 1e-12 < apart.bound < 1e-6 < 100 * apart.largest + 1e-6
    assert (where, fold) == ("", "")
    assert not told


def test_who_computes_in_float32_is_believed_and_told(right, server, read):
    narrow = "    weights = [w.astype(np.float32) for w in weights]\n    x = images"
    sources = spoilt(right, "    x = images", narrow)
    apart, _, where, fold = judged(sources, server, read)
    assert not apart.proven
    assert apart.agrees
    assert (where, fold) == ("", "")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (") / 255", ")", "not divided by 255"),
        (") / 255", ") / 255 / 255", "divided by 255 twice"),
        ("kernel_from_keras(kernel)", "kernel_from_keras(kernel[::-1, ::-1])", "are flipped"),
        ("kernel_from_keras(kernel)", "kernel.T", "rows and columns of the kernels are swapped"),
        (".transpose(0, 2, 3, 1)", "", "order channel, row, column"),
        ("softmax(flat @", "(flat @", "softmax"),
        ("variance + epsilon", "variance", "epsilon is not added"),
    ],
)  # fmt: skip
def test_a_known_mistake_is_named(right, server, read, old, new, said):
    apart, told, _, _ = judged(spoilt(right, old, new), server, read)
    assert not apart.agrees
    assert said in told


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("x, (2, 2), (2, 2)", "x, (3, 3), (2, 2), (1, 1)", "only pass their input on"),
        ("number in (1, 3)", "number in (1, 2)", "from stage2_2_conv on"),
        ("x = relu(conv2d(", "x = (conv2d(", "with no convolutions at work"),
        ("range(6)", "range(6)", ""),
        ("kernel * scale, beta", "kernel * scale, beta * (kernel.shape[3] < 8)", "stage2_1_conv"),
    ],
)  # fmt: skip
def test_the_first_wrong_layer_is_found(right, server, read, old, new, said):
    _, _, where, _ = judged(spoilt(right, old, new), server, read)
    assert said in where if said else not where


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("beta - mean * scale", "beta + mean * scale", "for stage1_1_conv its bias["),
        ("return kernel * scale, ", "return kernel, ", "for stage1_1_conv its kernel["),
        (", beta - mean * scale", "", "it should give two arrays"),
        ("beta - mean * scale", "beta[None] - mean * scale", "has shape (1, 4)"),
        ("    scale = gamma", "    raise NotImplementedError\n    scale = gamma", ""),
    ],
)
def test_fold_batch_norm_is_checked_by_itself(right, server, read, old, new, said):
    with Mine(spoilt(right, old, new), server) as student:
        found = mine.fold_trouble(student, read)
    assert said in found if said else not found


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("    return softmax(", "    return list(", "float numbers"),
        ("    return softmax(", "    return 1 / 0 * softmax(", "ZeroDivisionError"),
        ("return softmax(flat @ weights[30] + weights[31])", "return flat", "should be (6, 10)"),
        ("    flat = ", "    import keras\n    flat = ", "use NumPy"),
        ("    flat = ", "    raise NotImplementedError\n    flat = ", "not written yet"),
    ],
)  # fmt: skip
def test_no_answer_is_one_sentence(right, server, read, old, new, said):
    with (
        Mine(spoilt(right, old, new), server) as student,
        pytest.raises(mine.NoAnswer, match=said.replace("(", r"\(").replace(")", r"\)")),
    ):
        student.run(read, digits()[0][:COUNT])


def test_who_is_too_slow_is_told_how_many_digits_it_was(right, read):
    slow = spoilt(right, "    flat = ", "    while True: pass\n    flat = ")
    limits = dataclasses.replace(LIMITS, call_seconds=0.3)
    server = ladder.best(limits)
    try:
        with (
            Mine(slow, server, limits) as student,
            pytest.raises(mine.NoAnswer, match="for 6 digits; ask for fewer with --digits"),
        ):
            student.run(read, digits()[0][:COUNT])
    finally:
        server.close()


# --- the command


def test_the_side_by_side_is_printed(network, folder, monkeypatch):
    monkeypatch.setattr(predicting, "_has", lambda package: package != "tensorflow")
    done = predict("--model", network, "--digits", COUNT, "--mine", "--exercises", folder())
    assert done.exit_code == 0, done.stderr
    assert "the reference" in done.stdout
    assert "Your layers: no float64 answer lies further" in done.stdout
    assert "Keras is left out" in done.stdout


def test_a_wrong_predict_is_told_and_fails(network, folder, monkeypatch):
    monkeypatch.setattr(predicting, "_has", lambda package: package != "tensorflow")
    exercises = folder(") / 255", ")")
    done = predict("--model", network, "--digits", COUNT, "--mine", "--exercises", exercises)
    assert done.exit_code == 1
    assert "digits are others than the reference's" in done.stdout.replace("\n", " ")
    assert "the pixels are not divided by 255" in done.stdout


def test_no_tensorflow_is_needed_nor_imported(network, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    monkeypatch.setitem(sys.modules, "keras", None)
    done = predict("--model", network, "--digits", 3)
    assert done.exit_code == 0, done.stderr
    assert "digit 2" in done.stdout
    done = predict("--model", network, "--digits", 3, "--keras")
    assert done.exit_code == USAGE
    assert "pip install" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model", "none.keras"], "there is no none.keras"),
        (["--model", "pyproject.toml"], "not in Keras' format"),
        (["none.png"], "cannot read none.png"),
        (["--model", "NETWORK", "--mine", "--exercises", "docs"], "cannot read docs/capstone"),
    ],
)
def test_wrong_arguments_are_one_sentence(network, root, monkeypatch, arguments, said):
    monkeypatch.chdir(root)
    named = [str(network) if part == "NETWORK" else part for part in arguments]
    done = predict(*named)
    assert done.exit_code == USAGE
    assert done.stderr.count("\n") == 1
    assert said in done.stderr


def test_weights_come_in_the_order_of_keras(read):
    shapes = [array.shape for array in mine.weights_in_keras_order(read)]
    assert shapes[:6] == [(3, 3, 1, 4), (4,), (4,), (4,), (4,), (3, 3, 4, 4)]
    assert shapes[-2:] == [(392, 10), (10,)]


@pytest.mark.slow
def test_keras_agrees_in_float64_too(keras, network, read):
    images = digits()[0][:50]
    exact, bound = mine.bounds(read, images)
    ran = mine.by_keras(network, images)
    apart = mine.distance(ran, mine.by_reference(read, images, exact), bound)
    assert apart.proven
    assert apart.largest < 1e-5
    loaded = keras.models.load_model(network, compile=False)
    for ours, theirs in zip(mine.weights_in_keras_order(read), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
