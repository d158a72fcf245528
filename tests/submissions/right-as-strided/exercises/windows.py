"""My own module: window views. All the stride arithmetic is in this one place."""

import numpy as np
from numpy.lib.stride_tricks import as_strided


def as_real(a):
    """float32 and float64 as they are, anything else as float64."""
    if a.dtype == np.float32 or a.dtype == np.float64:
        return a
    return a.astype(np.float64)


def require(condition, sentence):
    if not condition:
        raise ValueError(sentence)


def outputs(size, kernel, stride, before=0, after=0, dilation=1):
    require(kernel >= 1, f"kernel must be at least 1, not {kernel}")
    require(stride >= 1, f"stride must be at least 1, not {stride}")
    require(dilation >= 1, f"dilation must be at least 1, not {dilation}")
    require(before >= 0 and after >= 0, f"padding must not be negative: {before}, {after}")
    span = dilation * (kernel - 1) + 1
    total = size + before + after
    require(span <= total, f"kernel covers {span} cells but there are only {total}")
    return 1 + (total - span) // stride


def surround(x, padding, value=0):
    """x in the middle of a fresh array; also makes a fresh array if there is nothing to add."""
    (top, bottom), (left, right) = padding
    require(min(top, bottom, left, right) >= 0, f"padding must not be negative: {padding}")
    *lead, h, w = x.shape
    out = np.full((*lead, top + h + bottom, left + w + right), value, dtype=x.dtype)
    out[..., top : top + h, left : left + w] = x
    return out


def window_view(x, kernel, stride=(1, 1), dilation=(1, 1), writeable=False):
    """View (..., HO, WO, KH, KW) of x (..., H, W). No copy, whatever the layout of x.

    The steps come from x.strides, in bytes: they are not always itemsize * width, and they
    may be negative.
    """
    *lead, h, w = x.shape
    ho = outputs(h, kernel[0], stride[0], dilation=dilation[0])
    wo = outputs(w, kernel[1], stride[1], dilation=dilation[1])
    *lead_steps, down, right = x.strides
    return as_strided(
        x,
        shape=(*lead, ho, wo, *kernel),
        strides=(
            *lead_steps,
            down * stride[0],
            right * stride[1],
            down * dilation[0],
            right * dilation[1],
        ),
        writeable=writeable,
    )


def padded_view(x, kernel, stride, padding, dilation=(1, 1), value=0):
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = kernel, stride, padding, dilation
    outputs(x.shape[2], kh, sh, ph, ph, dh)  # complains about x, not about the padded x
    outputs(x.shape[3], kw, sw, pw, pw, dw)
    if ph or pw:
        x = surround(x, ((ph, ph), (pw, pw)), value)
    return window_view(x, kernel, stride, dilation)


def as_matrix(view):
    """(N, C, HO, WO, KH, KW) to (N*HO*WO, C*KH*KW): one row a window."""
    n, c, ho, wo, kh, kw = view.shape
    return view.transpose(0, 2, 3, 1, 4, 5).reshape(n * ho * wo, c * kh * kw)
