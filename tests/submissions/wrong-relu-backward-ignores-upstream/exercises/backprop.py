import numpy as np


def relu_backward(dy, x):
    """Gradient of ReLU."""
    if dy.shape != x.shape:
        raise ValueError(f"dy must have the shape of x, {x.shape}; got {dy.shape}")
    dtype = np.float32 if dy.dtype == np.float32 else np.float64
    return (x > 0).astype(dtype)      # the derivative of max(0, x)
