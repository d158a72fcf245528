import numpy as np


def kernel_from_keras(kernel):
    """(KH, KW, C, O) to (O, C, KH, KW)"""
    if kernel.ndim != 4:
        raise ValueError(f"kernel must have four axes; got shape {kernel.shape}")
    dtype = np.float32 if kernel.dtype == np.float32 else np.float64
    return np.array(kernel.transpose(2, 3, 0, 1), dtype)
