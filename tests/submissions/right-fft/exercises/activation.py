# Exercise 5

import numpy as np

from . import padding as pad


def relu(x):
    dtype = pad.result_type(x)
    return np.array(np.where(np.less_equal(x, 0), 0, x), dtype=dtype)


def softmax(logits):
    if logits.ndim != 2:
        raise ValueError("logits: must have 2 axes, got shape %s" % (logits.shape,))
    dtype = pad.result_type(logits)
    z = logits.astype(np.float64)
    z -= z.max(axis=1, keepdims=True)
    np.exp(z, out=z)
    z /= z.sum(axis=1, keepdims=True)
    return z.astype(dtype)


def check_labels(logits, labels):
    if labels.ndim != 1 or len(labels) != len(logits):
        raise ValueError("labels: shape %s, logits: %s" % (labels.shape, logits.shape))
    if len(labels) and (labels.min() < 0 or labels.max() >= logits.shape[1]):
        raise ValueError("labels: must be 0 to %d" % (logits.shape[1] - 1))


def cross_entropy(logits, labels):
    if logits.ndim != 2:
        raise ValueError("logits: must have 2 axes, got shape %s" % (logits.shape,))
    check_labels(logits, labels)
    if len(labels) == 0:
        return 0.0
    z = logits.astype(np.float64)
    z -= z.max(axis=1, keepdims=True)
    log_sums = np.log(np.exp(z).sum(axis=1))
    right = z[np.arange(len(z)), labels.astype(int)]
    return (log_sums - right).mean()
