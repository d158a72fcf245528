def receptive_field(layers):
    """Side of the receptive field; layers is a list of (kernel, stride)."""
    side = 1
    jump = 1
    for kernel, stride in layers:
        if kernel < 1 or stride < 1:
            raise ValueError(f"kernel and stride must be at least 1; got {(kernel, stride)}")
        side += kernel * jump
        jump *= stride
    return side
