"""One module or package a topic: what is asked of each function, and how a wrong answer shows itself."""
