import numpy as np


def softmax(logits):
    """exp, divided by the sum of its row."""
    if logits.ndim != 2:
        raise ValueError(f"logits must be (N, K); got shape {logits.shape}")
    dtype = np.float32 if logits.dtype == np.float32 else np.float64
    logits = logits.astype(dtype)
    powers = np.exp(logits)
    return powers / powers.sum(axis=1, keepdims=True)
