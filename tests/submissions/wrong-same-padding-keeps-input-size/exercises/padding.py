def same_padding(size, kernel, stride=1):
    """SAME: the output is as long as the input."""
    if min(size, kernel, stride) < 1:
        raise ValueError(f"size, kernel and stride must be positive; got {size}, {kernel}, {stride}")
    # size = (size + total - kernel) / stride + 1, solved for total
    total = (size - 1) * stride + kernel - size
    return total // 2, total - total // 2
