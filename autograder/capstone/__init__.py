"""The capstone: a digit classifier by transfer learning, made with Keras and graded without it.

TensorFlow is imported where something is trained, and by nothing that only reads, scores or shows.
"""
