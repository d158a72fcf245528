# %%
import numpy as np
import pictures

from autograder.integrations.notebook import check

# %% [markdown]
# These are the digits, and this is the network. Your `fit` will see them at half this resolution.

# %%
pictures.some_digits()

# %%
pictures.small_network()

# %% [markdown]
# ## Initial weights
#
# Every layer multiplies the size of its numbers. A little too much or too little, ten times in a
# row, and they explode or vanish, and the gradient with them. He's rule keeps their size: the
# standard deviation is sqrt(2 / fan_in), and the 2 makes up for what ReLU sets to zero.

# %%
pictures.depths()

# %% [markdown]
# **Try it.** `depths(layers=40)`: what becomes of the weights that are half as large?

# %%
# stub: he_normal

# %%
check("he_normal")

# %% [markdown]
# ## One step downhill
#
# Every step goes against the gradient. In a long valley that means a zigzag across and slow
# progress along it. **Momentum** remembers the last steps: what points to and fro cancels, what
# always points the same way grows.

# %%
pictures.downhill(learning_rate=0.45, momentum=0.6)

# %% [markdown]
# **Try it.** `learning_rate=0.05`, then `0.51`: what happens without momentum? And with
# `momentum=0.95`?

# %%
# stub: sgd_momentum

# %%
check("sgd_momentum")

# %% [markdown]
# ## The network and its gradient
#
# Your functions of lessons 3, 5, 6 and 7 are all it takes; copy the fast ones into the cell
# below. Forward, keep what each layer was given; back, go through the layers in reverse order.

# %%
# Functions of earlier lessons.

# %%
# stub: forward

# %%
check("forward")

# %%
# stub: loss_and_gradients

# %%
check("loss_and_gradients")

# %% [markdown]
# ## Train
#
# An **epoch** goes once through all images, in **batches**, each with one step. The loss falls.
# On digits that the network never saw it falls less; where it rises again while the other keeps
# falling, the network learns by heart (**overfitting**). This takes some seconds.

# %%
pictures.training_curves(learning_rate=0.05, momentum=0.9)

# %% [markdown]
# **Try it.** `learning_rate=0.002`, then `0.5`. Which is too small, which too large, and how does
# it show? What does `batch_size=400` change?

# %%
# stub: fit

# %%
check("fit")
