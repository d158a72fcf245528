import numpy as np


def line_filter(orientation):
    """A kernel that looks like the line it is to find."""
    if orientation == "horizontal":
        return np.array([[0.0, 0, 0], [1, 1, 1], [0, 0, 0]])
    if orientation == "vertical":
        return np.array([[0.0, 1, 0], [0, 1, 0], [0, 1, 0]])
    if orientation == "diagonal":
        return np.eye(3)
    if orientation == "antidiagonal":
        return np.eye(3)[:, ::-1].copy()
    raise ValueError(f"orientation is unknown: {orientation!r}")
