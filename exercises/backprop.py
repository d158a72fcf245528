"""Lesson 7: backpropagation.

A network learns from the gradient of its loss. Each layer is handed dy, the gradient of the loss
at its output, and hands back the gradient at its input (and at its weights): the chain rule, one
layer at a time. Wherever a number is used twice, its gradients add up. In this topic dy decides
the dtype: float32 gives float32, float64 and integers give float64.
"""

import numpy as np


def relu_backward(dy: np.ndarray, x: np.ndarray) -> np.ndarray:
    """dx of relu(x): dy where x was above 0, else 0. dy and x have the same, any, shape.

    At x = 0 the gradient is 0.

    Raises ValueError for shapes that differ.

    >>> relu_backward(np.array([5, 6, 7]), np.array([-1, 0, 2])).tolist()
    [0.0, 0.0, 7.0]

    Taught in: Lesson 7, Backpropagation: through an activation.
    """
    raise NotImplementedError


def dense_backward(
    dy: np.ndarray, x: np.ndarray, w: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(dx, dw, db) of y = x @ w + b: dy (N, M), x (N, D), w (D, M).

    dx (N, D), dw (D, M) and db (M,) say how the loss changes with each number of x, w and b. The
    loss already holds any mean over the batch, so nothing is divided by N here.

    Raises ValueError for shapes that do not match.

    >>> dx, dw, db = dense_backward(np.array([[2, 3]]), np.array([[1]]), np.array([[10, 20]]))
    >>> dx.tolist(), dw.tolist(), db.tolist()
    ([[80.0]], [[2.0, 3.0]], [2.0, 3.0])

    Taught in: Lesson 7, Backpropagation: through a dense layer (Rumelhart et al. 1986).
    """
    raise NotImplementedError


def cross_entropy_backward(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Gradient of the mean `cross_entropy` at the logits: logits (N, K), labels (N,) give (N, K).

    The loss is a mean over the batch, so each row's gradient is divided by N. Finite for logits up
    to a million in size; the logits decide the dtype.

    Raises ValueError for labels that are not one for every row, or not among 0 .. K - 1.

    >>> cross_entropy_backward(np.array([[0, 0], [1, 1]]), np.array([0, 1])).tolist()
    [[-0.25, 0.25], [0.25, -0.25]]

    Taught in: Lesson 7, Backpropagation: where it starts.
    """
    raise NotImplementedError


def max_pool2d_backward(
    dy: np.ndarray,
    x: np.ndarray,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int] = (0, 0),
) -> np.ndarray:
    """dx (N, C, H, W) of `max_pool2d`: dy (N, C, HO, WO), x (N, C, H, W).

    Each number of dy goes to the pixel that won its window. When several pixels tie, the first in
    row-major order gets it all: top row first, then from left to right. A pixel that won more than
    one window gets the sum. Padding never wins.

    Raises ValueError as `max_pool2d`, and for a dy that has not the shape of the output.

    >>> x = np.array([[[[1, 4, 4, 2]]]])
    >>> max_pool2d_backward(np.array([[[[5, 6, 7]]]]), x, (1, 2), (1, 1)).tolist()
    [[[[0.0, 11.0, 7.0, 0.0]]]]

    Taught in: Lesson 7, Backpropagation: through a maximum.
    """
    raise NotImplementedError


def avg_pool2d_backward(
    dy: np.ndarray,
    x: np.ndarray,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int] = (0, 0),
) -> np.ndarray:
    """dx (N, C, H, W) of `avg_pool2d`: dy (N, C, HO, WO), x (N, C, H, W).

    Each number of dy is shared equally by the real pixels of its window; shares add up. Of x only
    the shape matters.

    Raises ValueError as `avg_pool2d`, and for a dy that has not the shape of the output.

    >>> avg_pool2d_backward(np.array([[[[6, 8]]]]), np.ones((1, 1, 1, 3)), (1, 2), (1, 1)).tolist()
    [[[[3.0, 7.0, 4.0]]]]

    Taught in: Lesson 7, Backpropagation: through a mean.
    """
    raise NotImplementedError


def conv2d_backward(
    dy: np.ndarray,
    x: np.ndarray,
    w: np.ndarray,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(dx, dw, db) of `conv2d`: dy (N, O, HO, WO), x (N, C, H, W), w (O, C, KH, KW).

    y[n, o, i, j] = b[o] + sum over c, u, v of xp[n, c, i * sh + u, j * sw + v] * w[o, c, u, v]

    - dx (N, C, H, W): every product that x[n, c, r, s] was part of adds dy[n, o, i, j] times its w;
      the gradient of the padding is dropped
    - dw (O, C, KH, KW): every product that w[o, c, u, v] was part of adds dy[n, o, i, j] times its
      pixel of xp
    - db (O,): b[o] was added to every output of filter o

    Raises ValueError as `conv2d`, and for a dy that has not the shape of the output.

    >>> x, w = np.array([[[[1, 2, 4]]]]), np.array([[[[1, 10]]]])
    >>> dx, dw, db = conv2d_backward(np.array([[[[1, 2]]]]), x, w)
    >>> dx.tolist(), dw.tolist(), db.tolist()
    ([[[[1.0, 12.0, 20.0]]]], [[[[5.0, 10.0]]]], [3.0])

    Taught in: Lesson 7, Backpropagation: through a convolution (LeCun et al. 1989).
    """
    raise NotImplementedError


def col2im(
    columns: np.ndarray,
    shape: tuple[int, int, int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
) -> np.ndarray:
    """The adjoint of `im2col`: columns (N, C * KH * KW, HO * WO) give shape = (N, C, H, W).

    `im2col` copies pixels into columns. Here every entry goes back to the pixel that it would have
    been copied from; a pixel that several windows hold gets the sum, one that no window holds gets
    0, and what came from the padding is dropped. The columns decide the dtype.

    Raises ValueError as `im2col`, and for columns that do not belong to `shape`.

    >>> columns = np.array([[[1, 2], [10, 20]]])
    >>> col2im(columns, (1, 1, 1, 3), (1, 2)).tolist()
    [[[[1.0, 12.0, 20.0]]]]

    Taught in: Lesson 7, Backpropagation: the way back from im2col.
    """
    raise NotImplementedError
