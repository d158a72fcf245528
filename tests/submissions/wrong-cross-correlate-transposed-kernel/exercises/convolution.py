import numpy as np


def cross_correlate2d(image, kernel):
    """x runs along the columns, y along the rows: kernel[x, y] belongs to image[y, x]."""
    if image.ndim != 2 or kernel.ndim != 2:
        raise ValueError(f"need two 2D arrays; got {image.ndim}D and {kernel.ndim}D")
    width, height = kernel.shape
    H, W = image.shape
    if not (1 <= height <= H and 1 <= width <= W):
        raise ValueError(f"a kernel {width} x {height} does not fit in an image {W} x {H}")
    dtype = np.float32 if image.dtype == np.float32 else np.float64
    out = np.zeros((H - height + 1, W - width + 1), dtype)
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            total = 0.0
            for dy in range(height):
                for dx in range(width):
                    total += float(image[y + dy, x + dx]) * float(kernel[dx, dy])
            out[y, x] = total
    return out
