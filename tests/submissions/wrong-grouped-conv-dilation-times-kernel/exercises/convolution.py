import numpy as np


def grouped_conv2d(x, w, b, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    """Convolution with groups and dilation."""
    if x.ndim != 4 or w.ndim != 4 or b.ndim != 1:
        raise ValueError(f"x and w need 4 axes and b needs 1; got {x.ndim}, {w.ndim}, {b.ndim}")
    N, C, H, W = x.shape
    O, CG, KH, KW = w.shape
    if groups < 1 or C % groups or O % groups:
        raise ValueError(f"groups must divide {C} channels and {O} kernels; got {groups}")
    if CG != C // groups:
        raise ValueError(f"w must have {C // groups} channels; got shape {w.shape}")
    if len(b) != O:
        raise ValueError(f"b must have {O} entries; got {len(b)}")
    if min(stride) < 1 or min(dilation) < 1 or min(padding) < 0 or min(KH, KW) < 1:
        raise ValueError(f"impossible stride, dilation or padding: {stride}, {dilation}, {padding}")
    (sh, sw), (ph, pw), (dh, dw) = stride, padding, dilation
    free_h = H + 2 * ph - KH * dh
    free_w = W + 2 * pw - KW * dw
    if free_h < 0 or free_w < 0:
        raise ValueError(f"kernel {(KH, KW)} with dilation {dilation} is larger than the padded image")
    HO, WO = free_h // sh + 1, free_w // sw + 1
    dtype = np.float32 if x.dtype == np.float32 else np.float64
    image = np.pad(x.astype(dtype), ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    y = np.zeros((N, O, HO, WO), dtype)
    for o in range(O):
        group = o // (O // groups)
        for c in range(CG):
            channel = image[:, group * CG + c]
            for u in range(KH):
                for v in range(KW):
                    seen = channel[:, u * dh::sh, v * dw::sw][:, :HO, :WO]
                    y[:, o] += seen * w[o, c, u, v]
        y[:, o] += b[o]
    return y
