import numpy as np


def softmax(logits):
    """Stable softmax: the largest logit is subtracted first."""
    if logits.ndim != 2:
        raise ValueError(f"logits must be (N, K); got shape {logits.shape}")
    if logits.dtype != np.float32:
        logits = logits.astype(np.float64)
    if logits.size == 0:
        return logits.copy()
    exps = np.exp(logits - np.max(logits))
    return exps / np.sum(exps, axis=1, keepdims=True)
