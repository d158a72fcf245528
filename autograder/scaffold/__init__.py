"""Begins a new exercise: writes its first version into every room of a checkout."""
