"""nbgrader keeps the course and the gradebook; the kit's engine judges."""
