"""Chapter 7. A gradient is written through the same kind of view that forward reads from."""

import numpy as np
from activation import rows_and_labels, softmax
from convolution import check as check_conv
from pooling import check as check_pool
from pooling import real_cells
from windows import as_matrix, as_real, outputs, padded_view, require, window_view


def same_shape(dy, shape):
    require(dy.shape == tuple(shape), f"dy must be {tuple(shape)}, not {dy.shape}")


def spread(parts, shape, stride, padding):
    """Add parts (N, C, HO, WO, KH, KW) to the pixels under the windows of an (N, C, H, W)."""
    n, c, h, w = shape
    ph, pw = padding
    kernel = parts.shape[4:]
    big = np.zeros((n, c, h + 2 * ph, w + 2 * pw), dtype=parts.dtype)
    view = window_view(big, kernel, stride, writeable=True)
    # Windows overlap, so `view += parts` would lose sums. Those of one tap never overlap.
    for u in range(kernel[0]):
        for v in range(kernel[1]):
            view[..., u, v] += parts[..., u, v]
    return big[:, :, ph : ph + h, pw : pw + w].copy()


def relu_backward(dy, x):
    same_shape(dy, x.shape)
    dx = np.zeros(dy.shape, dtype=as_real(dy).dtype)
    alive = x > 0
    dx[alive] = dy[alive]
    return dx


def dense_backward(dy, x, w):
    require(x.ndim == 2 and w.ndim == 2, f"x and w must be 2-D, not {x.shape}, {w.shape}")
    require(x.shape[1] == w.shape[0], f"w must have {x.shape[1]} rows, not {w.shape[0]}")
    same_shape(dy, (x.shape[0], w.shape[1]))
    dy = as_real(dy)
    kind = dy.dtype
    return dy.dot(w.astype(kind).T), x.astype(kind).T.dot(dy), np.add.reduce(dy, axis=0)


def cross_entropy_backward(logits, labels):
    grad = softmax(logits)
    grad[rows_and_labels(grad, labels)] -= 1
    return grad if len(grad) == 0 else grad / len(grad)


def max_pool2d_backward(dy, x, kernel, stride, padding=(0, 0)):
    check_pool(x, kernel, padding)
    x = as_real(x)
    dy = as_real(dy)
    view = padded_view(x, kernel, stride, padding, value=-np.inf)
    n, c, ho, wo, kh, kw = view.shape
    same_shape(dy, (n, c, ho, wo))
    winner = view.reshape(n * c, ho * wo, kh * kw).argmax(axis=2)
    # the same windows over the numbers 0, 1, 2, ... tell where each tap lies in the image
    h, w = x.shape[2] + 2 * padding[0], x.shape[3] + 2 * padding[1]
    places = window_view(np.arange(h * w).reshape(h, w), kernel, stride)
    places = places.reshape(ho * wo, kh * kw)
    target = places[np.arange(ho * wo), winner]
    dx = np.zeros((n * c, h * w), dtype=dy.dtype)
    np.add.at(dx, (np.arange(n * c)[:, None], target), dy.reshape(n * c, ho * wo))
    dx = dx.reshape(n, c, h, w)
    return dx[:, :, padding[0] : h - padding[0], padding[1] : w - padding[1]].copy()


def avg_pool2d_backward(dy, x, kernel, stride, padding=(0, 0)):
    check_pool(x, kernel, padding)
    dy = as_real(dy)
    counts = real_cells(x, kernel, stride, padding)
    same_shape(dy, x.shape[:2] + counts.shape[2:])
    share = (dy / counts).astype(dy.dtype)
    parts = np.broadcast_to(share[..., None, None], (*share.shape, *kernel))
    return spread(parts, x.shape, stride, padding)


def conv2d_backward(dy, x, w, stride=(1, 1), padding=(0, 0)):
    check_conv(x, w)
    dy = as_real(dy)
    x = as_real(x).astype(dy.dtype, copy=False)
    w = w.astype(dy.dtype)
    view = padded_view(x, w.shape[2:], stride, padding)
    n, c, ho, wo, kh, kw = view.shape
    o = len(w)
    same_shape(dy, (n, o, ho, wo))
    g = dy.transpose(0, 2, 3, 1).reshape(n * ho * wo, o)
    w_rows = w.reshape(o, c * kh * kw)
    dw = (g.T @ as_matrix(view)).reshape(w.shape)
    parts = (g @ w_rows).reshape(n, ho, wo, c, kh, kw).transpose(0, 3, 1, 2, 4, 5)
    return spread(parts, x.shape, stride, padding), dw, g.sum(axis=0)


def col2im(columns, shape, kernel, stride=(1, 1), padding=(0, 0)):
    require(len(shape) == 4, f"shape must be (N, C, H, W), not {shape}")
    n, c, h, w = shape
    (kh, kw), (ph, pw) = kernel, padding
    ho = outputs(h, kh, stride[0], ph, ph)
    wo = outputs(w, kw, stride[1], pw, pw)
    wanted = (n, c * kh * kw, ho * wo)
    require(columns.shape == wanted, f"columns must be {wanted}, not {columns.shape}")
    parts = as_real(columns).reshape(n, c, kh, kw, ho, wo).transpose(0, 1, 4, 5, 2, 3)
    return spread(parts, shape, stride, padding)
