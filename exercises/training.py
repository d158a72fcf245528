"""Lesson 9: training a CNN from scratch.

Everything so far comes together: random initial weights, a forward pass, the gradient of the loss,
a step downhill, again and again. The network is

    conv 8@3x3 - relu - max pool 2 - conv 16@3x3 - relu - max pool 2 - dense 10

with padding 1 in both convolutions, and max pools of 2x2 with stride 2. Its parameters live in a
dictionary: "conv1.w" (8, 1, 3, 3), "conv1.b" (8,), "conv2.w" (16, 8, 3, 3), "conv2.b" (16,),
"dense.w" (16 * (H // 4) * (W // 4), 10) and "dense.b" (10,). The dense layer sees the last pool's
(16, H // 4, W // 4) flattened in the order channel, row, column. Build on your functions of the
earlier lessons, the fast ones.
"""

import numpy as np


def he_normal(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Initial weights: float64 draws from a normal distribution with mean 0.

    Their standard deviation is sqrt(2 / fan_in), where fan_in is the number of inputs that one
    output sees: C * KH * KW for filters (O, C, KH, KW), D for a dense layer (D, M). Draw from `rng`
    and nothing else, so that the same seed gives the same weights.

    Raises ValueError for a shape of another length.

    >>> he_normal((8, 1, 3, 3), np.random.default_rng(0)).shape
    (8, 1, 3, 3)

    Taught in: Lesson 9, Training: initial weights (He, Zhang, Ren and Sun 2015).
    """
    raise NotImplementedError


def sgd_momentum(
    parameters: dict[str, np.ndarray],
    gradients: dict[str, np.ndarray],
    velocity: dict[str, np.ndarray],
    learning_rate: float,
    momentum: float,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """One step of gradient descent with momentum: new dictionaries (parameters, velocity).

    For every name: v = momentum * v - learning_rate * g, then p = p + v with the new v. The three
    dictionaries have the same names and shapes; neither they nor their arrays are changed. The
    results keep the dtype of their parameter.

    Raises ValueError for names or shapes that differ.

    >>> p, v = sgd_momentum({"b": np.ones(1)}, {"b": np.ones(1)}, {"b": np.ones(1)}, 0.25, 0.5)
    >>> p["b"].tolist(), v["b"].tolist()
    ([1.25], [0.25])

    Taught in: Lesson 9, Training: momentum (Polyak 1964; Sutskever et al. 2013).
    """
    raise NotImplementedError


def forward(parameters: dict[str, np.ndarray], images: np.ndarray) -> np.ndarray:
    """Logits (N, 10) of the network at the top of this page, for images (N, 1, H, W).

    The images decide the dtype: float32 gives float32, float64 and integers give float64.

    Raises ValueError for parameters that do not fit the images.

    >>> shapes = {"conv1.w": (8, 1, 3, 3), "conv1.b": (8,), "conv2.w": (16, 8, 3, 3)}
    >>> shapes.update({"conv2.b": (16,), "dense.w": (16, 10), "dense.b": (10,)})
    >>> parameters = {name: np.zeros(shape) for name, shape in shapes.items()}
    >>> forward(parameters, np.zeros((2, 1, 4, 4))).shape
    (2, 10)

    Taught in: Lesson 9, Training: the forward pass.
    """
    raise NotImplementedError


def loss_and_gradients(
    parameters: dict[str, np.ndarray], images: np.ndarray, labels: np.ndarray
) -> tuple[float, dict[str, np.ndarray]]:
    """(loss, gradients) of a batch: images (N, 1, H, W), labels (N,) whole numbers 0 .. 9.

    The loss is the mean cross-entropy of the network's logits, a float. `gradients` has the names
    and shapes of `parameters`: how the loss changes with each of their numbers. The images decide
    the dtype.

    Raises ValueError as `forward` and `cross_entropy`.

    >>> shapes = {"conv1.w": (8, 1, 3, 3), "conv1.b": (8,), "conv2.w": (16, 8, 3, 3)}
    >>> shapes.update({"conv2.b": (16,), "dense.w": (16, 10), "dense.b": (10,)})
    >>> parameters = {name: np.zeros(shape) for name, shape in shapes.items()}
    >>> loss, gradients = loss_and_gradients(parameters, np.zeros((2, 1, 4, 4)), np.array([3, 3]))
    >>> round(loss, 4), gradients["dense.b"].round(1).tolist()
    (2.3026, [0.1, 0.1, 0.1, -0.9, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1])

    Taught in: Lesson 9, Training: the whole chain rule (Rumelhart, Hinton and Williams 1986).
    """
    raise NotImplementedError


def fit(
    images: np.ndarray,
    labels: np.ndarray,
    epochs: int,
    learning_rate: float,
    momentum: float,
    batch_size: int,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Train the network from scratch and give its parameters: images (N, 1, H, W), labels (N,).

    Weights start as `he_normal` draws from `rng`, biases and velocity at zero. Every epoch goes
    once through all images, in a new random order from `rng`, in batches of `batch_size` (the last
    may be smaller), with one `sgd_momentum` step for each. Judged by the accuracy on digits that
    it has not seen, and within a time limit: use your vectorised functions.

    Raises ValueError for labels that are not one for every image, a batch_size below 1, and
    negative epochs.

    >>> images = np.zeros((20, 1, 4, 4))
    >>> labels = np.arange(20) % 10
    >>> parameters = fit(images, labels, 1, 0.1, 0.9, 8, np.random.default_rng(0))
    >>> parameters["dense.w"].shape
    (16, 10)

    Taught in: Lesson 9, Training: epochs and batches.
    """
    raise NotImplementedError
