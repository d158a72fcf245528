"""Capstone: your trained model, run by your own layers.

A last look inside: nothing of Keras is needed to use the model. Six convolutions, two pools and a
matrix product are all it is, and you have written each of them. Run it with

    python -m exercises.capstone.predict
"""

from pathlib import Path

import numpy as np

# Your functions: uncomment what you use.
# from ..activation import relu, softmax
# from ..convolution import conv2d_im2col
# from ..keras_bridge import images_from_keras, kernel_from_keras
# from ..pooling import max_pool2d

HERE = Path(__file__).parent


def fold_batch_norm(
    kernel: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    mean: np.ndarray,
    variance: np.ndarray,
    epsilon: float = 1e-3,
) -> tuple[np.ndarray, np.ndarray]:
    """The kernel and bias of the one convolution that does what two layers do.

    After training, batch normalisation has fixed statistics: channel o of its input becomes

        gamma[o] * (x[o] - mean[o]) / sqrt(variance[o] + epsilon) + beta[o]

    Its input is a convolution without a bias, which is linear in the kernel (KH, KW, C, O). So
    both together are a convolution with another kernel, and with a bias (O,).

    >>> one = np.ones(1)
    >>> kernel, bias = fold_batch_norm(np.full((1, 1, 1, 1), 3.0), 2 * one, one, 5 * one, one, 0.0)
    >>> kernel.tolist(), bias.tolist()
    ([[[[6.0]]]], [-9.0])
    """
    raise NotImplementedError


def predict(weights: list[np.ndarray], images: np.ndarray) -> np.ndarray:
    """Probabilities (N, 10) for images (N, 28, 28) with values 0 to 255, equal to Keras' to
    rounding.

    `weights` is what `model.get_weights()` gives for the backbone with a head of one dense layer:
    for each of six convolutions the kernel (3, 3, C, O), gamma, beta, mean and variance; then the
    dense kernel (3136, 10) and its bias. The model is

        divide by 255
        twice (convolution 16@3x3 "same", batch normalisation, ReLU), max pool 2
        twice (convolution 32@3x3 "same", batch normalisation, ReLU), max pool 2
        twice (convolution 64@3x3 "same", batch normalisation, ReLU)
        flatten in Keras' order, dense 10, softmax

    If your head has other layers, run those.
    """
    raise NotImplementedError


if __name__ == "__main__":
    import keras

    from autograder.digits import digits

    model = keras.models.load_model(HERE / "digits.keras")
    some = digits()[0][:100]
    theirs = model.predict(some[..., None], verbose=0)
    mine = predict(model.get_weights(), some)
    print(f"the largest difference to Keras in 100 digits is {np.abs(mine - theirs).max():.1e}")
