# Exercise 3
#
# Convolution theorem: a product of spectra is a circular convolution, and the conjugate of one
# of them makes it a cross-correlation. Circular means that what falls off one end comes back at
# the other, so the transforms must be long enough for the part of the result that is kept.

import numpy as np

from . import padding as pad


def spectrum(a, size):
    return np.fft.rfft2(a, s=size, axes=(-2, -1))


def image_of(spectra, size, dtype):
    return np.fft.irfft2(spectra, s=size, axes=(-2, -1)).astype(dtype)


def sizes(x, kernel, stride, padding, dilation=(1, 1)):
    ho = pad.output_size(x.shape[2], kernel[0], stride[0], (padding[0], padding[0]), dilation[0])
    wo = pad.output_size(x.shape[3], kernel[1], stride[1], (padding[1], padding[1]), dilation[1])
    return ho, wo


def pad_both(x, padding):
    ph, pw = padding
    return pad.zero_pad2d(x, ((ph, ph), (pw, pw)))


def check(x, w, b=None, groups=1):
    if x.ndim != 4:
        raise ValueError("x: must have 4 axes, got shape %s" % (x.shape,))
    if w.ndim != 4:
        raise ValueError("w: must have 4 axes, got shape %s" % (w.shape,))
    if groups < 1 or x.shape[1] % groups or w.shape[0] % groups:
        raise ValueError("groups: %d cannot split %s and %s" % (groups, x.shape, w.shape))
    if w.shape[1] != x.shape[1] // groups:
        raise ValueError("w: shape %s does not fit x with shape %s" % (w.shape, x.shape))
    if b is not None and b.shape != (w.shape[0],):
        raise ValueError("b: must have %d entries, got shape %s" % (w.shape[0], b.shape))


def cross_correlate2d(image, kernel):
    if image.ndim != 2 or kernel.ndim != 2:
        raise ValueError("image, kernel: 2 axes each, got %s, %s" % (image.shape, kernel.shape))
    ho = pad.output_size(image.shape[0], kernel.shape[0])
    wo = pad.output_size(image.shape[1], kernel.shape[1])
    dtype = pad.result_type(image)
    a = spectrum(image.astype(dtype), image.shape)
    k = spectrum(kernel.astype(dtype), image.shape)
    # wrapped values only touch the rows and columns that "valid" throws away
    return image_of(a * k.conj(), image.shape, dtype)[:ho, :wo].copy()


def convolve2d(image, kernel, mode="valid"):
    if image.ndim != 2 or kernel.ndim != 2 or not image.size or not kernel.size:
        shapes = (image.shape, kernel.shape)
        raise ValueError("image, kernel: 2 axes each, none empty, got %s, %s" % shapes)
    (h, w), (kh, kw) = image.shape, kernel.shape
    if mode == "full":
        top, left, ho, wo = 0, 0, h + kh - 1, w + kw - 1
    elif mode == "same":
        top, left, ho, wo = (kh - 1) // 2, (kw - 1) // 2, h, w
    elif mode == "valid":
        top, left = kh - 1, kw - 1
        ho, wo = pad.output_size(h, kh), pad.output_size(w, kw)
    else:
        raise ValueError("mode: %r is not valid, same or full" % (mode,))
    dtype = pad.result_type(image)
    long_enough = (h + kh - 1, w + kw - 1)
    product = spectrum(image.astype(dtype), long_enough)
    product = product * spectrum(kernel.astype(dtype), long_enough)
    full = image_of(product, long_enough, dtype)
    return full[top : top + ho, left : left + wo].copy()


def conv2d(x, w, b, stride=(1, 1), padding=(0, 0)):
    check(x, w, b)
    ho, wo = sizes(x, w.shape[2:], stride, padding)
    x = pad_both(x, padding)
    size = x.shape[2:]
    xs = spectrum(x, size)
    ws = spectrum(w.astype(x.dtype), size)
    y = image_of(np.einsum("ncij,ocij->noij", xs, ws.conj()), size, x.dtype)
    y = y[:, :, :: stride[0], :: stride[1]][:, :, :ho, :wo]
    return y + b.astype(x.dtype).reshape(1, len(b), 1, 1)


def tap_grid(kernel, stride, out, dilation=(1, 1)):
    # row and column numbers, shaped (KH, 1, HO, 1) and (1, KW, 1, WO)
    i = np.arange(kernel[0]).reshape(-1, 1) * dilation[0] + np.arange(out[0]) * stride[0]
    j = np.arange(kernel[1]).reshape(-1, 1) * dilation[1] + np.arange(out[1]) * stride[1]
    return i[:, None, :, None], j[None, :, None, :]


def im2col(x, kernel, stride=(1, 1), padding=(0, 0)):
    if x.ndim != 4:
        raise ValueError("x: must have 4 axes, got shape %s" % (x.shape,))
    out = sizes(x, kernel, stride, padding)
    i, j = tap_grid(kernel, stride, out)
    patches = pad_both(x, padding)[:, :, i, j]  # no FFT: pixels are moved, not changed
    n, c = x.shape[:2]
    return patches.reshape(n, c * kernel[0] * kernel[1], out[0] * out[1])


def conv2d_im2col(x, w, b, stride=(1, 1), padding=(0, 0)):
    check(x, w, b)
    ho, wo = sizes(x, w.shape[2:], stride, padding)
    columns = im2col(x, w.shape[2:], stride, padding)
    matrix = w.reshape(w.shape[0], columns.shape[1]).astype(columns.dtype)
    y = np.matmul(matrix, columns).reshape(x.shape[0], w.shape[0], ho, wo)
    return y + b.astype(y.dtype).reshape(1, len(b), 1, 1)


def grouped_conv2d(x, w, b, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    check(x, w, b, groups)
    o, cg, kh, kw = w.shape
    ho, wo = sizes(x, (kh, kw), stride, padding, dilation)
    x = pad_both(x, padding)
    size = x.shape[2:]
    # a dilated kernel is a larger kernel with zeros in it
    dh, dw = dilation
    holes = np.zeros((o, cg, (kh - 1) * dh + 1, (kw - 1) * dw + 1), dtype=x.dtype)
    holes[:, :, ::dh, ::dw] = w
    xs = spectrum(x, size)
    ws = spectrum(holes, size)
    xs = xs.reshape(len(x), groups, cg, *xs.shape[2:])
    ws = ws.reshape(groups, o // groups, cg, *ws.shape[2:])
    product = np.einsum("ngcij,gocij->ngoij", xs, ws.conj())
    y = image_of(product.reshape(len(x), o, *product.shape[3:]), size, x.dtype)
    y = y[:, :, :: stride[0], :: stride[1]][:, :, :ho, :wo]
    return y + b.astype(x.dtype).reshape(1, o, 1, 1)
