import numpy as np

from .padding import _as_float


def prelu(x: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """x where it is positive, elsewhere the slope of its channel times x."""
    x = _as_float("x", x, 4)
    slope = _as_float("slope", slope, 1, x.dtype)
    if len(slope) != x.shape[1]:
        raise ValueError(f"slope must have {x.shape[1]} entries, one a channel; got {len(slope)}.")
    return np.where(x > 0, x, slope[:, None, None] * x)
