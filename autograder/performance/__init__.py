"""How fast the compiled core is beside NumPy, PyTorch and TensorFlow: `autograder bench core`."""
