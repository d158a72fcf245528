def trace_shapes(layers, shape):
    """The shape after every layer."""
    shapes = []
    for layer in layers:
        shape = _after(layer, shape)
        shapes.append(shape)
    return shapes


def _after(layer, shape):
    kind = layer["kind"]
    if kind in ("relu", "batch_norm"):
        return shape
    if kind == "flatten":
        size = 1
        for length in shape:
            size *= length
        return (size,)
    if kind == "dense":
        if len(shape) != 1:
            raise ValueError(f"a dense layer needs a flat input; got shape {shape}")
        return (layer["out"],)
    if len(shape) != 3:
        raise ValueError(f"{kind} needs an input (C, H, W); got shape {shape}")
    if kind == "global_avg_pool":
        return (shape[0],)
    if kind not in ("conv", "max_pool", "avg_pool"):
        raise ValueError(f"kind is unknown: {kind!r}")
    channels, height, _ = shape
    if kind == "conv":
        channels = layer["out"]
    stride, padding = layer.get("stride", (1, 1)), layer.get("padding", (0, 0))
    side = height                  # images are square
    height = _length(side, layer["kernel"][0], stride[0], padding[0])
    width = _length(side, layer["kernel"][1], stride[1], padding[1])
    return (channels, height, width)


def _length(size, kernel, stride, padding):
    if kernel < 1 or stride < 1 or padding < 0:
        raise ValueError(f"impossible kernel, stride or padding: {kernel}, {stride}, {padding}")
    if kernel > size + 2 * padding:
        raise ValueError(f"a kernel of {kernel} does not fit into {size} with padding {padding}")
    return (size + 2 * padding - kernel) // stride + 1
