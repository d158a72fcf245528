import numpy as np


def sliding_windows(x, kernel, stride=(1, 1)):
    """Windows without copying a single pixel."""
    if x.ndim != 4:
        raise ValueError(f"x must be (N, C, H, W); got shape {x.shape}")
    if min(stride) < 1:
        raise ValueError(f"stride must be at least 1; got {stride}")
    if min(kernel) < 1 or kernel[0] > x.shape[2] or kernel[1] > x.shape[3]:
        raise ValueError(f"kernel {kernel} does not fit in images of {x.shape[2:]}")
    if x.dtype != np.float32:
        x = x.astype(np.float64, copy=False)
    view = np.lib.stride_tricks.sliding_window_view(x, kernel, axis=(2, 3), writeable=x.flags.writeable)
    return view[:, :, ::stride[0], ::stride[1]]
