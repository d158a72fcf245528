# %%
import numpy as np
import pictures

from autograder.integrations.notebook import check

# %% [markdown]
# ## Something has to bend
#
# Two layers in a row are no more than one: a sum of sums is a sum. With a function between them
# that is not a straight line, they can draw any curve.

# %%
pictures.bent()

# %% [markdown]
# ## Three activations
#
# Sigmoid and tanh go flat on both sides. Where they are flat their derivative is almost 0, and a
# gradient that passes many such layers vanishes. The derivative of ReLU is 1 for every positive
# number.

# %%
pictures.activations()

# %% [markdown]
# **Try it.** What is the largest derivative of the sigmoid? Ten layers multiply ten such numbers:
# compute `0.25 ** 10`. And for ReLU?

# %%
# stub: relu

# %%
check("relu")

# %% [markdown]
# ## From logits to probabilities
#
# The last layer gives any numbers, the **logits**. The softmax makes probabilities of them:
# positive, and 1 in all. A larger logit gets a larger share.

# %%
pictures.probabilities([2.0, 1.0, 0.0, -1.0])

# %% [markdown]
# **Try it.** Add 1000 to every logit: which picture changes? The next cell shows what `exp` makes
# of such numbers. How can one get round it, when only differences of logits matter?

# %%
with np.errstate(over="ignore"):
    print(np.exp(np.array([1.0, 10.0, 100.0, 1000.0])))

# %%
# stub: softmax

# %%
check("softmax")

# %% [markdown]
# ## The loss
#
# The cross-entropy looks at the probability p that the right label got: the loss is -log p, the
# mean over the batch. A confident mistake is dear.

# %%
pictures.loss()

# %% [markdown]
# **Try it.** A network that knows nothing gives each of 10 classes the probability 0.1. What is
# its loss? Where p itself rounds to 0, its logarithm is not finite; but log(exp(a) / s) is a -
# log(s).

# %%
# stub: cross_entropy

# %%
check("cross_entropy")
