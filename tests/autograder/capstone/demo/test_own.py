"""A student's functions at work on the network, and what is said of them."""

from __future__ import annotations

import textwrap

import numpy as np
import pytest

from autograder.capstone.data import subset
from autograder.capstone.demo.own import Own, distance
from autograder.submissions import BadSubmission

DIGIT = subset().test_images[3]


@pytest.fixture
def own(server):
    """`own(path)`: the functions there, in workers of the tests' server."""
    running = []

    def begun(path, seconds=5.0):
        running.append(Own(path, server.limits, server, seconds))
        return running[-1]

    yield begun
    for one in running:
        one.close()


@pytest.fixture
def folder(tmp_path):
    """`folder(relu=source)`: a folder with modules of this text."""

    def made(**sources):
        for name, text in sources.items():
            (tmp_path / f"{name}.py").write_text(textwrap.dedent(text), "utf-8")
        return tmp_path

    return made


def reference(network):
    return [value for _, value in network.values(DIGIT[None])]


def status(look):
    return {used.function: used.status for used in look.used}


RELU = """
    import numpy as np

    def relu(x):
        return np.maximum(x, 0)
"""
LEAKY = RELU.replace("np.maximum(x, 0)", "np.where(x > 0, x, 0.1 * x)")


@pytest.mark.parametrize("name", ["right-einsum", "right-loops", "right-as-strided"])
def test_right_functions_agree_in_every_layer(own, golden, untrained, name):
    look = own(golden / name).look(untrained, DIGIT)
    assert set(status(look).values()) == {"right"}
    for mine, theirs in zip(look.values, reference(untrained), strict=True):
        assert distance(mine, theirs) < 1e-4
    assert 0 < look.function_seconds < look.seconds
    counts = {used.function: len(used.layers) for used in look.used}
    assert counts == {
        "images_from_keras": 8,
        "kernel_from_keras": 6,
        "conv2d_im2col": 6,
        "relu": 6,
        "max_pool2d": 2,
        "softmax": 1,
    }


def test_every_exercise_that_a_layer_can_be(own, golden, kit, drawn_weights):
    layer = kit.layer
    network = drawn_weights(
        kit.sequential(
            layer("Rescaling", scale=1 / 255, offset=0.0),
            # An odd zero on one side, which the padding of conv2d cannot have.
            layer("Conv2D", filters=4, kernel_size=[3, 3], strides=[2, 2], padding="same"),
            layer("DepthwiseConv2D", kernel_size=[3, 3], padding="valid", activation="relu"),
            layer("AveragePooling2D", pool_size=[3, 3], strides=[1, 1], padding="same"),
            layer("Conv2D", "c", filters=6, kernel_size=[2, 2], dilation_rate=[2, 2], groups=2),
            layer("MaxPooling2D", "odd", pool_size=[2, 2], strides=[1, 1], padding="same"),
            layer("Activation", activation="relu"),
            layer("LeakyReLU", negative_slope=0.2),
            layer("GlobalAveragePooling2D", keepdims=True),
            layer("Flatten"),
            layer("Dense", units=10, activation="softmax"),
        )
    )
    look = own(golden / "right-einsum").look(network, DIGIT)
    assert set(status(look)) == {
        *("images_from_keras", "kernel_from_keras", "zero_pad2d", "conv2d_im2col"),
        *("grouped_conv2d", "relu", "avg_pool2d", "global_avg_pool2d", "softmax"),
    }
    assert set(status(look).values()) == {"right"}
    for mine, theirs in zip(look.values, reference(network), strict=True):
        assert distance(mine, theirs) < 1e-4


def test_stubs_leave_everything_to_the_reference(own, root, untrained):
    look = own(root / "exercises").look(untrained, DIGIT)
    assert set(status(look).values()) == {"unwritten"}
    said = {used.function: used.said for used in look.used}
    assert said["relu"] == "relu is not written yet"
    assert "conv2d" in said
    assert "conv2d_im2col" not in said  # either would do
    for mine, theirs in zip(look.values, reference(untrained), strict=True):
        assert np.array_equal(mine, theirs)


def test_a_wrong_function_is_named_and_its_mistake_goes_on(own, golden, untrained):
    look = own(golden / "wrong-conv-flipped-kernel").look(untrained, DIGIT)
    assert status(look)["conv2d"] == "wrong"
    assert set(status(look).values()) == {"wrong", "unwritten"}
    (used,) = (used for used in look.used if used.status == "wrong")
    assert "other numbers than the reference" in used.said
    assert used.said.endswith("in stage1_1_conv")
    assert distance(look.values[-1], reference(untrained)[-1]) > 0.01


def test_every_wrong_function_is_named_not_only_the_first(own, golden, folder, untrained):
    flipped = golden / "wrong-conv-flipped-kernel" / "exercises" / "convolution.py"
    padding = golden / "right-einsum" / "exercises" / "padding.py"
    path = folder(
        activation=LEAKY,
        convolution=flipped.read_text("utf-8"),
        padding=padding.read_text("utf-8"),
        pooling="def max_pool2d(x, kernel, stride, padding=(0, 0)): return x[:, :, ::2, ::2]",
    )
    found = status(own(path).look(untrained, DIGIT))
    assert found["conv2d"] == found["relu"] == found["max_pool2d"] == "wrong"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise IndexError('too far')", "relu has no answer: IndexError: too far"),
        (
            "return x.tolist()",
            "relu has no answer: more than 10000 separate values; return an array",
        ),
        ("return None", "relu gives no array but a value of type NoneType"),
        ("return x[..., 1:]", "relu gives an array of shape (1, 28, 28, 15) where"),
        ("return x.astype(complex)", "relu"),
        ("return x.astype(bool)", "relu gives an array of dtype bool"),
        ("import os; os._exit(3)", "relu has no answer"),
        ("return helper(x)", "relu calls helper, which is not written yet"),
    ],
)
def test_where_there_is_no_usable_answer_the_reference_stands_in(
    own, folder, untrained, body, said
):
    path = folder(
        activation=f"""
        def helper(x):
            raise NotImplementedError

        def relu(x):
            {body}
        """
    )
    look = own(path).look(untrained, DIGIT)
    (used,) = (used for used in look.used if used.function == "relu")
    assert used.status == "broken"
    assert said in used.said
    assert distance(look.values[-1], reference(untrained)[-1]) == 0


def test_a_module_that_does_not_load_is_told(own, folder, untrained):
    look = own(folder(activation="def relu(x) return x")).look(untrained, DIGIT)
    said = {used.function: used.said for used in look.used}
    assert said["relu"].startswith("activation.py does not load: SyntaxError")


def test_nan_is_a_difference(own, folder, untrained):
    path = folder(activation=LEAKY.replace("0.1 * x", "np.nan"))
    look = own(path).look(untrained, DIGIT)
    assert status(look)["relu"] == "wrong"
    assert distance(look.values[-1], reference(untrained)[-1]) == np.inf


def test_what_never_ends_is_asked_once_and_again_when_the_file_changes(own, folder, untrained):
    loops = RELU.replace("return np.maximum(x, 0)", "\n        while True: pass")
    mine = own(folder(activation=loops), seconds=1.0)
    for _ in range(2):
        look = mine.look(untrained, DIGIT)
        (used,) = (used for used in look.used if used.function == "relu")
        assert used.status == "broken"
        assert "no answer after" in used.said
        assert len(used.layers) == 6
    assert look.function_seconds == 0
    folder(activation=RELU)
    assert status(mine.look(untrained, DIGIT))["relu"] == "right"
    folder(activation=LEAKY)
    assert status(mine.look(untrained, DIGIT))["relu"] == "wrong"


def test_a_worker_is_renewed_before_the_system_ends_it(own, golden, untrained, monkeypatch):
    monkeypatch.setattr("autograder.capstone.demo.own.RENEWED_AFTER", 0.0)
    mine = own(golden / "right-einsum")
    for _ in range(3):
        look = mine.look(untrained, DIGIT)
        assert mine._session._worker is None
        assert set(status(look).values()) == {"right"}


def test_a_path_without_functions_is_refused_at_once(tmp_path):
    with pytest.raises(BadSubmission, match="there is no"):
        Own(tmp_path / "nothing")
    with pytest.raises(BadSubmission, match="holds no module"):
        Own(tmp_path)


def test_distance_counts_what_is_no_number():
    nan, inf = np.nan, np.inf
    assert distance(np.array([1.0, 2.0]), np.array([1.0, 2.5])) == 0.5
    assert distance(np.array([nan, inf]), np.array([nan, inf])) == 0
    assert distance(np.array([nan]), np.array([1.0])) == inf
    assert distance(np.zeros(0), np.zeros(0)) == 0
