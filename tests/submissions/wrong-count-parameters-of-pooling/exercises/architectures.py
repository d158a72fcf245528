def count_parameters(layers, shape):
    """Trainable parameters of all layers."""
    total = 0
    for layer in layers:
        kind = layer["kind"]
        if kind in ("conv", "max_pool", "avg_pool"):
            if len(shape) != 3:
                raise ValueError(f"{kind} needs an input (C, H, W); got shape {shape}")
            channels, height, width = shape
            kh, kw = layer["kernel"]
            height = _size(height, kh, layer.get("stride", (1, 1))[0], layer.get("padding", (0, 0))[0])
            width = _size(width, kw, layer.get("stride", (1, 1))[1], layer.get("padding", (0, 0))[1])
            if kind == "conv":
                total += layer["out"] * channels * kh * kw
                if layer.get("bias", True):
                    total += layer["out"]
                channels = layer["out"]
            else:
                total += channels * kh * kw         # the pooling kernel
            shape = (channels, height, width)
        elif kind == "dense":
            if len(shape) != 1:
                raise ValueError(f"dense needs a flat input; got shape {shape}")
            total += shape[0] * layer["out"]
            if layer.get("bias", True):
                total += layer["out"]
            shape = (layer["out"],)
        elif kind == "flatten":
            length = 1
            for side in shape:
                length *= side
            shape = (length,)
        elif kind == "global_avg_pool":
            if len(shape) != 3:
                raise ValueError(f"global_avg_pool needs (C, H, W); got shape {shape}")
            shape = shape[:1]
        elif kind == "batch_norm":
            total += 2 * shape[0]
        elif kind != "relu":
            raise ValueError(f"kind is unknown: {kind!r}")
    return total


def _size(size, kernel, stride, padding):
    if kernel < 1 or stride < 1 or padding < 0 or kernel > size + 2 * padding:
        raise ValueError(f"kernel {kernel}, stride {stride}, padding {padding} do not fit {size}")
    return (size + 2 * padding - kernel) // stride + 1
