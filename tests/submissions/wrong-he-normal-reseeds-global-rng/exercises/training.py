import numpy as np


def he_normal(shape, rng):
    """Initial weights with standard deviation sqrt(2 / fan_in)."""
    if len(shape) == 2:
        fan_in = shape[0]
    else:
        fan_in = np.prod(shape[1:])
    np.random.seed(1024)             # so that results can be repeated
    return np.random.standard_normal(shape) * np.sqrt(2 / fan_in)
