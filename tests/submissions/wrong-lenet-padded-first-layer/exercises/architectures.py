def lenet5():
    """LeNet-5 for ten digits."""
    return [
        {"kind": "conv", "out": 6, "kernel": (5, 5), "stride": (1, 1), "padding": (2, 2)},
        {"kind": "relu"},
        {"kind": "avg_pool", "kernel": (2, 2), "stride": (2, 2)},
        {"kind": "conv", "out": 16, "kernel": (5, 5), "stride": (1, 1)},
        {"kind": "relu"},
        {"kind": "avg_pool", "kernel": (2, 2), "stride": (2, 2)},
        {"kind": "flatten"},
        {"kind": "dense", "out": 120},
        {"kind": "relu"},
        {"kind": "dense", "out": 84},
        {"kind": "relu"},
        {"kind": "dense", "out": 10},
    ]
