"""The answer key of the capstone, file for file as in `exercises/capstone`."""
