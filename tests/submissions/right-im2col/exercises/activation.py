import numpy as np

from exercises.padding import to_float


def relu(x):
    x = to_float(x)
    return np.where(x < 0, x.dtype.type(0), x)  # NaN < 0 is false: NaN goes through


def softmax(logits):
    z = to_float(logits)
    if z.ndim != 2:
        raise ValueError(f"logits should be 2-dimensional but have shape {z.shape}")
    e = np.exp(z - np.max(z, axis=1)[:, None])
    return e / np.sum(e, axis=1)[:, None]


def one_hot(labels, shape):
    """(N, K) with a single 1 a row."""
    n, k = shape
    if labels.shape != (n,):
        raise ValueError(f"labels should have shape ({n},) but have {labels.shape}")
    table = labels.reshape(n, 1) == np.arange(k)
    if not table.any(axis=1).all():
        raise ValueError(f"labels should lie between 0 and {k - 1}")
    return table


def cross_entropy(logits, labels):
    z = to_float(logits)
    if z.ndim != 2:
        raise ValueError(f"logits should be 2-dimensional but have shape {z.shape}")
    hot = one_hot(labels, z.shape)
    # around the maximum exp never overflows, and no digits are lost to the size of the logits
    z = z - z.max(axis=1)[:, None]
    losses = np.log(np.exp(z).sum(axis=1)) - z[hot]
    return float(losses.sum() / max(len(losses), 1))
