# Things that every notebook of mine needs.

import numpy as np


class ShapeProblem(ValueError):
    """Raised when arrays or sizes cannot go together."""

    def __init__(self, name, want, got):
        super().__init__(f"{name}: want {want}, got {got}")


class Checked:
    """Wraps an array: as_float() and ndim() can be chained."""

    def __init__(self, array, name):
        self.array = array
        self.name = name

    def ndim(self, n):
        if self.array.ndim != n:
            raise ShapeProblem(self.name, f"{n} dimensions", f"shape {self.array.shape}")
        return self

    def shape(self, *want):
        if self.array.shape != want:
            raise ShapeProblem(self.name, f"shape {want}", f"shape {self.array.shape}")
        return self

    def as_float(self, like=None):
        target = self.array if like is None else like
        dtype = np.float32 if target.dtype == np.float32 else np.float64
        return self.array.astype(dtype)  # always a copy: arguments stay as they are


def pairs(**named):
    """pairs(stride=(1, 1)) complains if a value is below its least value."""
    least = {"padding": 0, "kernel": 1, "stride": 1, "dilation": 1, "size": 1}
    for name, values in named.items():
        for value in values if isinstance(values, (tuple, list)) else [values]:
            if value < least[name]:
                raise ShapeProblem(name, f"at least {least[name]}", values)
