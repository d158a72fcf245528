def dense_layer_cost(inputs, units):
    """Every input is connected with every unit."""
    connections = inputs * units
    parameters = connections      # one weight for each connection
    return connections, parameters
