"""Backpropagation. The adjoint of an einsum is the same einsum with two operands exchanged."""

import numpy as np
from activation import check_labels, softmax
from convolution import check_kernel, windows
from padding import working
from pooling import check_padding, selections


def expect(dy: np.ndarray, shape: tuple[int, ...]) -> None:
    if dy.shape != tuple(shape):
        raise ValueError(f"dy: must have shape {tuple(shape)}, got {dy.shape}")


def fold(parts: np.ndarray, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
    """einsum("ncijuv,uih,vjw->nchw"), in two matrix products."""
    half = np.tensordot(parts, cols, axes=((5, 3), (0, 1)))  # n c i u w
    return np.tensordot(half, rows, axes=((3, 2), (0, 1))).swapaxes(2, 3).copy()  # n c w h


def relu_backward(dy: np.ndarray, x: np.ndarray) -> np.ndarray:
    expect(dy, x.shape)
    dx = np.array(working(dy, dy.ndim))
    dx[~(x > 0)] = 0
    return dx


def dense_backward(dy: np.ndarray, x: np.ndarray,
                   w: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    dy = working(dy, 2, "dy")
    x = working(x, 2).astype(dy.dtype)
    w = working(w, 2, "w").astype(dy.dtype)
    if x.shape[1] != w.shape[0]:
        raise ValueError(f"w: must be ({x.shape[1]}, M), got shape {w.shape}")
    expect(dy, (len(x), w.shape[1]))
    return (np.einsum("nm,dm->nd", dy, w), np.einsum("nm,nd->dm", dy, x),
            np.einsum("nm->m", dy))


def cross_entropy_backward(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    p = softmax(logits)
    labels = check_labels(p.shape, labels)
    p[np.arange(len(p)), labels] -= 1
    return p / max(len(p), 1)


def max_pool2d_backward(dy: np.ndarray, x: np.ndarray, kernel: tuple[int, int],
                        stride: tuple[int, int], padding: tuple[int, int] = (0, 0)) -> np.ndarray:
    dy = working(dy, 4, "dy")
    x = working(x, 4)
    check_padding(kernel, padding)
    view = windows(x, kernel, stride, padding, value=-np.inf)
    expect(dy, view.shape[:4])
    taps = kernel[0] * kernel[1]
    first = view.reshape(*dy.shape, taps).argmax(axis=-1)
    chosen = (first[..., None] == np.arange(taps)).astype(dy.dtype)
    parts = np.einsum("ncijk,ncij->ncijk", chosen, dy).reshape(view.shape)
    return fold(parts, *selections(x.shape, kernel, stride, padding, dy.dtype))


def avg_pool2d_backward(dy: np.ndarray, x: np.ndarray, kernel: tuple[int, int],
                        stride: tuple[int, int], padding: tuple[int, int] = (0, 0)) -> np.ndarray:
    dy = working(dy, 4, "dy")
    x = working(x, 4)
    check_padding(kernel, padding)
    rows, cols = selections(x.shape, kernel, stride, padding, dy.dtype)
    rows, cols = rows.sum(axis=0), cols.sum(axis=0)
    expect(dy, (*x.shape[:2], len(rows), len(cols)))
    share = dy / np.einsum("ih,jw->ij", rows, cols)
    return rows.T @ share @ cols


def conv2d_backward(dy: np.ndarray, x: np.ndarray, w: np.ndarray, stride: tuple[int, int] = (1, 1),
                    padding: tuple[int, int] = (0, 0)
                    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    dy = working(dy, 4, "dy")
    x = working(x, 4).astype(dy.dtype)
    check_kernel(w, x.shape[1])
    w = w.astype(dy.dtype)
    kh, kw = w.shape[2:]
    view = windows(x, (kh, kw), stride, padding)
    n, _, ho, wo = view.shape[:4]
    expect(dy, (n, len(w), ho, wo))

    dw = np.tensordot(dy, view, axes=((0, 2, 3), (0, 2, 3)))
    db = np.einsum("noij->o", dy)

    # dx: put stride - 1 zeros between the entries of dy, enough zeros around it so that the
    # kernel may hang over, and convolve (so: correlate with the flipped kernel)
    h, wid = x.shape[2] + 2 * padding[0], x.shape[3] + 2 * padding[1]
    spread = np.zeros((n, len(w), h + kh - 1, wid + kw - 1), dy.dtype)
    spread[:, :, kh - 1:kh + (ho - 1) * stride[0]:stride[0],
           kw - 1:kw + (wo - 1) * stride[1]:stride[1]] = dy
    spread = spread[:, :, padding[0]:h + kh - 1 - padding[0], padding[1]:wid + kw - 1 - padding[1]]
    dx = np.tensordot(windows(spread, (kh, kw)), w[:, :, ::-1, ::-1],
                      axes=((1, 4, 5), (0, 2, 3)))
    return dx.transpose(0, 3, 1, 2).copy(), dw, db


def col2im(columns: np.ndarray, shape: tuple[int, int, int, int], kernel: tuple[int, int],
           stride: tuple[int, int] = (1, 1), padding: tuple[int, int] = (0, 0)) -> np.ndarray:
    columns = working(columns, 3, "columns")
    if len(shape) != 4:
        raise ValueError(f"shape: must be (N, C, H, W), got {shape}")
    n, c = shape[:2]
    kh, kw = kernel
    rows, cols = selections(shape, kernel, stride, padding, columns.dtype)
    ho, wo = rows.shape[1], cols.shape[1]
    if columns.shape != (n, c * kh * kw, ho * wo):
        raise ValueError(f"columns: must be {(n, c * kh * kw, ho * wo)}, got {columns.shape}")
    parts = columns.reshape(n, c, kh, kw, ho, wo)
    return fold(np.einsum("ncuvij->ncijuv", parts), rows, cols)
