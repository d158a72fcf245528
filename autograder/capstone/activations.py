"""Keras' activation functions on float32 arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from scipy import special

from reference import ops

Function = Callable[[np.ndarray], np.ndarray]


def relu(x: np.ndarray, negative_slope: float, most: float | None, threshold: float) -> np.ndarray:
    """Keras' general form: x from the threshold to `most`, a slope below the threshold."""
    if not negative_slope and not threshold:
        y = ops.relu(x)
    else:
        y = np.where(x > threshold, x, x.dtype.type(negative_slope) * (x - threshold))
    return y if most is None else np.minimum(y, x.dtype.type(most))


def softmax(x: np.ndarray) -> np.ndarray:
    """Over the last axis."""
    return ops.softmax(x.reshape(-1, x.shape[-1])).reshape(x.shape)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    y: np.ndarray = special.expit(x)
    return y


def _hard_sigmoid(x: np.ndarray) -> np.ndarray:
    y: np.ndarray = np.clip(x / x.dtype.type(6) + x.dtype.type(0.5), 0, 1)
    return y


def _elu(x: np.ndarray, alpha: float = 1.0) -> np.ndarray:
    return np.where(x > 0, x, x.dtype.type(alpha) * np.expm1(np.minimum(x, 0)))


def _selu(x: np.ndarray) -> np.ndarray:
    y: np.ndarray = x.dtype.type(1.0507009873554805) * _elu(x, 1.6732632423543772)
    return y


def _gelu(x: np.ndarray) -> np.ndarray:
    half, root = x.dtype.type(0.5), x.dtype.type(np.sqrt(0.5))
    y: np.ndarray = half * x * special.erfc(-x * root)
    return y


def _softplus(x: np.ndarray) -> np.ndarray:
    y: np.ndarray = np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))
    return y


elu = _elu
FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        "linear": lambda x: x,
        "relu": ops.relu,
        "relu6": lambda x: np.minimum(ops.relu(x), x.dtype.type(6)),
        "leaky_relu": lambda x: relu(x, 0.2, None, 0.0),
        "softmax": softmax,
        "sigmoid": _sigmoid,
        "hard_sigmoid": _hard_sigmoid,
        "tanh": np.tanh,
        "elu": _elu,
        "selu": _selu,
        "gelu": _gelu,
        "silu": lambda x: x * _sigmoid(x),
        "swish": lambda x: x * _sigmoid(x),
        "hard_silu": lambda x: x * _hard_sigmoid(x),
        "hard_swish": lambda x: x * _hard_sigmoid(x),
        "softplus": _softplus,
        "softsign": lambda x: x / (1 + np.abs(x)),
    }
)
# The largest slope of each, which is how far it can spread two arguments. For softmax it is over
# the classes of a row together.
STEEPEST: Mapping[str, float] = MappingProxyType(
    {
        "linear": 1.0,
        "relu": 1.0,
        "relu6": 1.0,
        "leaky_relu": 1.0,
        "sigmoid": 0.25,
        "hard_sigmoid": 1 / 6,
        "tanh": 1.0,
        "elu": 1.0,
        "selu": 1.7581,
        "gelu": 1.1290,
        "silu": 1.0999,
        "swish": 1.0999,
        "hard_silu": 1.5,
        "hard_swish": 1.5,
        "softplus": 1.0,
        "softsign": 1.0,
    }
)
