# %%
import numpy as np
import pictures

from autograder.integrations.notebook import check

# %% [markdown]
# ## Windows under a stride
#
# The stride is a pair: rows first, then columns. With `(2, 3)` the next window to the right
# begins three columns further, the next one below two rows further. The red frame is the first
# window; of each window the first pixel is coloured.

# %%
image = np.arange(1, 36).reshape(5, 7)
pictures.strides(image, kernel=(2, 2), stride=(2, 3))

# %% [markdown]
# **Try it.** `stride=(1, 4)`, then `kernel=(3, 2)`. When do windows share pixels? When are pixels
# skipped? Which rows and columns at the end does no window reach?

# %%
# stub: sliding_windows

# %%
check("sliding_windows")

# %% [markdown]
# ## Fewer pixels
#
# Downsampling keeps every stride-th pixel, beginning with the first.

# %%
pictures.kept(image, stride=(2, 3))

# %%
# stub: downsample

# %%
check("downsample")

# %% [markdown]
# ## Skip what is not kept
#
# A convolution with stride 2 gives the same numbers as one with stride 1 of which every second
# row and column is kept. But computing all and throwing most of it away is wasted work: of four
# outputs one is kept.

# %%
pictures.work(size=224, kernel=3)

# %% [markdown]
# **Try it.** By which factor does the work shrink with stride 3? And with a kernel of 11?

# %%
# stub: strided_conv2d

# %%
check("strided_conv2d")
