# %%
import numpy as np
import pictures

from autograder.integrations.notebook import check

# %% [markdown]
# ## Channels last
#
# Our images are (N, C, H, W): all of channel 0, then all of channel 1. Keras has (N, H, W, C):
# all channels of the first pixel, then of the next one. The same image, in another order.

# %%
pictures.layouts()

# %% [markdown]
# So its axes have to move. Moving axes is not reshaping: `reshape` keeps the order in memory and
# only cuts it elsewhere, which would mix up pixels and channels.

# %%
pictures.axes_moved()

# %% [markdown]
# **Try it.** Make `np.arange(12).reshape(2, 2, 3)` and bring its last axis to the front, once
# with `transpose` and once with `reshape`. Which one keeps channel 0 together?

# %%
# stub: kernel_from_keras

# %%
check("kernel_from_keras")

# %%
# stub: images_from_keras

# %%
check("images_from_keras")

# %% [markdown]
# ## The same network, your layers
#
# One trap is left. `Flatten` makes one row of numbers of an image, in the order in which they lie
# there; the dense layer's weights were learnt for that order. A network that flattens in another
# order runs without an error, and guesses.

# %%
pictures.flattened()

# %% [markdown]
# `predict` needs your functions of lessons 3, 5 and 6: copy them into the cell below.

# %%
# Functions of earlier lessons.

# %%
# stub: predict

# %%
check("predict")
