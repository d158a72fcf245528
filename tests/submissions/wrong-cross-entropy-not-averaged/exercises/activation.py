import numpy as np


def cross_entropy(logits, labels):
    """Mean of minus log softmax at the label."""
    if logits.ndim != 2 or labels.shape != (len(logits),):
        raise ValueError(f"logits (N, K) and labels (N,) do not match: {logits.shape}, {labels.shape}")
    if labels.size and (labels.min() < 0 or labels.max() >= logits.shape[1]):
        raise ValueError(f"labels must lie in 0 to {logits.shape[1] - 1}")
    logits = logits.astype(np.float64)
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_sums = np.log(np.exp(shifted).sum(axis=1))
    losses = log_sums - shifted[np.arange(len(labels)), labels]
    return float(losses.sum())
