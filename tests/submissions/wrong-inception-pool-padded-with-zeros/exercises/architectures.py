import numpy as np


def _conv(x, w, b, stride=(1, 1), padding=(0, 0)):
    if x.ndim != 4 or w.ndim != 4 or w.shape[1] != x.shape[1] or b.shape != (len(w),):
        raise ValueError(f"shapes do not match: x {x.shape}, w {w.shape}, b {b.shape}")
    if min(stride) < 1:
        raise ValueError(f"stride must be at least 1; got {stride}")
    ph, pw = padding
    image = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    if w.shape[2] > image.shape[2] or w.shape[3] > image.shape[3]:
        raise ValueError(f"kernel {w.shape[2:]} is larger than the padded image")
    windows = np.lib.stride_tricks.sliding_window_view(image, w.shape[2:], axis=(2, 3))
    windows = windows[:, :, ::stride[0], ::stride[1]]
    return np.einsum("ncijuv,ocuv->noij", windows, w) + b[:, None, None]


def inception_module(x, branches):
    """Four branches side by side, joined along the channels."""
    if x.ndim != 4:
        raise ValueError(f"x must be (N, C, H, W); got shape {x.shape}")
    dtype = np.float32 if x.dtype == np.float32 else np.float64
    x = x.astype(dtype)

    def layer(image, name, padding=(0, 0)):
        w, b = branches[name]
        return np.maximum(_conv(image, w, b, padding=padding), 0).astype(dtype)

    one = layer(x, "1x1")
    three = layer(layer(x, "3x3_reduce"), "3x3", (1, 1))
    five = layer(layer(x, "5x5_reduce"), "5x5", (2, 2))
    frame = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(frame, (3, 3), axis=(2, 3))
    pool = layer(windows.max(axis=(4, 5)), "pool_proj")
    return np.concatenate([one, three, five, pool], axis=1)
