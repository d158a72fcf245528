"""A module or package a topic: what is asked of functions, and how a wrong answer shows itself."""
