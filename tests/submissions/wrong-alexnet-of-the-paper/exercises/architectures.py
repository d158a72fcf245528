def alexnet():
    """AlexNet for 1000 classes."""
    pool = {"kind": "max_pool", "kernel": (3, 3), "stride": (2, 2)}
    relu = {"kind": "relu"}
    layers = [
        {"kind": "conv", "out": 96, "kernel": (11, 11), "stride": (4, 4), "padding": (2, 2)},
        relu, pool,
        {"kind": "conv", "out": 256, "kernel": (5, 5), "padding": (2, 2)}, relu, pool,
        {"kind": "conv", "out": 384, "kernel": (3, 3), "padding": (1, 1)}, relu,
        {"kind": "conv", "out": 384, "kernel": (3, 3), "padding": (1, 1)}, relu,
        {"kind": "conv", "out": 256, "kernel": (3, 3), "padding": (1, 1)}, relu, pool,
        {"kind": "flatten"},
        {"kind": "dense", "out": 4096}, relu,
        {"kind": "dense", "out": 4096}, relu,
        {"kind": "dense", "out": 1000},
    ]
    return [dict(layer) for layer in layers]
