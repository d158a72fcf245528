"""The capstone: a digit classifier by transfer learning, made with Keras and graded without it."""
