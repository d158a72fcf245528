import numpy as np


def he_normal(shape, rng):
    """Initial weights with standard deviation sqrt(2 / fan_in)."""
    if len(shape) == 2:
        fan_in = shape[0]
    else:
        fan_in = np.prod(shape[1:])
    return rng.standard_normal(shape) * 2 / fan_in
