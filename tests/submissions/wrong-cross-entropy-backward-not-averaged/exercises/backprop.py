import numpy as np


def cross_entropy_backward(logits, labels):
    """(softmax - one_hot) / N"""
    if logits.ndim != 2 or labels.shape != (len(logits),):
        raise ValueError(f"logits (N, K) and labels (N,) do not match: {logits.shape}, {labels.shape}")
    if labels.size and (labels.min() < 0 or labels.max() >= logits.shape[1]):
        raise ValueError(f"labels must lie in 0 to {logits.shape[1] - 1}")
    dtype = np.float32 if logits.dtype == np.float32 else np.float64
    logits = logits.astype(dtype)
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(labels)), labels] -= 1
    return p
