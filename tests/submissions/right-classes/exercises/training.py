#!/usr/bin/env python
# coding: utf-8

# # 9. Training

# In[1]:

import numpy as np

from .activation import ReLU, SoftmaxLoss
from .backprop import Dense
from .convolution import Conv2D
from .pooling import MaxPool2D
from utils import Checked, ShapeProblem

# In[2]:


def he_normal(shape: tuple, rng: np.random.Generator) -> np.array:
    fan_in = {2: shape[:1], 4: shape[1:]}.get(len(shape))
    if fan_in is None:
        raise ShapeProblem("shape", "2 or 4 axes", shape)
    return rng.normal(0.0, np.sqrt(2.0 / np.prod(fan_in)), size=shape)


def sgd_momentum(parameters: dict, gradients: dict, velocity: dict, learning_rate: float,
                 momentum: float) -> (dict, dict):
    for other in (gradients, velocity):
        if list(sorted(other)) != list(sorted(parameters)):
            raise ShapeProblem("names", sorted(parameters), sorted(other))
    new = {}
    for name, p in parameters.items():
        p = Checked(p, name).as_float()
        v = Checked(velocity[name], name).shape(*p.shape).as_float(like=p)
        g = Checked(gradients[name], name).shape(*p.shape).as_float(like=p)
        v *= momentum
        g *= learning_rate
        v -= g
        p += v
        new[name] = p, v
    return {name: p for name, (p, v) in new.items()}, {name: v for name, (p, v) in new.items()}


# In[3]:


class Flatten:
    def __call__(self, x: np.array) -> np.array:
        self.shape = x.shape
        return x.reshape(x.shape[0], int(np.prod(x.shape[1:])))

    def backward(self, dy: np.array) -> np.array:
        return dy.reshape(self.shape)


class DigitNet:
    """conv 8 - relu - pool - conv 16 - relu - pool - dense 10"""

    def __init__(self, parameters: dict):
        p = parameters
        self.layers = [
            ("conv1", Conv2D(p["conv1.w"], p["conv1.b"], padding=(1, 1))),
            (None, ReLU()),
            (None, MaxPool2D((2, 2), (2, 2))),
            ("conv2", Conv2D(p["conv2.w"], p["conv2.b"], padding=(1, 1))),
            (None, ReLU()),
            (None, MaxPool2D((2, 2), (2, 2))),
            (None, Flatten()),
            ("dense", Dense(p["dense.w"], p["dense.b"])),
        ]

    def __call__(self, images: np.array) -> np.array:
        x = images
        for _, layer in self.layers:
            x = layer(x)
        return x

    def backward(self, d: np.array) -> dict:
        gradients = {}
        for name, layer in reversed(self.layers):
            d = layer.backward(d)
            if name is not None:
                d, gradients[f"{name}.w"], gradients[f"{name}.b"] = d
        return gradients


def forward(parameters: dict, images: np.array) -> np.array:
    return DigitNet(parameters)(images)


def loss_and_gradients(parameters: dict, images: np.array, labels: np.array) -> (float, dict):
    net = DigitNet(parameters)
    loss = SoftmaxLoss(net(images))
    return float(loss.loss(labels)), net.backward(loss.backward(labels))


# In[4]:


class Trainer:
    def __init__(self, height: int, width: int, rng: np.random.Generator):
        self.rng = rng
        shapes = {
            "conv1": (8, 1, 3, 3),
            "conv2": (16, 8, 3, 3),
            "dense": (16 * (height // 4) * (width // 4), 10),
        }
        self.parameters, self.velocity = {}, {}
        for name, shape in shapes.items():
            self.parameters[f"{name}.w"] = he_normal(shape, rng)
            outputs = shape[0] if name.startswith("conv") else shape[1]
            self.parameters[f"{name}.b"] = np.zeros(outputs)
        for name in self.parameters:
            self.velocity[name] = np.zeros_like(self.parameters[name])

    def epoch(self, images: np.array, labels: np.array, batch_size: int, learning_rate: float,
              momentum: float):
        order = self.rng.permutation(len(images))
        for first in range(0, len(images), batch_size):
            rows = order[first:first + batch_size]
            _, gradients = loss_and_gradients(self.parameters, images[rows], labels[rows])
            self.parameters, self.velocity = sgd_momentum(
                self.parameters, gradients, self.velocity, learning_rate, momentum)


def fit(images: np.array, labels: np.array, epochs: int, learning_rate: float, momentum: float,
        batch_size: int, rng: np.random.Generator) -> dict:
    if batch_size < 1 or epochs < 0:
        raise ValueError(f"batch_size {batch_size} or epochs {epochs} is too small")
    Checked(images, "images").ndim(4)
    Checked(labels, "labels").shape(len(images))
    trainer = Trainer(images.shape[2], images.shape[3], rng)
    for _ in range(epochs):
        trainer.epoch(images, labels, batch_size, learning_rate, momentum)
    return trainer.parameters
