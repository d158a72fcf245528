# %%
import numpy as np
import pictures

from autograder.integrations.notebook import check

# %% [markdown]
# ## One number a window
#
# Each window gives one number: its largest pixel, or the mean of its pixels. Nothing is learnt
# here.

# %%
image = np.array([[1, 5, 2, 0], [3, 7, 4, 2], [8, 0, 1, 1], [2, 6, 3, 9]])
pictures.pools(image, kernel=(2, 2), stride=(2, 2))

# %% [markdown]
# Windows may overlap, where the stride is smaller than the kernel: grey pixels below are in
# several.

# %%
pictures.pools(image, kernel=(3, 3), stride=(1, 1))

# %% [markdown]
# **Try it.** `kernel=(3, 3), stride=(2, 2)`: which pixels are dropped? When all pixels are
# negative, which number does the max pool keep?
#
# ## Small shifts hardly matter
#
# Below, a digit and the same digit one pixel to the right. Of the pixels, those at every edge
# change; after the pool, less of the picture does.

# %%
pictures.shifted(pictures.digit(7))

# %%
# stub: max_pool2d

# %%
check("max_pool2d")

# %% [markdown]
# ## Padding is no part of the image
#
# All pixels here are negative. If padding were zeros, they would win every maximum at the border,
# and pull the means towards 0. So padding counts as minus infinity in a max pool, and not at all
# in a mean: the first window has one real pixel, and its mean is that pixel.

# %%
pictures.pool_border()

# %%
# stub: avg_pool2d

# %%
check("avg_pool2d")

# %%
# stub: global_avg_pool2d

# %%
check("global_avg_pool2d")
