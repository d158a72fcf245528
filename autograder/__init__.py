"""The autograder: judges students' CNN functions against the compiled reference."""

__version__ = "0.1.0"
