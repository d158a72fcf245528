"""Grades the grader: which wrong solutions the laws would pass, and which right ones they fail."""
