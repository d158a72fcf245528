import numpy as np

from exercises.activation import one_hot, softmax
from exercises.convolution import check_weights, gather, index_table, output_shape
from exercises.padding import need_4d, output_size, to_float
from exercises.pooling import check_pool, pool_columns, window_counts


def check_dy(dy, shape):
    if dy.shape != tuple(shape):
        raise ValueError(f"dy should have shape {tuple(shape)} but has {dy.shape}")


def scatter(columns, shape, kernel, stride, padding, out):
    """Adjoint of gather: bincount adds everything that lands on the same pixel."""
    n, c, h, w = shape
    ph, pw = padding
    hp, wp = h + 2 * ph, w + 2 * pw
    table = index_table(c, hp, wp, kernel, stride, out)
    table = table + np.arange(n)[:, None, None] * (c * hp * wp)
    flat = np.bincount(table.ravel(), columns.ravel(), minlength=n * c * hp * wp)
    image = flat.reshape(n, c, hp, wp)[:, :, ph : ph + h, pw : pw + w]
    return image.astype(columns.dtype, order="C", copy=True)


def relu_backward(dy, x):
    check_dy(dy, x.shape)
    dy = to_float(dy)
    return np.where(x > 0, dy, dy.dtype.type(0))


def dense_backward(dy, x, w):
    dy = to_float(dy)
    if x.ndim != 2 or w.ndim != 2:
        raise ValueError(f"x and w should be 2-dimensional but are {x.shape} and {w.shape}")
    if x.shape[1] != w.shape[0]:
        raise ValueError(f"w should have {x.shape[1]} rows but its shape is {w.shape}")
    check_dy(dy, (x.shape[0], w.shape[1]))
    dx = np.matmul(dy, w.T.astype(dy.dtype))
    dw = np.matmul(x.T.astype(dy.dtype), dy)
    db = np.matmul(np.ones(len(dy), dtype=dy.dtype), dy)
    return dx, dw, db


def cross_entropy_backward(logits, labels):
    p = softmax(logits)
    return (p - one_hot(labels, p.shape)) / p.dtype.type(max(len(p), 1))


def max_pool2d_backward(dy, x, kernel, stride, padding=(0, 0)):
    dy = to_float(dy)
    x = to_float(x)
    check_pool(x, kernel, padding)
    n, c, h, w = x.shape
    out = output_shape(x, kernel, stride, padding)
    check_dy(dy, (n, c) + out)
    columns = pool_columns(x, kernel, stride, padding, -np.inf)
    winners = columns.argmax(axis=1)[:, None]  # argmax takes the first of equals
    dcolumns = np.zeros(columns.shape, dtype=dy.dtype)
    np.put_along_axis(dcolumns, winners, dy.reshape(winners.shape), axis=1)
    dx = scatter(dcolumns, (n * c, 1, h, w), kernel, stride, padding, out)
    return dx.reshape(n, c, h, w)


def avg_pool2d_backward(dy, x, kernel, stride, padding=(0, 0)):
    dy = to_float(dy)
    check_pool(x, kernel, padding)
    n, c, h, w = x.shape
    out = output_shape(x, kernel, stride, padding)
    check_dy(dy, (n, c) + out)
    share = dy.reshape(n * c, 1, out[0] * out[1]) / window_counts(x, kernel, stride, padding)
    dcolumns = np.repeat(share.astype(dy.dtype), kernel[0] * kernel[1], axis=1)
    dx = scatter(dcolumns, (n * c, 1, h, w), kernel, stride, padding, out)
    return dx.reshape(n, c, h, w)


def conv2d_backward(dy, x, w, stride=(1, 1), padding=(0, 0)):
    dy = to_float(dy)
    x = to_float(x).astype(dy.dtype, copy=False)
    need_4d(x)
    check_weights(x, w)
    n, f = x.shape[0], w.shape[0]
    kernel = w.shape[2:]
    out = output_shape(x, kernel, stride, padding)
    check_dy(dy, (n, f) + out)
    columns = gather(x, kernel, stride, padding)
    k, p = columns.shape[1:]
    dy_rows = dy.reshape(n, f, p)

    # y = w_rows @ columns + b, so the matrix rules give all three gradients
    w_rows = w.reshape(f, k).astype(dy.dtype)
    dw = dy_rows.transpose(1, 0, 2).reshape(f, n * p) @ columns.swapaxes(1, 2).reshape(n * p, k)
    db = dy_rows.sum(axis=(0, 2))
    dx = scatter(w_rows.T @ dy_rows, x.shape, kernel, stride, padding, out)
    return dx, dw.reshape(w.shape), db


def col2im(columns, shape, kernel, stride=(1, 1), padding=(0, 0)):
    columns = to_float(columns)
    if len(shape) != 4:
        raise ValueError(f"shape should be (N, C, H, W) but is {shape}")
    n, c, h, w = shape
    ho = output_size(h, kernel[0], stride[0], (padding[0], padding[0]))
    wo = output_size(w, kernel[1], stride[1], (padding[1], padding[1]))
    wanted = (n, c * kernel[0] * kernel[1], ho * wo)
    if columns.shape != wanted:
        raise ValueError(f"columns should have shape {wanted} but have {columns.shape}")
    return scatter(columns, shape, kernel, stride, padding, (ho, wo))
