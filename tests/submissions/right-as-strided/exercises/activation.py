"""Chapter 5."""

import numpy as np
from windows import as_real, require


def relu(x):
    y = np.array(as_real(x))  # a copy
    y[y < 0] = 0
    return y


def _stable(logits):
    """Logits with the largest of each row moved to 0."""
    require(logits.ndim == 2, f"logits must be (N, K), not {logits.shape}")
    z = as_real(logits)
    return z - z.max(axis=1).reshape(len(z), 1)


def softmax(logits):
    p = np.exp(_stable(logits))
    p /= p.sum(axis=1).reshape(len(p), 1)
    return p


def rows_and_labels(logits, labels):
    n, k = logits.shape
    require(labels.shape == (n,), f"labels must be ({n},), not {labels.shape}")
    require(bool(np.all(labels >= 0) and np.all(labels < k)), f"labels must be in 0..{k - 1}")
    return np.arange(n), labels.astype(np.int64)


def cross_entropy(logits, labels):
    z = _stable(logits)
    here = rows_and_labels(z, labels)
    if len(z) == 0:
        return 0.0
    return float(np.mean(np.log(np.sum(np.exp(z), axis=1)) - z[here], dtype=np.float64))
