"""Lesson 10: your layers run a Keras model.

Keras does what you did, in another order of axes: channels come last. Here you turn its weights
and images round, and run a trained Keras network with your own layers. Build on your functions of
the earlier lessons.
"""

import numpy as np


def kernel_from_keras(kernel: np.ndarray) -> np.ndarray:
    """Keras' kernel (KH, KW, C, O) as ours, (O, C, KH, KW), a copy.

    float32 stays float32, float64 stays float64, integers become float64.

    Raises ValueError for a kernel without exactly four axes.

    >>> kernel_from_keras(np.array([[[[1, 2], [3, 4]]]])).tolist()
    [[[[1.0]], [[3.0]]], [[[2.0]], [[4.0]]]]

    Taught in: Lesson 10, Keras: the order of a kernel's axes.
    """
    raise NotImplementedError


def images_from_keras(images: np.ndarray) -> np.ndarray:
    """Keras' images (N, H, W, C) as ours, (N, C, H, W), a copy.

    dtype as in `kernel_from_keras`.

    Raises ValueError for images without exactly four axes.

    >>> images_from_keras(np.array([[[[1, 10], [2, 20], [3, 30]]]])).tolist()
    [[[[1.0, 2.0, 3.0]], [[10.0, 20.0, 30.0]]]]

    Taught in: Lesson 10, Keras: channels last.
    """
    raise NotImplementedError


def predict(weights: list[np.ndarray], images: np.ndarray) -> np.ndarray:
    """Logits (N, 10) of a small Keras CNN for images (N, 28, 28, 1), equal to Keras to rounding.

    `weights` is what Keras' `get_weights()` gives, a list of six arrays: kernel (3, 3, 1, 8), bias
    (8,), kernel (3, 3, 8, 16), bias (16,), dense kernel (784, 10), bias (10,). The model is

        Conv2D 8@3x3 "same" + ReLU, MaxPooling2D 2, Conv2D 16@3x3 "same" + ReLU, MaxPooling2D 2,
        Flatten, Dense 10

    Mind Flatten: Keras flattens its own layout, in the order row, column, channel. The images
    decide the dtype: float32 gives float32, float64 and integers give float64.

    Raises ValueError for another number of weights, and for weights that do not fit the images.

    >>> shapes = [(3, 3, 1, 8), (8,), (3, 3, 8, 16), (16,), (784, 10), (10,)]
    >>> weights = [np.zeros(shape) for shape in shapes]
    >>> weights[5] += 3
    >>> predict(weights, np.zeros((1, 28, 28, 1))).tolist()
    [[3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0]]

    Taught in: Lesson 10, Keras: the same network, your layers.
    """
    raise NotImplementedError
