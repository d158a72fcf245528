import numpy as np


def im2col(x, kernel, stride=(1, 1), padding=(0, 0)):
    """Goes over the image from left to right, taking the windows one below the other."""
    if x.ndim != 4:
        raise ValueError(f"x needs four axes, got {x.ndim}")
    kh, kw = kernel
    if min(kernel) < 1 or min(stride) < 1 or min(padding) < 0:
        raise ValueError(f"kernel {kernel}, stride {stride} or padding {padding} is impossible")
    if x.dtype != np.float32:
        x = x.astype(np.float64)
    image = np.pad(x, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2))
    N, C, height, width = image.shape
    if kh > height or kw > width:
        raise ValueError(f"kernel {kernel} is larger than the padded image {height} x {width}")
    columns = []
    for left in range(0, width - kw + 1, stride[1]):
        for top in range(0, height - kh + 1, stride[0]):
            columns.append(image[:, :, top:top + kh, left:left + kw].reshape(N, C * kh * kw))
    return np.stack(columns, axis=2)
