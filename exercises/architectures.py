"""Lesson 8: famous architectures.

LeNet-5 read cheques in the nineties, AlexNet started the deep years in 2012, GoogLeNet looked at
several scales at once, ResNet added the shortcut that lets very deep networks learn. Here you
follow shapes and parameters through a network, write two of them down, and build their blocks.

A network is a list of layers, and a layer is a small dictionary:

- {"kind": "conv", "out": 96, "kernel": (11, 11)}, with "stride": (1, 1), "padding": (0, 0) and
  "bias": True where they are not given
- {"kind": "max_pool", "kernel": (2, 2), "stride": (2, 2)}, and the same for "avg_pool", with
  "padding": (0, 0) where it is not given
- {"kind": "dense", "out": 10}, with "bias": True where it is not given
- {"kind": "batch_norm"}, {"kind": "relu"}, {"kind": "flatten"}, {"kind": "global_avg_pool"}
"""

import numpy as np


def trace_shapes(layers: list[dict], shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The shape after every layer, without the batch: one tuple (C, H, W) or (D,) for each.

    `shape` is what enters the first layer. "flatten" gives (C * H * W,), "dense" takes a (D,) and
    gives (out,), "global_avg_pool" gives (C,), "relu" and "batch_norm" change nothing.

    Raises ValueError for a kind that does not exist, a layer that cannot take the shape before it
    (a dense layer needs a flat one), and windows that do not fit.

    >>> conv = {"kind": "conv", "out": 6, "kernel": (5, 5)}
    >>> pool = {"kind": "max_pool", "kernel": (2, 2), "stride": (2, 2)}
    >>> trace_shapes([conv, pool, {"kind": "flatten"}], (1, 32, 32))
    [(6, 28, 28), (6, 14, 14), (1176,)]

    Taught in: Lesson 8, Architectures: follow the shapes.
    """
    raise NotImplementedError


def count_parameters(layers: list[dict], shape: tuple[int, ...]) -> int:
    """Number of trainable parameters of all layers, for inputs of `shape`, (C, H, W) or (D,).

    Convolutions and dense layers have weights, and biases unless "bias" is False; a batch norm has
    a gamma and a beta for every channel; the other kinds have none.

    Raises ValueError as `trace_shapes`.

    >>> conv = {"kind": "conv", "out": 4, "kernel": (3, 3)}
    >>> count_parameters([conv], (2, 8, 8))
    76
    >>> count_parameters([dict(conv, bias=False), {"kind": "batch_norm"}], (2, 8, 8))
    80

    Taught in: Lesson 8, Architectures: where the parameters are.
    """
    raise NotImplementedError


def lenet5() -> list[dict]:
    """The layers of LeNet-5 for (1, 32, 32) images and 10 classes: 61,706 parameters.

    Two rounds of 5x5 convolution (6, then 16 filters) and 2x2 average pooling with stride 2, then
    dense layers of 120, 84 and 10. A ReLU follows every layer with weights but the last. Every
    filter of the second convolution sees all 6 channels.

    >>> lenet5()[0]["out"], lenet5()[-1]["out"]
    (6, 10)

    Taught in: Lesson 8, Architectures: LeNet-5 (LeCun et al. 1998).
    """
    raise NotImplementedError


def alexnet() -> list[dict]:
    """The layers of AlexNet for (3, 224, 224) images and 1000 classes: 61,100,840 parameters.

    As torchvision builds it, without dropout. Five convolutions: 64 filters of 11x11 with stride 4
    and padding 2; 192 of 5x5 with padding 2; then 384, 256 and 256 of 3x3 with padding 1. A 3x3
    max pool with stride 2 comes after the first, the second and the last of them. Then dense
    layers of 4096, 4096 and 1000. A ReLU follows every layer with weights but the last.

    >>> alexnet()[0]["out"], alexnet()[-1]["out"]
    (64, 1000)

    Taught in: Lesson 8, Architectures: AlexNet (Krizhevsky, Sutskever and Hinton 2012).
    """
    raise NotImplementedError


def batch_norm2d(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, eps: float = 1e-5
) -> np.ndarray:
    """Every channel with mean 0 and variance 1, then scaled: x (N, C, H, W), gamma and beta (C,).

    y = gamma * (x - mean) / sqrt(var + eps) + beta, channel by channel, where mean and var are
    those of the channel's own numbers in this batch, over N, H and W. var is the biased variance:
    it divides by the number of values. x decides the dtype: float32 gives float32, float64 and
    integers give float64.

    Raises ValueError for a gamma or beta that has not one entry for every channel.

    >>> x = np.array([[[[1, 3]]], [[[1, 3]]]])
    >>> batch_norm2d(x, np.array([10]), np.array([5]), eps=0.0).tolist()
    [[[[-5.0, 15.0]]], [[[-5.0, 15.0]]]]

    Taught in: Lesson 8, Architectures: batch normalisation (Ioffe and Szegedy 2015).
    """
    raise NotImplementedError


def residual_block(
    x: np.ndarray,
    w1: np.ndarray,
    b1: np.ndarray,
    w2: np.ndarray,
    b2: np.ndarray,
    w_skip: np.ndarray | None = None,
    stride: tuple[int, int] = (1, 1),
) -> np.ndarray:
    """ResNet's basic block, without normalisation: x (N, C, H, W) gives (N, O, HO, WO).

    y = relu(conv2(relu(conv1(x))) + skip)

    conv1 has w1 (O, C, 3, 3), b1 (O,), `stride` and padding 1; conv2 has w2 (O, O, 3, 3), b2 (O,),
    stride 1 and padding 1. The skip is x itself, or, where the shapes differ, the convolution of x
    with w_skip (O, C, 1, 1), with the same `stride` and without padding or bias. x decides the
    dtype.

    Raises ValueError for weights of other shapes, and where there is no w_skip but the shape of x
    is not that of the output.

    >>> x, w, b = np.array([[[[1, 2]]]]), np.zeros((1, 1, 3, 3)), np.array([3])
    >>> residual_block(x, w, b, w, b).tolist()
    [[[[4.0, 5.0]]]]

    Taught in: Lesson 8, Architectures: ResNet (He, Zhang, Ren and Sun 2016).
    """
    raise NotImplementedError


def inception_module(
    x: np.ndarray, branches: dict[str, tuple[np.ndarray, np.ndarray]]
) -> np.ndarray:
    """GoogLeNet's module: four branches over x (N, C, H, W), joined along the channels.

    In this order:

    1. the 1x1 convolution "1x1"
    2. the 1x1 convolution "3x3_reduce", then the 3x3 convolution "3x3"
    3. the 1x1 convolution "5x5_reduce", then the 5x5 convolution "5x5"
    4. a 3x3 max pool with stride 1 and padding 1, then the 1x1 convolution "pool_proj"

    `branches` holds the pair (w, b) of each of the six convolutions under its name. All strides
    are 1, paddings keep H and W, and a ReLU follows every convolution. x decides the dtype.

    Raises ValueError for a name that is missing and for weights of other shapes.

    >>> sides = {"1x1": 1, "3x3_reduce": 1, "3x3": 3, "5x5_reduce": 1, "5x5": 5, "pool_proj": 1}
    >>> branches = {name: (np.ones((1, 1, k, k)), np.zeros(1)) for name, k in sides.items()}
    >>> inception_module(np.array([[[[1, 2, 4, 8]]]]), branches)[0, :, 0].tolist()
    [[1.0, 2.0, 4.0, 8.0], [3.0, 7.0, 14.0, 12.0], [7.0, 15.0, 15.0, 14.0], [2.0, 4.0, 8.0, 8.0]]

    Taught in: Lesson 8, Architectures: GoogLeNet (Szegedy et al. 2015).
    """
    raise NotImplementedError
