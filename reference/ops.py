"""Every operation of the course: what it means, what it asks of its arguments, who computes it.

This is the one page to read. Each function is a docstring, its checks (worded in ``_check.py``) and
one line of dispatch to the twin that ``_backend.py`` chose; three ask ``_backend.small`` first,
which does calls of a few pixels in one step and returns None for all others. The order is that of
the topics: why_cnn, padding, convolution, stride, activation, pooling, backprop, architectures,
training, keras_bridge, and at the end the general forms that no exercise asks for.

For all of them:

- Images are (N, C, H, W), kernels (O, C, KH, KW), biases (O,); an image of one channel is (H, W).
  HO and WO are the rows and columns of an output. Pairs are (rows, columns).
- float32 stays float32, every other real type becomes float64. With several arrays the first one
  decides, the others follow it. Any memory layout is accepted.
- Arguments are never changed, and every result is new memory. An empty batch (N = 0) is legal.
- A wrong type is a TypeError, a wrong value a ValueError; the sentence begins with the operation's
  name and names the argument and its value.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from reference import _backend, _check
from reference._check import Pads, Pair

__all__ = [
    "alexnet",
    "avg_pool2d",
    "avg_pool2d_backward",
    "batch_norm2d",
    "batch_norm2d_backward",
    "col2im",
    "conv2d",
    "conv2d_backward",
    "conv2d_im2col",
    "conv_layer_cost",
    "convolve2d",
    "count_parameters",
    "cross_correlate2d",
    "cross_entropy",
    "cross_entropy_backward",
    "dense",
    "dense_backward",
    "dense_layer_cost",
    "downsample",
    "fit",
    "forward",
    "general_conv2d",
    "general_conv2d_backward",
    "global_avg_pool2d",
    "global_avg_pool2d_backward",
    "grouped_conv2d",
    "he_normal",
    "im2col",
    "images_from_keras",
    "inception_module",
    "kernel_from_keras",
    "lenet5",
    "line_filter",
    "loss_and_gradients",
    "max_pool2d",
    "max_pool2d_backward",
    "output_size",
    "predict",
    "receptive_field",
    "relu",
    "relu_backward",
    "residual_block",
    "same_padding",
    "sgd_momentum",
    "sliding_windows",
    "softmax",
    "softmax_backward",
    "strided_conv2d",
    "trace_shapes",
    "zero_pad2d",
]

_IMAGE = "N, C, H, W"
_FILTERS = "O, C, KH, KW"


# 1 why_cnn


def dense_layer_cost(inputs: int, units: int) -> tuple[int, int]:
    """(connections, parameters) of a dense layer with biases.

    Every input meets every unit: inputs * units connections, and one bias a unit on top.

    Raises ValueError for counts below 1.
    Source: LeCun, Bottou, Bengio, Haffner 1998, Gradient-based learning, section II.A.

    >>> dense_layer_cost(100 * 100, 1000)
    (10000000, 10001000)
    """
    inputs = _check.whole("dense_layer_cost", "inputs", inputs, 1)
    units = _check.whole("dense_layer_cost", "units", units, 1)
    return _backend.why_cnn.dense_layer_cost(inputs, units)


def conv_layer_cost(
    height: int,
    width: int,
    in_channels: int,
    out_channels: int,
    kernel: tuple[int, int],
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
) -> tuple[int, int]:
    """(connections, parameters) of a convolutional layer with biases.

    HO*WO*O*C*KH*KW connections, those to padding cells included; O*C*KH*KW + O parameters.

    Raises ValueError for sizes below 1, negative padding, a kernel that does not fit.
    Source: LeCun et al. 1998, section II.A (weight sharing).

    >>> conv_layer_cost(32, 32, 1, 6, (5, 5))
    (117600, 156)
    """
    name = "conv_layer_cost"
    height = _check.whole(name, "height", height, 1)
    width = _check.whole(name, "width", width, 1)
    in_channels = _check.whole(name, "in_channels", in_channels, 1)
    out_channels = _check.whole(name, "out_channels", out_channels, 1)
    kernel = _check.pair(name, "kernel", kernel, 1, None)
    stride = _check.pair(name, "stride", stride, 1, None)
    padding = _check.pair(name, "padding", padding, 0, None)
    _check.fits(name, (height, width), kernel, stride, _check.both_sides(padding))
    return _backend.why_cnn.conv_layer_cost(
        height, width, in_channels, out_channels, kernel, stride, padding
    )


def receptive_field(layers: list[tuple[int, int]]) -> int:
    """Side of the square of input pixels that one output sees.

    ``layers`` is a list of (kernel, stride), first layer first: 1 + sum over layers of
    (kernel - 1) * (product of the strides of the layers before it).

    Raises ValueError for a kernel or stride below 1.
    Source: Araujo, Norris, Sim 2019, Computing receptive fields of CNNs, equation 2.

    >>> receptive_field([(3, 2), (3, 1)])
    7
    >>> receptive_field([])
    1
    """
    layers = [
        _check.pair("receptive_field", f"layers[{index}]", layer, 1, None, "kernel, stride")
        for index, layer in enumerate(layers)
    ]
    return _backend.why_cnn.receptive_field(layers)


def line_filter(orientation: str) -> np.ndarray:
    """A (3, 3) float64 kernel that answers to lines of one orientation: 2 on the line, -1 off it.

    Orientations: "horizontal", "vertical", "diagonal" (top-left to bottom-right), "antidiagonal".

    Raises ValueError for any other word.
    Source: the simple cells of Hubel and Wiesel 1962.

    >>> line_filter("horizontal").tolist()
    [[-1.0, -1.0, -1.0], [2.0, 2.0, 2.0], [-1.0, -1.0, -1.0]]
    """
    known = ("horizontal", "vertical", "diagonal", "antidiagonal")
    orientation = _check.choice("line_filter", "orientation", orientation, known)
    return _backend.why_cnn.line_filter(orientation)


# 2 padding


def output_size(
    size: int, kernel: int, stride: int = 1, padding: tuple[int, int] = (0, 0), dilation: int = 1
) -> int:
    """Length of the output along one axis; ``padding`` is (before, after).

    floor((size + before + after - dilation * (kernel - 1) - 1) / stride) + 1.

    Raises ValueError for kernel, stride or dilation below 1, a negative size or padding, and where
    the kernel does not fit.
    Source: Dumoulin and Visin 2016, A guide to convolution arithmetic, relationship 6 and section
    5.1 for the dilation.

    >>> output_size(5, 3, stride=2, padding=(1, 0))
    2
    """
    name = "output_size"
    size = _check.whole(name, "size", size, 0)
    kernel = _check.whole(name, "kernel", kernel, 1)
    stride = _check.whole(name, "stride", stride, 1)
    padding = _check.pair(name, "padding", padding, 0, None, "before, after")
    dilation = _check.whole(name, "dilation", dilation, 1)
    _check.fits_axis(name, size, kernel, padding, dilation)
    return _backend.padding.output_size(size, kernel, stride, padding, dilation)


def same_padding(size: int, kernel: int, stride: int = 1) -> tuple[int, int]:
    """(before, after) so that the output has ceil(size / stride) entries.

    total = max((ceil(size / stride) - 1) * stride + kernel - size, 0); an odd cell goes after.

    Raises ValueError for a size, kernel or stride below 1.
    Source: the padding "SAME" of TensorFlow and Keras.

    >>> same_padding(5, 2)
    (0, 1)
    """
    size = _check.whole("same_padding", "size", size, 1)
    kernel = _check.whole("same_padding", "kernel", kernel, 1)
    stride = _check.whole("same_padding", "stride", stride, 1)
    return _backend.padding.same_padding(size, kernel, stride)


def zero_pad2d(x: np.ndarray, padding: tuple[tuple[int, int], tuple[int, int]]) -> np.ndarray:
    """x (N, C, H, W) with zeros around it: (N, C, top + H + bottom, left + W + right).

    ``padding`` is ((top, bottom), (left, right)).

    Raises ValueError for negative padding and for the wrong number of axes.
    Source: Goodfellow, Bengio, Courville 2016, Deep Learning, section 9.5.

    >>> zero_pad2d(np.ones((1, 1, 1, 2)), ((1, 0), (0, 1)))[0, 0]
    array([[0., 0., 0.],
           [1., 1., 0.]])
    """
    x = _check.array("zero_pad2d", "x", x, _IMAGE)
    padding = _check.pads("zero_pad2d", "padding", padding)
    n, c, h, w = x.shape
    _check.addressable("zero_pad2d", (n, c, h + sum(padding[0]), w + sum(padding[1])))
    return _backend.padding.zero_pad2d(x, padding)


# 3 convolution


def cross_correlate2d(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Valid cross-correlation of one channel: image (H, W), kernel (KH, KW).

    y[i, j] = sum over u, v of image[i + u, j + v] * kernel[u, v], shape (H - KH + 1, W - KW + 1).

    Raises ValueError for a kernel that is empty or larger than the image.
    Source: Goodfellow et al. 2016, equation 9.6.

    >>> cross_correlate2d(np.array([[1, 2, 4]]), np.array([[1, 10]]))
    array([[21., 42.]])
    """
    image = _check.array("cross_correlate2d", "image", image, "H, W")
    kernel = _check.array("cross_correlate2d", "kernel", kernel, "KH, KW", like=image)
    _check.fits("cross_correlate2d", image.shape, kernel.shape)
    _check.countable("cross_correlate2d", kernel.size, image.size)
    return _backend.convolution.cross_correlate2d(image, kernel)


def convolve2d(image: np.ndarray, kernel: np.ndarray, mode: str = "valid") -> np.ndarray:
    """True convolution of one channel, the kernel flipped: image (H, W), kernel (KH, KW).

    ``mode`` is "valid" (H - KH + 1, W - KW + 1), "same" (H, W; the middle of "full", from the index
    (K - 1) // 2 on) or "full" (H + KH - 1, W + KW - 1).

    Raises ValueError for an unknown mode, an empty image or kernel, and in "valid" for a kernel
    larger than the image.
    Source: Goodfellow et al. 2016, equation 9.4; the modes are those of scipy.signal.convolve2d.

    >>> convolve2d(np.array([[1, 2, 4]]), np.array([[1, 10]]))
    array([[12., 24.]])
    >>> convolve2d(np.array([[1, 2, 4]]), np.array([[1, 10]]), "full")
    array([[ 1., 12., 24., 40.]])
    """
    name = "convolve2d"
    image = _check.array(name, "image", image, "H, W")
    kernel = _check.array(name, "kernel", kernel, "KH, KW", like=image)
    mode = _check.choice(name, "mode", mode, ("valid", "same", "full"))
    _check.not_empty(name, "image", image, *image.shape)
    _check.not_empty(name, "kernel", kernel, *kernel.shape)
    (h, w), (kh, kw) = image.shape, kernel.shape
    if mode == "valid":
        _check.fits(name, image.shape, kernel.shape)
    _check.addressable(name, (h + kh - 1, w + kw - 1))
    _check.countable(name, kernel.size, (h + kh - 1) * (w + kw - 1))
    return _backend.convolution.convolve2d(image, kernel, mode)


def conv2d(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
) -> np.ndarray:
    """The convolutional layer: x (N, C, H, W), w (O, C, KH, KW), b (O,) give (N, O, HO, WO).

    y[n, o, i, j] = b[o] + sum over c, u, v of x[n, c, i*sh + u - ph, j*sw + v - pw] * w[o, c, u, v]
    with zeros outside of x. Nothing is flipped.

    Raises ValueError for channels or biases that do not match, a stride below 1, negative padding,
    a kernel that does not fit.
    Source: Goodfellow et al. 2016, equations 9.7 and 9.8.

    >>> conv2d(np.array([[[[1, 2, 4]]]]), np.array([[[[1, 10]]]]), np.array([0.5]))
    array([[[[21.5, 42.5]]]])
    """
    y: np.ndarray | None = _backend.small and _backend.small.conv2d(x, w, b, stride, padding)
    if y is not None:
        return y
    args = _conv_arguments("conv2d", x, w, b, stride, padding)
    return _backend.convolution.conv2d(*args)


def im2col(
    x: np.ndarray,
    kernel: tuple[int, int],
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
) -> np.ndarray:
    """Every window as a column: x (N, C, H, W) gives (N, C*KH*KW, HO*WO).

    Rows are ordered channel, row, column; columns as the outputs, row by row. A copy.

    Raises ValueError for a kernel or stride below 1, negative padding, a kernel that does not fit.
    Source: Chellapilla, Puri, Simard 2006, High performance convolutional neural networks for
    document processing, section 4.

    >>> im2col(np.array([[[[1, 2, 4]]]]), (1, 2))
    array([[[1., 2.],
            [2., 4.]]])
    """
    name = "im2col"
    x = _check.array(name, "x", x, _IMAGE)
    kernel = _check.pair(name, "kernel", kernel, 1)
    stride = _check.pair(name, "stride", stride, 1)
    padding = _check.pair(name, "padding", padding, 0)
    rows, cols = _check.fits(name, x.shape[2:], kernel, stride, _check.both_sides(padding))
    _check.addressable(name, (x.shape[0], x.shape[1] * kernel[0] * kernel[1], rows * cols))
    return _backend.convolution.im2col(x, kernel, stride, padding)


def conv2d_im2col(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
) -> np.ndarray:
    """The same numbers as :func:`conv2d`, by im2col and a product of matrices.

    Raises as conv2d.
    Source: Chellapilla et al. 2006, section 4.

    >>> conv2d_im2col(np.array([[[[1, 2, 4]]]]), np.array([[[[1, 10]]]]), np.array([0.5]))
    array([[[[21.5, 42.5]]]])
    """
    args = _conv_arguments("conv2d_im2col", x, w, b, stride, padding)
    return _backend.convolution.conv2d_im2col(*args)


def grouped_conv2d(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
    dilation: tuple[int, int] = (1, 1),
    groups: int = 1,
) -> np.ndarray:
    """Convolution with gaps between the taps, in groups: w is (O, C // groups, KH, KW).

    The filters of group g see the channels of group g alone, at x[.., i*sh + u*dh - ph, ..];
    groups = C is a depthwise convolution.

    Raises ValueError as conv2d, for a dilation below 1, and for groups that do not divide C and O.
    Source: Krizhevsky, Sutskever, Hinton 2012 (groups); Yu and Koltun 2016, equation 2 (dilation).

    >>> x = np.arange(1, 7).reshape(1, 2, 1, 3)
    >>> grouped_conv2d(x, np.ones((2, 1, 1, 2)), np.zeros(2), dilation=(1, 2), groups=2).tolist()
    [[[[4.0]], [[10.0]]]]
    """
    name = "grouped_conv2d"
    padding = _check.pair(name, "padding", padding, 0)
    x, w, b, stride, _, dilation, groups = _general_arguments(
        name, x, w, b, stride, _check.both_sides(padding), dilation, groups
    )
    return _backend.convolution.grouped_conv2d(x, w, b, stride, padding, dilation, groups)


# 4 stride


def sliding_windows(
    x: np.ndarray, kernel: tuple[int, int], stride: tuple[int, int] = (1, 1)
) -> np.ndarray:
    """Every window of x (N, C, H, W), as a copy: (N, C, HO, WO, KH, KW).

    Raises ValueError for a kernel or stride below 1 and a kernel that does not fit.
    Source: Dumoulin and Visin 2016, section 2.3.

    >>> sliding_windows(np.array([[[[1, 2, 4]]]]), (1, 2))[0, 0, 0].tolist()
    [[[1.0, 2.0]], [[2.0, 4.0]]]
    """
    name = "sliding_windows"
    x = _check.array(name, "x", x, _IMAGE)
    kernel = _check.pair(name, "kernel", kernel, 1)
    stride = _check.pair(name, "stride", stride, 1)
    outputs = _check.fits(name, x.shape[2:], kernel, stride)
    _check.addressable(name, (*x.shape[:2], *outputs, *kernel))
    return _backend.stride.sliding_windows(x, kernel, stride)


def downsample(x: np.ndarray, stride: tuple[int, int]) -> np.ndarray:
    """Every stride-th pixel of x (N, C, H, W) from the first: (N, C, ceil(H/sh), ceil(W/sw)).

    Raises ValueError for a stride below 1.
    Source: Goodfellow et al. 2016, section 9.5 (figure 9.12).

    >>> downsample(np.array([[[[1, 2, 4]]]]), (1, 2))
    array([[[[1., 4.]]]])
    """
    x = _check.array("downsample", "x", x, _IMAGE)
    stride = _check.pair("downsample", "stride", stride, 1)
    return _backend.stride.downsample(x, stride)


def strided_conv2d(x: np.ndarray, w: np.ndarray, stride: tuple[int, int]) -> np.ndarray:
    """Valid cross-correlation without bias, of x (N, C, H, W) with w (O, C, KH, KW).

    Equals conv2d at stride 1 followed by downsample; only the outputs that stay are computed.

    Raises ValueError for channels that do not match, a stride below 1, a kernel that does not fit.
    Source: Goodfellow et al. 2016, equation 9.8.

    >>> strided_conv2d(np.array([[[[1, 2, 4, 8]]]]), np.array([[[[1, 10]]]]), (1, 2))
    array([[[[21., 84.]]]])
    """
    name = "strided_conv2d"
    x = _check.array(name, "x", x, _IMAGE)
    w = _check.array(name, "w", w, _FILTERS, like=x)
    stride = _check.pair(name, "stride", stride, 1)
    _filters_fit(name, x, w, stride)
    return _backend.stride.strided_conv2d(x, w, stride)


# 5 activation


def relu(x: np.ndarray) -> np.ndarray:
    """max(x, 0) for an array of any shape; NaN stays NaN.

    Source: Nair and Hinton 2010, Rectified linear units improve restricted Boltzmann machines.

    >>> relu(np.array([-1.5, 0, 2]))
    array([0., 0., 2.])
    """
    x = _check.array("relu", "x", x)
    return _backend.activation.relu(x)


def softmax(logits: np.ndarray) -> np.ndarray:
    """exp(logits) over their sum, row by row of (N, K): rows sum to 1.

    Computed as exp(logit - largest), so that large logits stay finite.

    Raises ValueError where there are no classes (K = 0).
    Source: Goodfellow et al. 2016, equation 6.29.

    >>> softmax(np.array([[1e6, 1e6]]))
    array([[0.5, 0.5]])
    """
    logits = _logits("softmax", logits)
    return _backend.activation.softmax(logits)


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Mean over the batch of -log softmax at the label; logits (N, K), labels (N,) integers.

    A Python float; an empty batch costs 0.

    Raises TypeError for labels that are no integers, ValueError for labels outside of 0 .. K - 1 or
    of another length.
    Source: Goodfellow et al. 2016, equations 5.101 and 6.30.

    >>> cross_entropy(np.array([[0.0, 0.0], [1e6, 0.0]]), np.array([1, 0]))
    0.34657359027997264
    """
    logits = _logits("cross_entropy", logits)
    labels = _check.labels("cross_entropy", labels, *logits.shape)
    return _backend.activation.cross_entropy(logits, labels)


# 6 pooling


def max_pool2d(
    x: np.ndarray,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int] = (0, 0),
) -> np.ndarray:
    """The largest pixel of every window: x (N, C, H, W) gives (N, C, HO, WO).

    Padding counts as minus infinity and never wins; a NaN in the window gives NaN. The size is
    floored, as in :func:`output_size`.

    Raises ValueError for a kernel or stride below 1, padding above kernel // 2, a kernel that does
    not fit, an image without pixels.
    Source: Zhou and Chellappa 1988; Goodfellow et al. 2016, section 9.3.

    >>> max_pool2d(np.array([[[[-3, -1, -2]]]]), (1, 2), (1, 2), (0, 1))
    array([[[[-3., -1.]]]])
    """
    y: np.ndarray | None = _backend.small and _backend.small.max_pool2d(x, kernel, stride, padding)
    if y is not None:
        return y
    x, kernel, stride, padding, _ = _pool_arguments("max_pool2d", x, kernel, stride, padding)
    return _backend.pooling.max_pool2d(x, kernel, stride, padding)


def avg_pool2d(
    x: np.ndarray,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int] = (0, 0),
) -> np.ndarray:
    """The mean of the real pixels of every window: x (N, C, H, W) gives (N, C, HO, WO).

    Padding does not count, neither in the sum nor in the divisor.

    Raises as max_pool2d.
    Source: LeCun et al. 1998, section II.B (sub-sampling).

    >>> avg_pool2d(np.array([[[[3, 1, 2]]]]), (1, 2), (1, 2), (0, 1))
    array([[[[3. , 1.5]]]])
    """
    y: np.ndarray | None = _backend.small and _backend.small.avg_pool2d(x, kernel, stride, padding)
    if y is not None:
        return y
    x, kernel, stride, padding, _ = _pool_arguments("avg_pool2d", x, kernel, stride, padding)
    return _backend.pooling.avg_pool2d(x, kernel, stride, padding)


def global_avg_pool2d(x: np.ndarray) -> np.ndarray:
    """The mean of every channel: x (N, C, H, W) gives (N, C).

    Raises ValueError for an image without pixels.
    Source: Lin, Chen, Yan 2014, Network in network, section 3.2.

    >>> global_avg_pool2d(np.array([[[[3, 1, 2]]]]))
    array([[2.]])
    """
    x = _check.array("global_avg_pool2d", "x", x, _IMAGE)
    _check.not_empty("global_avg_pool2d", "x", x, *x.shape[2:])
    return _backend.pooling.global_avg_pool2d(x)


# 7 backprop (dy is the gradient of the loss at the layer's output)


def relu_backward(dy: np.ndarray, x: np.ndarray) -> np.ndarray:
    """dx of :func:`relu`: dy where x > 0, else 0; both of one shape.

    Raises ValueError where the shapes differ.
    Source: Goodfellow et al. 2016, section 6.3.

    >>> relu_backward(np.array([5.0, 6, 7]), np.array([-1.0, 0, 2]))
    array([0., 0., 7.])
    """
    dy = _check.array("relu_backward", "dy", dy)
    x = _check.array("relu_backward", "x", x, like=dy)
    _check.same_shape("relu_backward", "dy", dy, x.shape)
    return _backend.backprop.relu_backward(dy, x)


def dense_backward(
    dy: np.ndarray, x: np.ndarray, w: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(dx, dw, db) of y = x @ w + b: dy (N, M), x (N, D), w (D, M).

    dx = dy @ w.T, dw = x.T @ dy, db = sum of dy over the batch.

    Raises ValueError for shapes that do not match.
    Source: Rumelhart, Hinton, Williams 1986; Goodfellow et al. 2016, section 6.5.6.

    >>> grads = dense_backward(np.array([[2.0]]), np.array([[1.0, 3]]), np.ones((2, 1)))
    >>> [g.tolist() for g in grads]
    [[[2.0, 2.0]], [[2.0], [6.0]], [2.0]]
    """
    name = "dense_backward"
    dy = _check.array(name, "dy", dy, "N, M")
    x = _check.array(name, "x", x, "N, D", like=dy)
    w = _check.array(name, "w", w, "D, M", like=dy)
    _check.length(name, "w", w, x.shape[1], "column of x")
    _check.same_shape(name, "dy", dy, (x.shape[0], w.shape[1]))
    _check.countable(name, *x.shape, w.shape[1])
    return _backend.backprop.dense_backward(dy, x, w)


def cross_entropy_backward(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Gradient of :func:`cross_entropy` at the logits: (softmax - one-hot labels) / N, (N, K).

    Raises as cross_entropy.
    Source: Goodfellow et al. 2016, section 6.2.2.3.

    >>> cross_entropy_backward(np.zeros((1, 2)), np.array([1]))
    array([[ 0.5, -0.5]])
    """
    logits = _logits("cross_entropy_backward", logits)
    labels = _check.labels("cross_entropy_backward", labels, *logits.shape)
    return _backend.backprop.cross_entropy_backward(logits, labels)


def max_pool2d_backward(
    dy: np.ndarray,
    x: np.ndarray,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int] = (0, 0),
) -> np.ndarray:
    """dx of :func:`max_pool2d`: each dy goes to the first maximum of its window, row by row.

    dy (N, C, HO, WO), x (N, C, H, W). Windows that overlap add up; a NaN counts as the maximum.

    Raises as max_pool2d, and ValueError for a dy of another shape.
    Source: Goodfellow et al. 2016, section 9.5; ties as in most libraries.

    >>> max_pool2d_backward(np.array([[[[5.0, 7]]]]), np.array([[[[1.0, 4, 4]]]]), (1, 2), (1, 1))
    array([[[[ 0., 12.,  0.]]]])
    """
    name = "max_pool2d_backward"
    dy = _check.array(name, "dy", dy, "N, C, HO, WO")
    x, kernel, stride, padding, outputs = _pool_arguments(name, x, kernel, stride, padding, like=dy)
    _check.same_shape(name, "dy", dy, (*x.shape[:2], *outputs))
    return _backend.backprop.max_pool2d_backward(dy, x, kernel, stride, padding)


def avg_pool2d_backward(
    dy: np.ndarray,
    x: np.ndarray,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int] = (0, 0),
) -> np.ndarray:
    """dx of :func:`avg_pool2d`: each dy is shared by the real pixels of its window.

    dy (N, C, HO, WO), x (N, C, H, W); of x only the shape matters.

    Raises as max_pool2d, and ValueError for a dy of another shape.
    Source: LeCun et al. 1998, section II.B.

    >>> avg_pool2d_backward(np.array([[[[6.0, 8]]]]), np.ones((1, 1, 1, 3)), (1, 2), (1, 1))
    array([[[[3., 7., 4.]]]])
    """
    name = "avg_pool2d_backward"
    dy = _check.array(name, "dy", dy, "N, C, HO, WO")
    x, kernel, stride, padding, outputs = _pool_arguments(name, x, kernel, stride, padding, like=dy)
    _check.same_shape(name, "dy", dy, (*x.shape[:2], *outputs))
    return _backend.backprop.avg_pool2d_backward(dy, x, kernel, stride, padding)


def conv2d_backward(
    dy: np.ndarray,
    x: np.ndarray,
    w: np.ndarray,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(dx, dw, db) of :func:`conv2d`: dy (N, O, HO, WO), x (N, C, H, W), w (O, C, KH, KW).

    Raises as conv2d, and ValueError for a dy of another shape.
    Source: Goodfellow et al. 2016, equations 9.11 and 9.13.

    >>> grads = conv2d_backward(
    ...     np.array([[[[1.0, 2]]]]), np.array([[[[1.0, 2, 4]]]]), np.array([[[[1.0, 10]]]])
    ... )
    >>> [g.ravel().tolist() for g in grads]
    [[1.0, 12.0, 20.0], [5.0, 10.0], [3.0]]
    """
    name = "conv2d_backward"
    padding = _check.pair(name, "padding", padding, 0)
    dy, x, w, stride, _, _, _ = _general_backward_arguments(
        name, dy, x, w, stride, _check.both_sides(padding), (1, 1), 1
    )
    return _backend.backprop.conv2d_backward(dy, x, w, stride, padding)


def col2im(
    columns: np.ndarray,
    shape: tuple[int, int, int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
) -> np.ndarray:
    """The adjoint of :func:`im2col`: columns (N, C*KH*KW, HO*WO) give ``shape`` = (N, C, H, W).

    Every entry is added to the pixel that im2col would have copied it from.

    Raises as im2col, and ValueError for columns whose shape does not belong to ``shape``.
    Source: Chellapilla et al. 2006, section 4.

    >>> col2im(np.array([[[1.0, 2], [2, 4]]]), (1, 1, 1, 3), (1, 2))
    array([[[[1., 4., 4.]]]])
    """
    name = "col2im"
    columns = _check.array(name, "columns", columns, "N, C*KH*KW, HO*WO")
    n, c, h, w = _check.shape(name, "shape", shape, [_IMAGE])
    kernel = _check.pair(name, "kernel", kernel, 1)
    stride = _check.pair(name, "stride", stride, 1)
    padding = _check.pair(name, "padding", padding, 0)
    rows, cols = _check.fits(name, (h, w), kernel, stride, _check.both_sides(padding))
    _check.addressable(name, (n, c, h, w))
    _check.same_shape(name, "columns", columns, (n, c * kernel[0] * kernel[1], rows * cols))
    return _backend.backprop.col2im(columns, (n, c, h, w), kernel, stride, padding)


# 8 architectures


def trace_shapes(layers: list[dict[str, Any]], shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The shape after every layer, (C, H, W) or (D,); ``shape`` is that of one input.

    Layers are dictionaries: "conv" {"out", "kernel", "stride" = (1, 1), "padding" = (0, 0),
    "bias" = True}, "max_pool" and "avg_pool" {"kernel", "stride", "padding" = (0, 0)},
    "dense" {"out", "bias" = True}, "batch_norm", "relu", "flatten", "global_avg_pool".

    Raises TypeError and ValueError for a layer that is not one of these or cannot take its input.

    >>> layers = [{"kind": "conv", "out": 6, "kernel": (5, 5)}, {"kind": "flatten"}]
    >>> trace_shapes(layers, (1, 32, 32))
    [(6, 28, 28), (4704,)]
    """
    shape = _check.shape("trace_shapes", "shape", shape, ["C, H, W", "D"])
    layers = _check.layers("trace_shapes", layers, shape)
    return _backend.architectures.trace_shapes(layers, shape)


def count_parameters(layers: list[dict[str, Any]], shape: tuple[int, ...]) -> int:
    """Trainable parameters of the layers of :func:`trace_shapes`, for inputs of ``shape``.

    conv O*C*KH*KW + O, dense D*M + M (no biases with "bias": False), batch_norm 2*C.

    Raises as trace_shapes.

    >>> count_parameters(lenet5(), (1, 32, 32))
    61706
    """
    shape = _check.shape("count_parameters", "shape", shape, ["C, H, W", "D"])
    layers = _check.layers("count_parameters", layers, shape)
    return _backend.architectures.count_parameters(layers, shape)


def lenet5() -> list[dict[str, Any]]:
    """The layers of LeNet-5 for inputs (1, 32, 32) and 10 classes: 61,706 parameters.

    Source: LeCun et al. 1998, section II.B, with every map of C3 connected to every map of S2.

    >>> trace_shapes(lenet5(), (1, 32, 32))[-1]
    (10,)
    """
    return _backend.architectures.lenet5()


def alexnet() -> list[dict[str, Any]]:
    """The layers of AlexNet for inputs (3, 224, 224) and 1000 classes: 61,100,840 parameters.

    Source: Krizhevsky 2014, One weird trick for parallelizing CNNs, as torchvision builds it.

    >>> count_parameters(alexnet(), (3, 224, 224))
    61100840
    """
    return _backend.architectures.alexnet()


def batch_norm2d(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, eps: float = 1e-5
) -> np.ndarray:
    """Normalisation of every channel by the batch's own statistics: x (N, C, H, W), others (C,).

    gamma * (x - mean) / sqrt(variance + eps) + beta, over N, H and W, with the biased variance.

    Raises ValueError for gamma or beta of another length, and for a negative eps.
    Source: Ioffe and Szegedy 2015, Batch normalization, algorithm 1.

    >>> batch_norm2d(np.array([[[[1, 3]]]]), np.ones(1), np.zeros(1), eps=0.0)
    array([[[[-1.,  1.]]]])
    """
    name = "batch_norm2d"
    x = _check.array(name, "x", x, _IMAGE)
    gamma = _check.array(name, "gamma", gamma, "C", like=x)
    beta = _check.array(name, "beta", beta, "C", like=x)
    _check.length(name, "gamma", gamma, x.shape[1], "channel of x")
    _check.length(name, "beta", beta, x.shape[1], "channel of x")
    eps = _check.number(name, "eps", eps, 0)
    return _backend.architectures.batch_norm2d(x, gamma, beta, eps)


def residual_block(
    x: np.ndarray,
    w1: np.ndarray,
    b1: np.ndarray,
    w2: np.ndarray,
    b2: np.ndarray,
    w_skip: np.ndarray | None = None,
    stride: tuple[int, int] = (1, 1),
) -> np.ndarray:
    """ResNet's basic block without normalisation: relu(conv(relu(conv(x))) + skip).

    x (N, C, H, W), w1 (O, C, 3, 3) with ``stride`` and padding 1, w2 (O, O, 3, 3) with padding 1,
    b1 and b2 (O,). The skip is x, or its 1x1 convolution with w_skip (O, C, 1, 1) and ``stride``.

    Raises ValueError for kernels of another size, channels that do not match, and where x cannot be
    the skip because its shape is not that of the output.
    Source: He, Zhang, Ren, Sun 2016, Deep residual learning, equations 1 and 2, figure 2.

    >>> x, w, b = np.array([[[[1.0, -2]]]]), np.zeros((1, 1, 3, 3)), np.zeros(1)
    >>> residual_block(x, w, b, w, b)
    array([[[[1., 0.]]]])
    """
    name = "residual_block"
    x = _check.array(name, "x", x, _IMAGE)
    stride = _check.pair(name, "stride", stride, 1)
    w1, b1 = _conv_pair(name, ("w1", w1), ("b1", b1), x, "x", x.shape[1], (3, 3))
    w2, b2 = _conv_pair(name, ("w2", w2), ("b2", b2), x, "w1 has filters", len(w1), (3, 3))
    outputs = _check.fits(name, x.shape[2:], (3, 3), stride, ((1, 1), (1, 1)))
    _check.product(name, x.shape[0], w1.shape, outputs)
    shape = _check.product(name, x.shape[0], w2.shape, outputs)
    if w_skip is None:
        _check.skip(name, x.shape, shape)
    else:
        w_skip = _check.array(name, "w_skip", w_skip, _FILTERS, like=x)
        _check.channels(name, "w_skip", w_skip, "x", x.shape[1])
        _check.kernel_is(name, "w_skip", w_skip.shape[2:], (1, 1))
        _check.length(name, "w_skip", w_skip, len(w2), "filter of w2")
    return _backend.architectures.residual_block(x, w1, b1, w2, b2, w_skip, stride)


def inception_module(
    x: np.ndarray, branches: dict[str, tuple[np.ndarray, np.ndarray]]
) -> np.ndarray:
    """GoogLeNet's module: four branches side by side on the axis of channels, H and W kept.

    1x1; 1x1 then 3x3 with padding 1; 1x1 then 5x5 with padding 2; max pool 3x3 (stride 1, padding
    1) then 1x1. A ReLU follows every convolution. ``branches`` holds (w, b) under "1x1",
    "3x3_reduce", "3x3", "5x5_reduce", "5x5" and "pool_proj".

    Raises ValueError for other keys, kernels of another size, channels that do not match.
    Source: Szegedy et al. 2015, Going deeper with convolutions, figure 2(b).

    >>> sides = {"1x1": 1, "3x3_reduce": 1, "3x3": 3, "5x5_reduce": 1, "5x5": 5, "pool_proj": 1}
    >>> branches = {key: (np.ones((1, 1, side, side)), np.zeros(1)) for key, side in sides.items()}
    >>> inception_module(np.array([[[[1, 2]]]]), branches)[0, :, 0].tolist()
    [[1.0, 2.0], [3.0, 3.0], [3.0, 3.0], [2.0, 2.0]]
    """
    name = "inception_module"
    x = _check.array(name, "x", x, _IMAGE)
    _check.not_empty(name, "x", x, *x.shape[2:])
    sides = {"1x1": 1, "3x3_reduce": 1, "3x3": 3, "5x5_reduce": 1, "5x5": 5, "pool_proj": 1}
    _check.same_keys(name, "branches", branches, list(sides))
    checked: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for key, side in sides.items():
        w, b = _check.two(name, f'branches["{key}"]', branches[key])
        # The 3x3 and the 5x5 see what their reduction gives, the others see x.
        before = checked.get(f"{key}_reduce")
        of, wanted = (
            ("x", x.shape[1]) if before is None else (f"{key}_reduce has filters", len(before[0]))
        )
        words = (f'w of "{key}"', w), (f'b of "{key}"', b)
        checked[key] = _conv_pair(name, *words, x, of, wanted, (side, side))
        _check.product(name, x.shape[0], checked[key][0].shape, (x.shape[2], x.shape[3]))
    return _backend.architectures.inception_module(x, checked)


# 9 training


def he_normal(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Initial weights: float64 normal draws with standard deviation sqrt(2 / fan_in).

    fan_in is C*KH*KW for filters (O, C, KH, KW) and D for a dense layer (D, M).

    Raises ValueError for another number of axes and for a fan_in of 0, TypeError for another rng.
    Source: He, Zhang, Ren, Sun 2015, Delving deep into rectifiers, equation 10.

    >>> he_normal((8, 1, 3, 3), np.random.default_rng(0)).shape
    (8, 1, 3, 3)
    """
    shape = _check.shape("he_normal", "shape", shape, [_FILTERS, "D, M"])
    _check.fan_in("he_normal", shape)
    _check.addressable("he_normal", shape)
    rng = _check.generator("he_normal", rng)
    return _backend.training.he_normal(shape, rng)


def sgd_momentum(
    parameters: dict[str, np.ndarray],
    gradients: dict[str, np.ndarray],
    velocity: dict[str, np.ndarray],
    learning_rate: float,
    momentum: float,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """One step, as new dictionaries: v = momentum * v - learning_rate * g; p = p + v.

    Every array keeps the type of its parameter.

    Raises ValueError for other keys or shapes than those of the parameters.
    Source: Sutskever, Martens, Dahl, Hinton 2013, On the importance of initialization and momentum,
    equations 1 and 2.

    >>> sgd_momentum({"w": np.ones(1)}, {"w": np.ones(1)}, {"w": np.ones(1)}, 0.25, 0.5)
    ({'w': array([1.25])}, {'w': array([0.25])})
    """
    name = "sgd_momentum"
    p = _check.arrays(name, "parameters", parameters)
    g = _check.arrays(name, "gradients", gradients, like=p)
    v = _check.arrays(name, "velocity", velocity, like=p)
    learning_rate = _check.number(name, "learning_rate", learning_rate)
    momentum = _check.number(name, "momentum", momentum)
    return _backend.training.sgd_momentum(p, g, v, learning_rate, momentum)


def forward(parameters: dict[str, np.ndarray], images: np.ndarray) -> np.ndarray:
    """Logits (N, 10) of the small CNN for images (N, 1, H, W).

    conv 8@3x3 pad 1 - relu - max pool 2 - conv 16@3x3 pad 1 - relu - max pool 2 - dense 10. The
    parameters are "conv1.w" (8, 1, 3, 3), "conv1.b", "conv2.w" (16, 8, 3, 3), "conv2.b", "dense.w"
    (16 * (H // 4) * (W // 4), 10) and "dense.b"; the images decide the type.

    Raises ValueError for other keys, shapes that do not match, and images below 4x4.
    Source: the plan of LeCun et al. 1998, with ReLU and max pooling.

    >>> p = fit(np.zeros((0, 1, 4, 4)), np.zeros(0, int), 0, 0.1, 0.9, 1, np.random.default_rng(0))
    >>> forward(p, np.zeros((2, 1, 4, 4))).shape
    (2, 10)
    """
    parameters, images = _network("forward", parameters, images)
    return _backend.training.forward(parameters, images)


def loss_and_gradients(
    parameters: dict[str, np.ndarray], images: np.ndarray, labels: np.ndarray
) -> tuple[float, dict[str, np.ndarray]]:
    """(loss, gradients): the mean cross-entropy of :func:`forward`, and its gradient.

    The gradients have the parameters' names and shapes, and the images' type.

    Raises as forward and cross_entropy.
    Source: Rumelhart, Hinton, Williams 1986; LeCun et al. 1998.

    >>> p = fit(np.zeros((0, 1, 4, 4)), np.zeros(0, int), 0, 0.1, 0.9, 1, np.random.default_rng(0))
    >>> loss, gradients = loss_and_gradients(p, np.zeros((2, 1, 4, 4)), np.array([3, 1]))
    >>> round(loss, 6), sorted(gradients) == sorted(p)
    (2.302585, True)
    """
    name = "loss_and_gradients"
    parameters, images = _network(name, parameters, images)
    _check.not_empty(name, "dense.b", parameters["dense.b"], len(parameters["dense.b"]))
    labels = _check.labels(name, labels, len(images), len(parameters["dense.b"]), "image")
    return _backend.training.loss_and_gradients(parameters, images, labels)


def fit(
    images: np.ndarray,
    labels: np.ndarray,
    epochs: int,
    learning_rate: float,
    momentum: float,
    batch_size: int,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Parameters of the small CNN after ``epochs`` passes; images (N, 1, H, W), labels (N,).

    Weights from he_normal, biases and velocity zero; every epoch takes the images in a new random
    order, in batches of which the last may be smaller. The parameters are float64.

    Raises as loss_and_gradients, ValueError for a batch_size below 1 and negative epochs.
    Source: LeCun et al. 1998 (mini-batches of the plan above), Sutskever et al. 2013.

    >>> rng = np.random.default_rng(0)
    >>> images = np.zeros((20, 1, 4, 4))
    >>> images[10:] = 1
    >>> labels = np.repeat([3, 7], 10)
    >>> parameters = fit(images, labels, 8, 0.1, 0.9, 5, rng)
    >>> bool(np.all(forward(parameters, images).argmax(axis=1) == labels))
    True
    """
    name = "fit"
    images = _check.array(name, "images", images, "N, 1, H, W")
    _check.small_images(name, images)
    _check.one_channel(name, images)
    _check.network(name, images.shape[0], images.shape[2:], (8, 1, 3, 3), (16, 8, 3, 3), 10)
    labels = _check.labels(name, labels, len(images), 10, "image")
    epochs = _check.whole(name, "epochs", epochs, 0)
    learning_rate = _check.number(name, "learning_rate", learning_rate)
    momentum = _check.number(name, "momentum", momentum)
    batch_size = _check.whole(name, "batch_size", batch_size, 1)
    rng = _check.generator(name, rng)
    return _backend.training.fit(images, labels, epochs, learning_rate, momentum, batch_size, rng)


# 10 keras_bridge


def kernel_from_keras(kernel: np.ndarray) -> np.ndarray:
    """Keras' kernel (KH, KW, C, O) as (O, C, KH, KW).

    Source: the weights of keras.layers.Conv2D.

    >>> kernel_from_keras(np.zeros((5, 4, 3, 2))).shape
    (2, 3, 5, 4)
    """
    kernel = _check.array("kernel_from_keras", "kernel", kernel, "KH, KW, C, O")
    return _backend.keras_bridge.kernel_from_keras(kernel)


def images_from_keras(images: np.ndarray) -> np.ndarray:
    """Keras' images (N, H, W, C) as (N, C, H, W).

    Source: data_format "channels_last" of Keras.

    >>> images_from_keras(np.zeros((5, 4, 3, 2))).shape
    (5, 2, 4, 3)
    """
    images = _check.array("images_from_keras", "images", images, "N, H, W, C")
    return _backend.keras_bridge.images_from_keras(images)


def predict(weights: list[np.ndarray], images: np.ndarray) -> np.ndarray:
    """Logits (N, 10) of the kit's small Keras CNN for images (N, 28, 28, 1).

    ``weights`` is what get_weights() gives: kernel (3, 3, 1, 8), bias, kernel (3, 3, 8, 16), bias,
    dense (784, 10), bias. The model is Conv2D same + ReLU, max pool 2, Conv2D same + ReLU, max pool
    2, Flatten (rows, columns, channels), Dense. The images decide the type.

    Raises ValueError for another number of weights and shapes that do not match.
    Source: keras.layers.Conv2D, MaxPooling2D, Flatten, Dense.

    >>> shapes = [(3, 3, 1, 8), (8,), (3, 3, 8, 16), (16,), (784, 10), (10,)]
    >>> predict([np.zeros(shape) for shape in shapes], np.zeros((2, 28, 28, 1))).shape
    (2, 10)
    """
    name = "predict"
    images = _check.array(name, "images", images, "N, H, W, C")
    _check.small_images(name, images, images.shape[1:3])
    _check.count(name, "weights", weights, 6, "arrays")
    axes = ("KH, KW, C, O", "O", "KH, KW, C, O", "O", "D, M", "M")
    checked = [
        _check.array(name, f"weights[{index}]", weight, names, like=images)
        for index, (weight, names) in enumerate(zip(weights, axes, strict=True))
    ]
    w1, b1, w2, b2, w3, b3 = checked
    _check.kernel_is(name, "weights[0]", w1.shape[:2], (3, 3))
    _check.kernel_is(name, "weights[2]", w2.shape[:2], (3, 3))
    rows, cols = images.shape[1] // 4, images.shape[2] // 4
    _check.same_shape(name, "weights[0]", w1, (3, 3, images.shape[3], w1.shape[3]))
    _check.same_shape(name, "weights[1]", b1, (w1.shape[3],))
    _check.same_shape(name, "weights[2]", w2, (3, 3, w1.shape[3], w2.shape[3]))
    _check.same_shape(name, "weights[3]", b2, (w2.shape[3],))
    _check.same_shape(name, "weights[4]", w3, (rows * cols * w2.shape[3], w3.shape[1]))
    _check.same_shape(name, "weights[5]", b3, (w3.shape[1],))
    conv1, conv2 = ((w.shape[3], w.shape[2], 3, 3) for w in (w1, w2))
    _check.network(name, images.shape[0], images.shape[1:3], conv1, conv2, w3.shape[1])
    return _backend.keras_bridge.predict(checked, images)


# The general forms


def general_conv2d(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    stride: tuple[int, int],
    pads: tuple[tuple[int, int], tuple[int, int]],
    dilation: tuple[int, int],
    groups: int,
) -> np.ndarray:
    """:func:`grouped_conv2d` with four amounts of padding, ((top, bottom), (left, right)).

    Raises as grouped_conv2d.
    Source: the operator Conv of ONNX.

    >>> x, w = np.array([[[[1, 2, 4]]]]), np.array([[[[1, 10]]]])
    >>> general_conv2d(x, w, np.zeros(1), (1, 1), ((0, 0), (1, 0)), (1, 1), 1)
    array([[[[10., 21., 42.]]]])
    """
    pads = _check.pads("general_conv2d", "pads", pads)
    args = _general_arguments("general_conv2d", x, w, b, stride, pads, dilation, groups)
    return _backend.general.general_conv2d(*args)


def general_conv2d_backward(
    dy: np.ndarray,
    x: np.ndarray,
    w: np.ndarray,
    stride: tuple[int, int],
    pads: tuple[tuple[int, int], tuple[int, int]],
    dilation: tuple[int, int],
    groups: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(dx, dw, db) of :func:`general_conv2d`.

    Raises as general_conv2d, and ValueError for a dy of another shape.
    Source: Goodfellow et al. 2016, equations 9.11 and 9.13.

    >>> x, w = np.array([[[[1, 2, 4]]]]), np.array([[[[1, 10]]]])
    >>> grads = general_conv2d_backward(
    ...     np.ones((1, 1, 1, 3)), x, w, (1, 1), ((0, 0), (1, 0)), (1, 1), 1
    ... )
    >>> [g.ravel().tolist() for g in grads]
    [[11.0, 11.0, 10.0], [3.0, 7.0], [3.0]]
    """
    name = "general_conv2d_backward"
    pads = _check.pads(name, "pads", pads)
    args = _general_backward_arguments(name, dy, x, w, stride, pads, dilation, groups)
    return _backend.general.general_conv2d_backward(*args)


def batch_norm2d_backward(
    dy: np.ndarray, x: np.ndarray, gamma: np.ndarray, eps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(dx, dgamma, dbeta) of :func:`batch_norm2d`: dy and x (N, C, H, W), gamma (C,).

    Raises as batch_norm2d, and ValueError for a dy of another shape.
    Source: Ioffe and Szegedy 2015, section 3.

    >>> dy, x = np.array([[[[1.0, 0]]]]), np.array([[[[1.0, 3]]]])
    >>> [g.ravel().tolist() for g in batch_norm2d_backward(dy, x, np.ones(1), 3.0)]
    [[0.1875, -0.1875], [-0.5], [1.0]]
    """
    name = "batch_norm2d_backward"
    dy = _check.array(name, "dy", dy, _IMAGE)
    x = _check.array(name, "x", x, _IMAGE, like=dy)
    gamma = _check.array(name, "gamma", gamma, "C", like=dy)
    _check.length(name, "gamma", gamma, x.shape[1], "channel of x")
    _check.same_shape(name, "dy", dy, x.shape)
    eps = _check.number(name, "eps", eps, 0)
    return _backend.general.batch_norm2d_backward(dy, x, gamma, eps)


def global_avg_pool2d_backward(dy: np.ndarray, shape: tuple[int, int, int, int]) -> np.ndarray:
    """dx (N, C, H, W) = ``shape`` of :func:`global_avg_pool2d`: dy (N, C) shared by H*W pixels.

    Raises ValueError for a dy that does not belong to ``shape`` and for no pixels.
    Source: Lin, Chen, Yan 2014, section 3.2.

    >>> global_avg_pool2d_backward(np.array([[6.0]]), (1, 1, 1, 3))
    array([[[[2., 2., 2.]]]])
    """
    name = "global_avg_pool2d_backward"
    dy = _check.array(name, "dy", dy, "N, C")
    n, c, h, w = _check.shape(name, "shape", shape, [_IMAGE])
    _check.pixels(name, "shape", (n, c, h, w))
    _check.same_shape(name, "dy", dy, (n, c))
    _check.addressable(name, (n, c, h, w))
    return _backend.general.global_avg_pool2d_backward(dy, (n, c, h, w))


def dense(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The dense layer x @ w + b: x (N, D), w (D, M), b (M,) give (N, M).

    Raises ValueError for shapes that do not match.
    Source: Goodfellow et al. 2016, equation 6.36 without its activation.

    >>> dense(np.array([[1, 2]]), np.array([[3], [4]]), np.array([5]))
    array([[16.]])
    """
    x = _check.array("dense", "x", x, "N, D")
    w = _check.array("dense", "w", w, "D, M", like=x)
    b = _check.array("dense", "b", b, "M", like=x)
    _check.length("dense", "w", w, x.shape[1], "column of x")
    _check.length("dense", "b", b, w.shape[1], "column of w")
    _check.countable("dense", *x.shape, w.shape[1])
    _check.addressable("dense", (x.shape[0], w.shape[1]))
    return _backend.general.dense(x, w, b)


def softmax_backward(dy: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Gradient of :func:`softmax` at the logits, row by row: p * (dy - sum of dy * p), (N, K).

    Raises as softmax, and ValueError for a dy of another shape.
    Source: Goodfellow et al. 2016, section 6.2.2.3.

    >>> softmax_backward(np.array([[1.0, 0]]), np.zeros((1, 2)))
    array([[ 0.25, -0.25]])
    """
    dy = _check.array("softmax_backward", "dy", dy, "N, K")
    logits = _logits("softmax_backward", logits, like=dy)
    _check.same_shape("softmax_backward", "dy", dy, logits.shape)
    return _backend.general.softmax_backward(dy, logits)


# Arguments that several operations share


def _logits(name: str, logits: np.ndarray, like: np.ndarray | None = None) -> np.ndarray:
    logits = _check.array(name, "logits", logits, "N, K", like)
    _check.not_empty(name, "logits", logits, logits.shape[1])
    return logits


def _filters_fit(
    name: str,
    x: np.ndarray,
    w: np.ndarray,
    stride: Pair,
    pads: Pads = ((0, 0), (0, 0)),
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> tuple[int, ...]:
    """The shape of the output, when the filters match the image and fit into it."""
    images, channels, height, width = x.shape
    filters = w.shape
    _check.divides(name, groups, channels, filters[0])
    _check.channels(name, "w", w, "x", channels, groups)
    outputs = _check.fits(name, (height, width), filters[2:], stride, pads, dilation)
    return _check.product(name, images, filters, outputs)


def _general_arguments(
    name: str,
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    stride: Pair,
    pads: Pads,
    dilation: Pair,
    groups: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Pair, Pads, Pair, int]:
    x = _check.array(name, "x", x, _IMAGE)
    w = _check.array(name, "w", w, _FILTERS, like=x)
    b = _check.array(name, "b", b, "O", like=x)
    stride = _check.pair(name, "stride", stride, 1)
    dilation = _check.pair(name, "dilation", dilation, 1)
    groups = _check.whole(name, "groups", groups, 1)
    _filters_fit(name, x, w, stride, pads, dilation, groups)
    _check.length(name, "b", b, len(w), "filter of w")
    return x, w, b, stride, pads, dilation, groups


def _conv_arguments(
    name: str, x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: Pair, padding: Pair
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Pair, Pair]:
    padding = _check.pair(name, "padding", padding, 0)
    both = _check.both_sides(padding)
    x, w, b, stride, _, _, _ = _general_arguments(name, x, w, b, stride, both, (1, 1), 1)
    return x, w, b, stride, padding


def _general_backward_arguments(
    name: str,
    dy: np.ndarray,
    x: np.ndarray,
    w: np.ndarray,
    stride: Pair,
    pads: Pads,
    dilation: Pair,
    groups: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Pair, Pads, Pair, int]:
    dy = _check.array(name, "dy", dy, "N, O, HO, WO")
    x = _check.array(name, "x", x, _IMAGE, like=dy)
    w = _check.array(name, "w", w, _FILTERS, like=dy)
    stride = _check.pair(name, "stride", stride, 1)
    dilation = _check.pair(name, "dilation", dilation, 1)
    groups = _check.whole(name, "groups", groups, 1)
    shape = _filters_fit(name, x, w, stride, pads, dilation, groups)
    _check.same_shape(name, "dy", dy, shape)
    return dy, x, w, stride, pads, dilation, groups


def _pool_arguments(
    name: str,
    x: np.ndarray,
    kernel: Pair,
    stride: Pair,
    padding: Pair,
    like: np.ndarray | None = None,
) -> tuple[np.ndarray, Pair, Pair, Pair, Pair]:
    x = _check.array(name, "x", x, _IMAGE, like)
    images, channels, height, width = x.shape
    _check.not_empty(name, "x", x, height, width)
    kernel = _check.pair(name, "kernel", kernel, 1)
    stride = _check.pair(name, "stride", stride, 1)
    padding = _check.pair(name, "padding", padding, 0)
    outputs = rows, cols = _check.pool(name, (height, width), kernel, stride, padding)
    _check.addressable(name, (images, channels, rows, cols))
    return x, kernel, stride, padding, outputs


def _conv_pair(
    name: str,
    weights: tuple[str, np.ndarray],
    bias: tuple[str, np.ndarray],
    like: np.ndarray,
    of: str,
    wanted: int,
    kernel: Pair,
) -> tuple[np.ndarray, np.ndarray]:
    """Filters and biases of one convolution inside a block."""
    w = _check.array(name, *weights, _FILTERS, like)
    b = _check.array(name, *bias, "O", like)
    _check.channels(name, weights[0], w, of, wanted)
    _check.kernel_is(name, weights[0], w.shape[2:], kernel)
    _check.length(name, bias[0], b, len(w), f"filter of {weights[0]}")
    return w, b


def _network(
    name: str, parameters: dict[str, np.ndarray], images: np.ndarray
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The parameters of the small CNN in the type of the images, and the images."""
    images = _check.array(name, "images", images, _IMAGE)
    _check.small_images(name, images)
    keys = ["conv1.w", "conv1.b", "conv2.w", "conv2.b", "dense.w", "dense.b"]
    _check.same_keys(name, "parameters", parameters, keys)
    p = parameters
    w1, b1 = _conv_pair(
        name,
        ("conv1.w", p["conv1.w"]),
        ("conv1.b", p["conv1.b"]),
        images,
        "images",
        images.shape[1],
        (3, 3),
    )
    w2, b2 = _conv_pair(
        name,
        ("conv2.w", p["conv2.w"]),
        ("conv2.b", p["conv2.b"]),
        images,
        "conv1.w has filters",
        len(w1),
        (3, 3),
    )
    w3 = _check.array(name, "dense.w", p["dense.w"], "D, M", images)
    b3 = _check.array(name, "dense.b", p["dense.b"], "M", images)
    features = len(w2) * (images.shape[2] // 4) * (images.shape[3] // 4)
    _check.length(name, "dense.w", w3, features, "pooled pixel")
    _check.length(name, "dense.b", b3, w3.shape[1], "column of dense.w")
    _check.network(name, images.shape[0], images.shape[2:], w1.shape, w2.shape, w3.shape[1])
    return dict(zip(keys, (w1, b1, w2, b2, w3, b3), strict=True)), images
