"""Where other tools call the engine: pytest now; nbgrader, GitHub, Gradescope and Dask beside it."""
