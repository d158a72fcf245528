def receptive_field(layers):
    """Every layer with a kernel of k adds k - 1 pixels."""
    for layer in layers:
        if min(layer) < 1:
            raise ValueError(f"kernel and stride must be at least 1; got {layer}")
    return 1 + sum(kernel - 1 for kernel, stride in layers)
