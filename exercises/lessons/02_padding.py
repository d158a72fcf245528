# %%
import numpy as np
import pictures

from autograder.integrations.notebook import check

# %% [markdown]
# ## How long is the output?
#
# Slide a kernel along one axis and count the places where all of it lies inside. Each line below
# is one place, and becomes one output.

# %%
pictures.places(size=7, kernel=3)

# %%
pictures.places(size=7, kernel=3, stride=2, padding=(1, 1))

# %% [markdown]
# **Try it.** `stride=3`: which cells does no place reach? `dilation=2`: how far does the kernel
# reach now? `kernel=8` fits nowhere; which `padding` lets it fit?

# %%
# stub: output_size

# %%
check("output_size")

# %% [markdown]
# ## The border is seen less often
#
# Each number says how many windows of 3 by 3 see that pixel. In the corner it is 1, in the middle
# 9: what is at the border hardly counts. A ring of zeros helps, and it keeps the size of the
# image.

# %%
pictures.seen()

# %% [markdown]
# ## "valid" and "same"
#
# Keras knows two words. `"valid"` pads nothing. `"same"` adds just as many zeros as it takes for
# an output of `ceil(size / stride)`. A kernel of 3 needs one zero on each side. A kernel of 2
# needs one zero in all, and it goes **after** the image: 5 by 5 becomes 6 by 6, and the output is
# 5 by 5 again. The blue window is the first, the red one the last.

# %%
pictures.same(size=5, kernel=3)

# %%
pictures.same(size=5, kernel=2)

# %% [markdown]
# **Try it.** `kernel=4`: where do three zeros go? `kernel=1, stride=2`: what happens to the last
# cells?

# %%
# stub: same_padding

# %%
check("same_padding")

# %% [markdown]
# ## Put the zeros there
#
# `((top, bottom), (left, right))`: the first pair is about rows, the second about columns.

# %%
pictures.padded(np.array([[1, 2, 3], [4, 5, 6]]), ((1, 0), (0, 2)))

# %%
# stub: zero_pad2d

# %%
check("zero_pad2d")
