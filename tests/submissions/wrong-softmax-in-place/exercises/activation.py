import numpy as np


def softmax(logits):
    """Row by row, shifted by its maximum."""
    if logits.ndim != 2:
        raise ValueError(f"logits must be (N, K); got shape {logits.shape}")
    if logits.dtype not in (np.float32, np.float64):
        logits = logits.astype(np.float64)
    logits -= logits.max(axis=1, keepdims=True)
    exps = np.exp(logits)
    return exps / exps.sum(axis=1, keepdims=True)
