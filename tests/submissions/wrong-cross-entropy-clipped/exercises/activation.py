import numpy as np


def cross_entropy(logits, labels):
    """Mean cross-entropy; the small number keeps the log finite."""
    if logits.ndim != 2 or labels.shape != (len(logits),):
        raise ValueError(f"logits (N, K) and labels (N,) do not match: {logits.shape}, {labels.shape}")
    if labels.size and (labels.min() < 0 or labels.max() >= logits.shape[1]):
        raise ValueError(f"labels must lie in 0 to {logits.shape[1] - 1}")
    exps = np.exp(logits - logits.max(axis=1, keepdims=True).astype(np.float64))
    p = exps / exps.sum(axis=1, keepdims=True)
    return float(-np.log(p[np.arange(len(labels)), labels] + 1e-7).mean())
