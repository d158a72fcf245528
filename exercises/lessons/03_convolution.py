# %%
import numpy as np
import pictures

from autograder.integrations.notebook import check

# %% [markdown]
# ## A kernel slides over an image
#
# Lay a small **kernel** on the image. Multiply each number of the kernel with the pixel below it,
# add up the products, and write the sum down. Then move on by one pixel. Where the kernel lies,
# the image shows a **window** of the kernel's size.

# %%
image = np.array([[0, 0, 1, 2, 1], [0, 1, 2, 1, 0], [1, 2, 1, 0, 0], [2, 1, 0, 0, 3]])
kernel = np.array([[1, 0, -1], [1, 0, -1], [1, 0, -1]])
pictures.sliding(image, kernel, at=(0, 2))

# %% [markdown]
# **Try it.** Move the kernel: `at=(1, 1)`. How many places are there, and why is there no `at=(2,
# 0)`? What does the kernel answer to an image of nothing but 5?
#
# The kernel decides what is seen. Below, orange is a strong answer, purple a negative one.

# %%
pictures.line_filters(pictures.digit(7))

# %%
# stub: cross_correlate2d

# %%
check("cross_correlate2d")

# %% [markdown]
# `check` shows the laws that your function keeps, and the smallest input that it gets wrong.
# Where paper does not help: `check("cross_correlate2d", hint=True)`, then `explain=True`.
# Functions of earlier lessons that you want to use can be copied into a cell of their own.
#
# ## The mathematician's convolution flips the kernel
#
# Lay a kernel over a single bright pixel: what comes out is the kernel, but upside down and
# mirrored. A true convolution flips the kernel first, so that the kernel itself comes out.
# Networks learn their kernels, so they need no flip; "convolution" there means cross-correlation.

# %%
pictures.flipped(np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]]))

# %%
# stub: convolve2d

# %%
check("convolve2d")

# %% [markdown]
# ## A layer: channels and filters
#
# An image has **channels** (red, green, blue), and so has a **filter**: a kernel for each of
# them. All products, of all channels, go into one sum, and the filter's bias is added. A layer
# has many filters; each gives one channel of the output.

# %%
x = np.array([[[1, 0, 2], [0, 1, 0], [3, 0, 1]], [[0, 1, 0], [2, 0, 2], [0, 1, 0]]])
w = np.array([[[1, 0], [0, 1]], [[0, -1], [2, 0]]])
pictures.channels(x, w, b=10)

# %%
# stub: conv2d

# %%
check("conv2d")

# %% [markdown]
# ## One product of matrices
#
# Python loops are slow, products of matrices are fast. `im2col` writes every window into a column
# of its own; a filter, written as a row, times this matrix gives all outputs at once. Pixels that
# many windows share are copied many times: memory is what the speed costs. Two windows are
# coloured; the green pixel is in both.

# %%
pictures.columns(np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]]), np.array([[1, 0], [0, 10]]))

# %%
# stub: im2col

# %%
check("im2col")

# %%
# stub: conv2d_im2col

# %%
check("conv2d_im2col")

# %% [markdown]
# ## Bonus: groups and gaps
#
# With `groups`, filters see only their own run of channels. With `dilation`, the taps of the
# kernel stand apart, and a small kernel looks at a larger window.

# %%
# stub: grouped_conv2d

# %%
check("grouped_conv2d")
