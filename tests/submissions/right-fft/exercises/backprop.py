# Exercise 7

import numpy as np

from . import activation as act
from . import convolution as conv
from . import padding as pad
from . import pooling as pool


def expect(dy, shape):
    if dy.shape != tuple(shape):
        raise ValueError("dy: must have shape %s, got %s" % (tuple(shape), dy.shape))


def relu_backward(dy, x):
    expect(dy, x.shape)
    dx = np.zeros(dy.shape, dtype=pad.result_type(dy))
    np.copyto(dx, dy, where=x > 0)
    return dx


def dense_backward(dy, x, w):
    if x.ndim != 2 or w.ndim != 2 or x.shape[1] != w.shape[0]:
        raise ValueError("x, w: shapes %s and %s do not fit" % (x.shape, w.shape))
    expect(dy, (len(x), w.shape[1]))
    dtype = pad.result_type(dy)
    dy, x, w = dy.astype(dtype), x.astype(dtype), w.astype(dtype)
    return np.inner(dy, w), np.dot(x.T, dy), dy.sum(0)


def cross_entropy_backward(logits, labels):
    p = act.softmax(logits)
    act.check_labels(logits, labels)
    target = np.zeros_like(p)
    target[np.arange(len(p)), labels.astype(int)] = 1
    return (p - target) / max(1, len(p))


def max_pool2d_backward(dy, x, kernel, stride, padding=(0, 0)):
    pool.check(x, kernel, padding)
    n, c, h, w = x.shape
    ho, wo = conv.sizes(x, kernel, stride, padding)
    expect(dy, (n, c, ho, wo))
    x = pool.low_border(x, padding)
    # the first maximum in each row of a window, then the first row that has the largest of them
    rows = np.stack([pool.every(x, 3, v, stride[1], wo) for v in range(kernel[1])])
    v = rows.argmax(axis=0)
    tops = rows.max(axis=0)
    tops = np.stack([pool.every(tops, 2, u, stride[0], ho) for u in range(kernel[0])])
    i = tops.argmax(axis=0) + np.arange(ho)[:, None] * stride[0]
    j = np.take_along_axis(v, i, axis=2) + np.arange(wo) * stride[1]
    dx = np.zeros(x.shape, dtype=pad.result_type(dy))
    a, b = np.arange(n).reshape(n, 1, 1, 1), np.arange(c).reshape(c, 1, 1)
    np.add.at(dx, (a, b, i, j), dy)
    return dx[:, :, padding[0] : padding[0] + h, padding[1] : padding[1] + w].copy()


def avg_pool2d_backward(dy, x, kernel, stride, padding=(0, 0)):
    pool.check(x, kernel, padding)
    n, c, h, w = x.shape
    ho, wo = conv.sizes(x, kernel, stride, padding)
    expect(dy, (n, c, ho, wo))
    dtype = pad.result_type(dy)
    covers = []
    for size, k, s, p, out in zip((h, w), kernel, stride, padding, (ho, wo)):
        start, stop = pool.limits(size, k, s, p, out)
        pixel = np.arange(size)
        covers.append(((pixel >= start[:, None]) & (pixel < stop[:, None])).astype(dtype))
    rows, cols = covers  # (HO, H) and (WO, W): which window covers which pixel
    share = dy / np.outer(rows.sum(axis=1), cols.sum(axis=1))
    return (rows.T @ share @ cols).astype(dtype)


def conv2d_backward(dy, x, w, stride=(1, 1), padding=(0, 0)):
    conv.check(x, w)
    n, c, h, wid = x.shape
    o, _, kh, kw = w.shape
    ho, wo = conv.sizes(x, (kh, kw), stride, padding)
    expect(dy, (n, o, ho, wo))
    dtype = pad.result_type(dy)
    x = conv.pad_both(x, padding).astype(dtype)
    size = x.shape[2:]
    # the outputs that the stride skipped get no gradient
    full = np.zeros((n, o, (ho - 1) * stride[0] + 1, (wo - 1) * stride[1] + 1), dtype=dtype)
    full[:, :, :: stride[0], :: stride[1]] = dy

    gs = conv.spectrum(full, size)
    xs = conv.spectrum(x, size)
    ws = conv.spectrum(w.astype(dtype), size)
    # y is a cross-correlation of x and w: dw is one of x and dy, dx a convolution of dy and w
    dw = conv.image_of(np.einsum("ncij,noij->ocij", xs, gs.conj()), size, dtype)
    dx = conv.image_of(np.einsum("noij,ocij->ncij", gs, ws), size, dtype)
    ph, pw = padding
    dx = dx[:, :, ph : ph + h, pw : pw + wid].copy()
    return dx, dw[:, :, :kh, :kw].copy(), full.sum(axis=(0, 2, 3))


def col2im(columns, shape, kernel, stride=(1, 1), padding=(0, 0)):
    if len(shape) != 4:
        raise ValueError("shape: must be (N, C, H, W), got %s" % (shape,))
    n, c, h, w = shape
    ph, pw = padding
    out = (
        pad.output_size(h, kernel[0], stride[0], (ph, ph)),
        pad.output_size(w, kernel[1], stride[1], (pw, pw)),
    )
    wanted = (n, c * kernel[0] * kernel[1], out[0] * out[1])
    if columns.shape != wanted:
        raise ValueError("columns: must have shape %s, got %s" % (wanted, columns.shape))
    i, j = conv.tap_grid(kernel, stride, out)
    image = np.zeros((h + 2 * ph, w + 2 * pw, n, c), dtype=pad.result_type(columns))
    patches = columns.reshape(n, c, kernel[0], kernel[1], out[0], out[1])
    np.add.at(image, (i, j), patches.transpose(2, 3, 4, 5, 0, 1))
    return image[ph : ph + h, pw : pw + w].transpose(2, 3, 0, 1).copy()
