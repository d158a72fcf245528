import numpy as np


def zero_pad2d(x, padding):
    """Zero padding with np.pad."""
    (top, bottom), (left, right) = padding
    if x.ndim != 4:
        raise ValueError(f"expected (N, C, H, W), got {x.ndim} axes")
    if top < 0 or bottom < 0 or left < 0 or right < 0:
        raise ValueError(f"negative padding: {padding}")
    if x.dtype != np.float32:
        x = x.astype(np.float64)
    return np.pad(x, ((0, 0), (0, 0), (top, top), (left, left)))
