import numpy as np


def he_normal(shape, rng):
    """He initialisation."""
    # dense (D, M): M, conv (O, C, KH, KW): O * KH * KW
    fan = shape[1] if len(shape) == 2 else shape[0] * int(np.prod(shape[2:]))
    return rng.normal(0.0, np.sqrt(2.0 / fan), size=shape)
