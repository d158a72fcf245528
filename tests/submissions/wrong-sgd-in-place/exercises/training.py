def sgd_momentum(parameters, gradients, velocity, learning_rate, momentum):
    """One step of gradient descent with momentum."""
    for name in parameters:
        velocity[name] *= momentum
        velocity[name] -= learning_rate * gradients[name]
        parameters[name] += velocity[name]
    return dict(parameters), dict(velocity)
