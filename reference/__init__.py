"""What every operation of the course means: ``reference.ops`` is the page to read."""

from __future__ import annotations

from reference._threads import set_threads

__all__ = ["backend", "set_threads"]


def backend() -> str:
    """Name of the backend in use: ``"fast"`` (compiled) or ``"pure"`` (plain NumPy)."""
    # Imported here, so that `import reference` alone loads no compiled module.
    from reference import _backend

    return _backend.NAME
