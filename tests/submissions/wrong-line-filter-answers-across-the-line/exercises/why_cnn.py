import numpy as np


def line_filter(orientation):
    """Line detectors: +2 on the line, -1 beside it."""
    columns = np.array([[-1.0, 2.0, -1.0]] * 3)
    diagonal = 3 * np.eye(3) - 1
    filters = {
        "horizontal": columns,          # the contrast runs along the horizontal axis
        "vertical": columns.T.copy(),
        "diagonal": diagonal,
        "antidiagonal": np.fliplr(diagonal).copy(),
    }
    if orientation not in filters:
        raise ValueError(f"orientation must be one of {sorted(filters)}; got {orientation!r}")
    return filters[orientation]
