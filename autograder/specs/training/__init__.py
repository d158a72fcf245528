"""Training: a convolutional network from scratch, from its first weights to its last epoch.

He, Zhang, Ren and Sun, "Delving deep into rectifiers" (2015), for the weights; Sutskever, Martens,
Dahl and Hinton, "On the importance of initialization and momentum" (2013), for the optimiser.
"""

from __future__ import annotations

from autograder.specs.training.epochs import fit
from autograder.specs.training.gradients import loss_and_gradients
from autograder.specs.training.network import forward
from autograder.specs.training.optimiser import sgd_momentum
from autograder.specs.training.weights import he_normal

LESSON = 9

# In the order in which students meet them.
EXERCISES = (
    he_normal,
    sgd_momentum,
    forward,
    loss_and_gradients,
    fit,
)
