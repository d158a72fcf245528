"""Every allowed layer answers as Keras does, within a derived bound; Keras is the oracle."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.capstone import layers, model, rounding
from autograder.digits import digits

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="module")
def keras():
    """The module."""
    import keras

    return keras


@pytest.fixture
def compare(keras, workers, tmp_path):
    """`compare(model, images)`: Keras' answers lie within the bound of ours.

    Gives the model as read, the largest distance, and the largest bound.
    """

    def compared(made, images):
        file = tmp_path / "model.keras"
        file.unlink(missing_ok=True)
        made.save(file)
        read = model.read(file, workers)
        ours, far = rounding.bound(read, images)
        theirs = np.asarray(made(images[..., None].astype(np.float32), training=False))
        assert ours.shape == theirs.shape
        assert np.isfinite(ours).all()
        assert (np.abs(ours - theirs) <= far).all(), (
            np.abs(ours - theirs).max(),
            (np.abs(ours - theirs) / far).max(),
        )
        return read, np.abs(ours - theirs).max(), far.max()

    return compared


def randomised(made, seed):
    """Weights of all sizes that stay within reach; variances are positive."""
    rng = np.random.default_rng(seed)
    for layer in made._flatten_layers(include_self=False, recursive=True):
        for variable in layer.weights:
            shape = tuple(variable.shape)
            if "variance" in variable.path:
                value = rng.uniform(0.2, 2, shape)
            elif len(shape) < 2:
                value = rng.normal(size=shape)
            else:
                value = rng.normal(size=shape) / np.sqrt(np.prod(shape[:-1]))
            if variable.dtype == "float32":
                variable.assign(value.astype(np.float32))
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()


ACTIVATIONS = sorted(set(layers.activations.FUNCTIONS) - {"linear"})
small_pair = st.one_of(st.integers(1, 3), st.tuples(st.integers(1, 3), st.integers(1, 3)))
padding = st.sampled_from(["valid", "same"])
slope = st.sampled_from([0.0, 0.1, 0.5])
pixels, anything = (3,), (1, 3)


def either(*values):
    return st.sampled_from(values)


# What each layer may be given; `strides` and `dilation_rate` exclude each other in Keras.
KINDS = {
    "Conv2D": (pixels, dict(filters=st.integers(1, 5), kernel_size=small_pair, padding=padding,
                            use_bias=st.booleans(), activation=either(None, *ACTIVATIONS))),
    "DepthwiseConv2D": (pixels, dict(kernel_size=small_pair, depth_multiplier=st.integers(1, 3),
                                     padding=padding, use_bias=st.booleans())),
    "SeparableConv2D": (pixels, dict(filters=st.integers(1, 5), kernel_size=small_pair,
                                     padding=padding, depth_multiplier=st.integers(1, 2),
                                     use_bias=st.booleans(), activation=either(None, "relu"))),
    "Dense": (anything, dict(units=st.integers(1, 12), use_bias=st.booleans(),
                             activation=either(None, *ACTIVATIONS))),
    "MaxPooling2D": (pixels, dict(pool_size=small_pair, padding=padding,
                                  strides=either(None, 1, 2, 3))),
    "AveragePooling2D": (pixels, dict(pool_size=small_pair, padding=padding,
                                      strides=either(None, 1, 2, 3))),
    "GlobalAveragePooling2D": (pixels, dict(keepdims=st.booleans())),
    "GlobalMaxPooling2D": (pixels, dict(keepdims=st.booleans())),
    "BatchNormalization": (anything, dict(epsilon=either(1e-3, 1e-5), center=st.booleans(),
                                          scale=st.booleans())),
    "LayerNormalization": (anything, dict(center=st.booleans(), scale=st.booleans())),
    "Normalization": (anything, dict(axis=either(-1, None), invert=st.booleans())),
    "Activation": (anything, dict(activation=either("linear", *ACTIVATIONS))),
    "ReLU": (anything, dict(max_value=either(None, 1.0, 6.0), negative_slope=slope)),
    "LeakyReLU": (anything, dict(negative_slope=slope)),
    "ELU": (anything, dict(alpha=either(1.0, 0.5))),
    "Softmax": (anything, {}),
    "PReLU": (anything, {}),
    "Rescaling": (anything, dict(scale=either(1 / 255, 2.0, -0.5), offset=either(0.0, -1.0))),
    "Dropout": (anything, dict(rate=either(0.0, 0.5))),
    "SpatialDropout2D": (pixels, dict(rate=either(0.5))),
    "GaussianDropout": (anything, dict(rate=either(0.5))),
    "GaussianNoise": (anything, dict(stddev=either(0.5))),
    "AlphaDropout": (anything, dict(rate=either(0.5))),
    "Identity": (anything, {}),
    "ActivityRegularization": (anything, dict(l2=either(0.1))),
    "RandomRotation": (pixels, dict(factor=either(0.1))),
    "RandomTranslation": (pixels, dict(height_factor=either(0.1), width_factor=either(0.2))),
    "RandomZoom": (pixels, dict(height_factor=either(0.2))),
    "RandomFlip": (pixels, {}),
    "RandomContrast": (pixels, dict(factor=either(0.3))),
    "RandomBrightness": (pixels, dict(factor=either(0.3))),
    "RandomShear": (pixels, dict(x_factor=either(0.1), y_factor=either(0.1))),
    "RandomErasing": (pixels, {}),
    "Flatten": (anything, {}),
    "Permute": (pixels, dict(dims=st.permutations([1, 2, 3]))),
    "ZeroPadding2D": (pixels, dict(padding=either(1, (2, 1), ((0, 1), (2, 0))))),
    "Cropping2D": (pixels, dict(cropping=either(0, (1, 0), ((0, 1), (1, 0))))),
    "UpSampling2D": (pixels, dict(size=either(1, 2, (1, 2)))),
}  # fmt: skip
# Laid out by hand below, since they take several inputs or depend on the shape.
BY_HAND = {"Reshape", "Concatenate", "Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"}


def test_every_allowed_layer_is_compared():
    assert set(KINDS) | BY_HAND == set(layers.ALLOWED)


def drawn(draw, keras, kind, shape):
    """A layer of this class for inputs of this shape."""
    options = {name: draw(values) for name, values in KINDS[kind][1].items()}
    if "kernel_size" in options:
        strides = draw(st.integers(1, 3))
        if strides > 1:
            options["strides"] = strides
        elif kind == "Conv2D" and draw(st.booleans()):
            options["dilation_rate"] = draw(st.integers(1, 2))
        if kind == "Conv2D" and shape[-1] % 2 == 0 and draw(st.booleans()):
            options |= dict(groups=2, filters=2 * options["filters"])
    return getattr(keras.layers, kind)(**options)


@settings(max_examples=3, suppress_health_check=list(HealthCheck))
@given(data=st.data())
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_layer_agrees_with_keras(keras, compare, kind, data):
    size = data.draw(st.integers(2, 3), label="pool")
    inputs = keras.Input((28, 28, 1))
    x = keras.layers.Conv2D(4, 3, strides=size)(keras.layers.Rescaling(1 / 64)(inputs))
    if 3 not in KINDS[kind][0] or (1 in KINDS[kind][0] and data.draw(st.booleans())):
        x = keras.layers.GlobalAveragePooling2D()(x)
    x = drawn(data.draw, keras, kind, tuple(x.shape[1:]))(x)
    made = keras.Model(inputs, keras.layers.Dense(10)(keras.layers.Flatten()(x)))
    seed = data.draw(st.integers(0, 1000), label="seed")
    randomised(made, seed)
    rng = np.random.default_rng(seed)
    compare(made, rng.integers(0, 256, (3, 28, 28), dtype=np.uint8))


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_small_random_models_agree_with_keras(keras, compare, data):
    """Layers of all kinds behind one another, with joints, models inside models and operations."""
    draw = data.draw
    inputs = keras.Input((28, 28, 1), dtype=draw(either("uint8", "float32")))
    x = keras.layers.Rescaling(1 / 255)(inputs) if draw(st.booleans()) else inputs / 255.0
    for _ in range(draw(st.integers(1, 5), label="layers")):
        shape = tuple(x.shape[1:])
        form = draw(either("layer", "layer", "layer", "join", "inner", "reshape"), label="form")
        fitting = [kind for kind, (axes, _) in KINDS.items() if len(shape) in axes]
        if form == "inner" and len(shape) == 3:
            inner = keras.Sequential([keras.Input(shape)])
            inner.add(keras.layers.Conv2D(draw(st.integers(1, 4)), 1, activation="relu"))
            inner.add(keras.layers.BatchNormalization())
            if draw(st.booleans()):
                inner = keras.Model(inner.inputs[0], inner.outputs[0])
            x = inner(x) if draw(st.booleans()) else keras.layers.Add()([inner(x), inner(x)])
        elif form == "join":
            other = keras.layers.Dense(shape[-1])(x)
            kind = draw(either(*sorted(BY_HAND - {"Reshape"})))
            x = getattr(keras.layers, kind)()([x, other])
        elif form == "reshape":
            x = keras.layers.Reshape((1, -1, shape[-1]) if len(shape) == 3 else (1, 1, -1))(x)
        else:
            kind = draw(either(*sorted(fitting)))
            try:
                x = drawn(draw, keras, kind, shape)(x)
            except ValueError:
                continue  # the window does not fit
        if min(x.shape[1:]) < 1:
            return
    x = keras.layers.Dense(10, activation=draw(either(None, "softmax")))(keras.layers.Flatten()(x))
    made = keras.Model(inputs, x)
    if made.count_params() > 400_000:
        return
    seed = draw(st.integers(0, 1000), label="seed")
    randomised(made, seed)
    rng = np.random.default_rng(seed)
    compare(made, rng.integers(0, 256, (3, 28, 28), dtype=np.uint8))


def lenet(keras):
    """LeCun's network of 1998, with tanh and mean pools."""
    kl = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            kl.Rescaling(1 / 127.5, offset=-1),
            kl.Conv2D(6, 5, padding="same", activation="tanh"),
            kl.AveragePooling2D(2),
            kl.Conv2D(16, 5, activation="tanh"),
            kl.AveragePooling2D(2),
            kl.Flatten(),
            kl.Dense(120, activation="tanh"),
            kl.Dense(84, activation="tanh"),
            kl.Dense(10),
        ]
    )


def modern(keras):
    """Augmentation, normalisation, separable and residual convolutions."""
    kl = keras.layers
    inputs = keras.Input((28, 28, 1), dtype="uint8")
    x = kl.RandomRotation(0.03)(kl.Rescaling(1 / 255)(inputs))
    x = kl.ReLU()(kl.BatchNormalization(momentum=0.8)(kl.Conv2D(16, 3, use_bias=False)(x)))
    x = kl.MaxPooling2D()(x)
    y = kl.SeparableConv2D(16, 3, padding="same", activation="gelu")(x)
    x = kl.MaxPooling2D(padding="same")(kl.Add()([x, y]))
    x = kl.Conv2D(32, 3, strides=2, padding="same", activation="silu")(x)
    x = kl.Dropout(0.2)(kl.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, kl.Dense(10, activation="softmax")(x))


def transferred(keras):
    """A model inside a model: a frozen backbone, and a head on its features."""
    kl = keras.layers
    backbone = keras.Sequential(
        [keras.Input((28, 28, 1)), kl.Rescaling(1 / 255)]
        + [
            layer
            for width in (8, 16, 32)
            for layer in (
                kl.Conv2D(width, 3, padding="same", use_bias=False),
                kl.BatchNormalization(),
                kl.ReLU(),
                kl.MaxPooling2D(),
            )
        ],
        name="backbone",
    )
    backbone.trainable = False
    inputs = keras.Input((28, 28, 1))
    x = kl.Flatten()(backbone(inputs, training=False))
    return keras.Model(inputs, kl.Dense(10, activation="softmax")(x))


@pytest.mark.parametrize("make", [lenet, modern, transferred])
def test_real_models_agree_with_keras(keras, compare, make):
    keras.utils.set_random_seed(0)
    images, labels = digits()
    made = make(keras)
    logits = made.layers[-1].activation is keras.activations.linear
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=logits)
    made.compile(keras.optimizers.Adam(0.005), loss)
    made.fit(images[:3000, ..., None], labels[:3000], batch_size=64, epochs=2, verbose=0)
    shown, known = images[4000:5000], labels[4000:5000]
    read, apart, far = compare(made, shown)
    assert apart < 1e-4
    assert far < 1  # the bound means something, too: it is for the worst case of every sum
    assert (read.answers(shown).argmax(axis=1) == known).mean() > 0.6


def test_another_model_is_told_from_rounding(keras, workers, tmp_path):
    """The bound is no excuse: a filter of the first layer that is turned over is seen."""
    made = transferred(keras)
    randomised(made, 0)
    images = digits()[0][:200]
    made.save(tmp_path / "model.keras")
    ours, far = rounding.bound(model.read(tmp_path / "model.keras", workers), images)
    convolution = made.get_layer("backbone").layers[1]
    (kernel,) = convolution.get_weights()
    convolution.set_weights([kernel[::-1]])
    theirs = np.asarray(made(images[..., None].astype(np.float32)))
    assert (np.abs(ours - theirs) > far).mean() > 0.1
