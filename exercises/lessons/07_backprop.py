# %%
import numpy as np
import pictures

from autograder.integrations.notebook import check

# %% [markdown]
# ## The way back
#
# Forward, every layer makes y of its x. Back, it is given dy: how the loss changes with each
# number of y. It gives dx, the same for its x, and hands it to the layer before. That is the
# **chain rule**, one layer at a time.

# %%
pictures.chain()

# %% [markdown]
# ## Through a ReLU
#
# Where x was positive, y = x, and the gradient goes through. Elsewhere y does not depend on x: 0.

# %%
pictures.back_through_relu([[-1, 2, 0], [3, -4, 5]], [[7, 7, 7], [8, 8, 8]])

# %%
# stub: relu_backward

# %%
check("relu_backward")

# %% [markdown]
# ## Through a dense layer
#
# In y = x @ w + b every x is used by every unit, so its gradients add up over the units; every w
# and b is used by every image, so theirs add up over the batch. Shapes tell you which way to
# transpose: dw has the shape of w.

# %%
# stub: dense_backward

# %%
check("dense_backward")

# %%
# stub: cross_entropy_backward

# %%
check("cross_entropy_backward")

# %% [markdown]
# ## Through a pool
#
# A max pool hands each number of dy to the pixel that won its window. An average pool shares it
# out equally. Windows overlap below: a grey cell gets several numbers, and they add up.

# %%
x = np.array([[1, 2, 0], [4, 3, 9], [5, 1, 2]])
dy = np.array([[4, 8], [12, 16]])
pictures.back_through_pools(x, dy, kernel=(2, 2), stride=(1, 1))

# %% [markdown]
# **Try it.** Let two pixels of a window tie. Compare the sum of each dx with the sum of dy. Why
# must they be equal?

# %%
# stub: max_pool2d_backward

# %%
check("max_pool2d_backward")

# %%
# stub: avg_pool2d_backward

# %%
check("avg_pool2d_backward")

# %% [markdown]
# ## Through a convolution
#
# Forward, each output reads a window of x. Back, each number of dy lays its multiple of the
# kernel onto that same window, and what overlaps adds up.

# %%
w = np.array([[1, 2], [3, 4]])
dy = np.array([[1, 10]])
pictures.back_through_convolution(dy, w)

# %% [markdown]
# Each weight met one pixel in every window: dw is the sum of the windows, each times its number
# of dy.

# %%
pictures.back_to_weights([[1, 2, 4], [0, 1, 3]], dy)

# %% [markdown]
# **Try it.** Put a 0 into dy: which part vanishes? The bias was added to every output: what is
# db?

# %%
# stub: conv2d_backward

# %%
check("conv2d_backward")

# %% [markdown]
# `im2col` copies pixels into columns; `col2im` brings gradients back to where the pixels came
# from. A pixel that was copied four times gets four gradients.

# %%
# stub: col2im

# %%
check("col2im")
