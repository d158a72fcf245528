"""The capstone: a digit classifier by transfer learning.

TensorFlow is imported where something is trained, and by nothing that only reads, scores or shows.
"""
