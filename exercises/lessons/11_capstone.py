# %%
import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import capstone_pictures as pictures
import keras
import numpy as np

from autograder.capstone import backbone, data

# %% [markdown]
# ## The data
#
# MNIST: handwritten digits, 28 by 28 pixels, ink 255 on paper 0. These are the 6,000 that come
# with the kit, 1,000 of them for testing; `data.load()` gets all 70,000.

# %%
digits = data.subset()
pictures.some_of_each(digits)

# %% [markdown]
# ## The frozen backbone
#
# Six convolutions that have learnt to tell **letters** apart, in many fonts, and have never seen a
# digit. These are the filters of the first one, and what each of them finds in a digit.

# %%
letters = backbone.load()
pictures.first_filters(letters)

# %%
five = digits.test_images[digits.test_labels == 5][0]
pictures.feature_maps(letters, five)

# %% [markdown]
# The deeper a layer, the coarser its maps, and the less one can say what they stand for. But they
# hold what tells one stroke from another, and that is what the head builds on.
#
# **Try it.** Another digit: `digits.test_images[30]`. Which maps of the first stage find edges,
# which find ink?
#
# ## A head
#
# One small model behind the backbone: features in, ten probabilities out.

# %%
# stub: build_head

# %% [markdown]
# The backbone stays **frozen**. That spares most of the computing too: each image's features are
# computed once, and only the head is trained, many times over.

# %%
# stub: train_head

# %% [markdown]
# Ten digits of each class, a hundred in all. Now your head reads a thousand others.

# %%
model = pictures.trained(train_head, backbone.load(), digits, each=10)

# %% [markdown]
# ## Few labels: what the letters are worth
#
# The same network from scratch, on the same few digits: once with each image as it is, once with
# images that are turned and moved anew in every pass. Three draws of the digits; the bars are their
# standard deviation. This takes a minute or two.

# %%
pictures.few_label_curves(train_head, digits)

# %% [markdown]
# Compare honestly: the gap is wide at five labels, and against training from scratch on changed
# images, long and with a learning rate that is searched for, it is gone at a hundred. What transfer
# saves is **labels** and **computing**: here the head is trained in a few seconds.
# `docs/capstone.md` has the figures for all of MNIST.
#
# ## The confusion matrix
#
# Rows are what the digits are, columns what the model says.

# %%
pictures.confusion(model, digits)

# %% [markdown]
# ## The worst mistakes
#
# Of the wrong answers, those of which the model is surest.

# %%
pictures.worst_mistakes(model, digits)

# %% [markdown]
# Would you have read all of these?
#
# ## Fine-tune
#
# With more digits it pays to train the backbone's last stage too, with small steps and changed
# images, batch normalisation frozen. `train` in `exercises/capstone/digits.py` does this on all of
# MNIST: about four minutes for more than 99 of 100 digits. Run it, then look at what you made.
# `data.at_hand()` has MNIST's test digits, if you have fetched them; the few that come with the kit
# are training digits, which your model has learnt.

# %%
pictures.handed_in(data.at_hand())

# %% [markdown]
# Then run the model with your own layers, in `predict.py`, and hand this notebook in beside it,
# with all that its cells have put out.
