"""The compiled twins of ``reference/pure``: same names, same signatures, no checks.

Call them through ``reference.ops``, which checks the arguments and makes every array C-contiguous
and float32 or float64. Called directly with anything else they may read outside of the arrays.
``_small`` alone takes arguments as they come.
"""
