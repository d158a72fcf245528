"""Chapter 2."""

from windows import as_real, outputs, require, surround


def output_size(size, kernel, stride=1, padding=(0, 0), dilation=1):
    before, after = padding
    return outputs(size, kernel, stride, before, after, dilation)


def same_padding(size, kernel, stride=1):
    require(size >= 1, f"size must be at least 1, not {size}")
    require(kernel >= 1, f"kernel must be at least 1, not {kernel}")
    require(stride >= 1, f"stride must be at least 1, not {stride}")
    # the last window starts at the last multiple of stride below size
    last_start = (size - 1) // stride * stride
    missing = max(last_start + kernel - size, 0)
    return missing // 2, missing - missing // 2


def zero_pad2d(x, padding):
    require(x.ndim == 4, f"x must be (N, C, H, W), not {x.shape}")
    return surround(as_real(x), padding)
