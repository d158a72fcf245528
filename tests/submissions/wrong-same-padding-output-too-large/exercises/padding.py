def same_padding(size, kernel, stride=1):
    """Padding (before, after) for an output of ceil(size / stride) entries."""
    if size < 1 or kernel < 1 or stride < 1:
        raise ValueError(f"size, kernel and stride start at 1; got {size}, {kernel}, {stride}")
    entries = size // stride + 1
    total = max((entries - 1) * stride + kernel - size, 0)
    before = total // 2
    return before, total - before
