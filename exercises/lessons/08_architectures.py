# %%
import numpy as np
import pictures

from autograder.integrations.notebook import check

# %% [markdown]
# ## Follow the shapes
#
# A network is a list of layers, and the shape after each follows from the one before. LeNet-5
# read cheques: two rounds of convolution and pooling, then dense layers. The bars show where its
# parameters are.

# %%
pictures.shape_table("LeNet-5")

# %% [markdown]
# AlexNet does the same with colour images of 224 by 224 pixels, and won the ImageNet contest of
# 2012.

# %%
pictures.alexnet_blocks()

# %%
pictures.shape_table("AlexNet")

# %% [markdown]
# **Try it.** Which single layer holds more than half of all parameters? Work out its number on
# paper, and those of the first convolution.

# %%
# stub: trace_shapes

# %%
check("trace_shapes")

# %%
# stub: count_parameters

# %%
check("count_parameters")

# %%
# stub: lenet5

# %%
check("lenet5")

# %%
# stub: alexnet

# %%
check("alexnet")

# %% [markdown]
# ## Batch normalisation
#
# Channels whose numbers lie far apart are hard to train together. Batch normalisation gives each
# channel the mean 0 and the variance 1, over the whole batch; gamma and beta, which are learnt,
# then scale and shift it.

# %%
pictures.normalised()

# %%
# stub: batch_norm2d

# %%
check("batch_norm2d")

# %% [markdown]
# ## ResNet: a shortcut
#
# Very deep networks were hard to train: the gradient had to pass every layer. ResNet adds the
# block's input to its output, so the gradient also has a straight way back. Where the shape
# changes, a 1x1 convolution brings the input to the new one.

# %%
pictures.residual()

# %% [markdown]
# | ResNet-18 | output | blocks |
# |---|---|---|
# | convolution 7x7, stride 2 | 64 x 112 x 112 | |
# | max pool 3x3, stride 2 | 64 x 56 x 56 | |
# | stage 1 | 64 x 56 x 56 | 2 |
# | stage 2, begins with stride 2 | 128 x 28 x 28 | 2 |
# | stage 3, begins with stride 2 | 256 x 14 x 14 | 2 |
# | stage 4, begins with stride 2 | 512 x 7 x 7 | 2 |
# | global average pool | 512 | |
# | dense | 1000 | |

# %%
# stub: residual_block

# %%
check("residual_block")

# %% [markdown]
# ## GoogLeNet: several scales at once
#
# Is 3x3 right, or 5x5? GoogLeNet takes both, and joins what they find. The 1x1 convolutions
# before them shrink the number of channels first, which makes the large kernels cheap.

# %%
pictures.inception()

# %% [markdown]
# | GoogLeNet | output | modules |
# |---|---|---|
# | convolution 7x7, stride 2 | 64 x 112 x 112 | |
# | max pool | 64 x 56 x 56 | |
# | convolutions 1x1 and 3x3 | 192 x 56 x 56 | |
# | max pool | 192 x 28 x 28 | |
# | inception 3a, 3b | 480 x 28 x 28 | 2 |
# | max pool | 480 x 14 x 14 | |
# | inception 4a to 4e | 832 x 14 x 14 | 5 |
# | max pool | 832 x 7 x 7 | |
# | inception 5a, 5b | 1024 x 7 x 7 | 2 |
# | global average pool | 1024 | |
# | dense | 1000 | |
#
# **Try it.** A 5x5 convolution from 192 to 32 channels: how many weights? And with a 1x1
# convolution to 16 channels before it?

# %%
print(5 * 5 * 192 * 32, 1 * 1 * 192 * 16 + 5 * 5 * 16 * 32)

# %%
# stub: inception_module

# %%
check("inception_module")
