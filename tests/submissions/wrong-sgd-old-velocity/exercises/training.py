def sgd_momentum(parameters, gradients, velocity, learning_rate, momentum):
    """One step of gradient descent with momentum."""
    new_velocity = {}
    new_parameters = {}
    for name in parameters:
        v = momentum * velocity[name] - learning_rate * gradients[name]
        new_velocity[name] = v
        new_parameters[name] = parameters[name] + velocity[name]
    return new_parameters, new_velocity
