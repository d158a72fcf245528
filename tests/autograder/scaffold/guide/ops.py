import numpy as np

from reference import _backend, _check
from reference.ops import _IMAGE


def prelu(x: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Parametric ReLU of x (N, C, H, W): x where it is positive, elsewhere slope[c] * x.

    Raises ValueError for the wrong number of axes, and for a slope (C,) of another length.
    Source: He, Zhang, Ren, Sun 2015, Delving deep into rectifiers, equation 1.

    >>> prelu(np.array([[[[-8, 8]], [[-8, 8]]]]), np.array([0.25, 0.5])).tolist()
    [[[[-2.0, 8.0]], [[-4.0, 8.0]]]]
    """
    x = _check.array("prelu", "x", x, _IMAGE)
    slope = _check.array("prelu", "slope", slope, "C", like=x)
    _check.length("prelu", "slope", slope, x.shape[1], "channel of x")
    return _backend.activation.prelu(x, slope)
