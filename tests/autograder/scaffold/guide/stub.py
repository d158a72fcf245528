import numpy as np


def prelu(x: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Parametric ReLU: x (N, C, H, W), slope (C,), the result (N, C, H, W).

    y[n, c, i, j] = x[n, c, i, j] where that is positive, else slope[c] * x[n, c, i, j]

    Each channel has a slope of its own, which training can change. dtype as in `relu`.

    Raises ValueError for an x without exactly four axes, and for a slope that has not one entry
    for every channel.

    >>> prelu(np.array([[[[-8, 8]], [[-8, 8]]]]), np.array([0.25, 0.5])).tolist()
    [[[[-2.0, 8.0]], [[-4.0, 8.0]]]]

    Taught in: Lesson 5, Activation: a slope that is learnt (He et al. 2015).
    """
    raise NotImplementedError
