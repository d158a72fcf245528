# %%
import numpy as np
import pictures

from autograder.integrations.notebook import check

# %% [markdown]
# ## Cells that answer to lines
#
# In 1959 David Hubel and Torsten Wiesel showed bars of light to a cat and listened to single
# cells of its visual cortex. A **simple cell** looks at a small field of the eye. Light in the
# middle of the field excites it (orange), light beside it inhibits it (purple): so it answers to
# a bar that lies right, less to one that is turned, and not at all to plain light.

# %%
pictures.simple_cell()

# %% [markdown]
# A filter does the same sum: pixels times weights. Its numbers sum to zero, so plain grey gives
# 0. Below, filters for four directions look at a handwritten 3. Orange is a strong answer, purple
# a negative one.

# %%
pictures.line_filters(pictures.digit(7))

# %% [markdown]
# **Try it.** Look at `pictures.digit(3)` and other numbers up to 5999. Which strokes does each
# filter find? Then write filters of your own.

# %%
# stub: line_filter

# %%
check("line_filter")

# %% [markdown]
# ## What a dense layer costs
#
# A dense layer joins every pixel to every unit, and each connection has a weight of its own. A
# cell of the cortex sees a small field, and cells for the same line are found all over the image.
# So a convolutional layer joins each unit to a small window, and all units of a channel **share**
# their weights: in the picture, lines of one colour have the same weight.

# %%
pictures.connections()

# %% [markdown]
# For an image of 100 by 100 pixels the difference is large. Mind the axis: every step is a factor
# of ten.

# %%
pictures.costs()

# %%
# stub: dense_layer_cost

# %%
check("dense_layer_cost")

# %%
# stub: conv_layer_cost

# %%
check("conv_layer_cost")

# %% [markdown]
# ## How much one output sees
#
# One layer sees little. But the next one sees windows of windows: the **receptive field** grows
# with every layer, and a stride makes all later layers grow faster.

# %%
pictures.receptive_field([(3, 1), (3, 1)])

# %%
pictures.receptive_field([(3, 2), (3, 1), (2, 1)])

# %% [markdown]
# **Try it.** Give the first layer a stride of 1, then of 3. Which of `[(5, 1)]` and `[(3, 1), (3,
# 1)]` has fewer weights, and which sees more?

# %%
# stub: receptive_field

# %%
check("receptive_field")
