import numpy as np


def softmax(logits):
    """Softmax along the first axis."""
    if logits.ndim != 2:
        raise ValueError(f"logits must be (N, K); got shape {logits.shape}")
    dtype = np.float32 if logits.dtype == np.float32 else np.float64
    if len(logits) == 0:
        return np.zeros(logits.shape, dtype)
    logits = logits.astype(dtype)
    powers = np.exp(logits - logits.max(axis=0))
    return powers / powers.sum(axis=0)
