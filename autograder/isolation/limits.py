"""Every limit that submissions live under, in one place, with its reason.

An instructor changes them in the course's settings (`course.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """Seconds are CPU seconds of the worker, unless the name says wall."""

    # A first NumPy-only lesson's module imports in milliseconds; ten seconds forgives a slow disk.
    import_seconds: float = 10.0
    # The largest case takes a plain-loop solution some 50 ms.
    call_seconds: float = 2.0
    # A sleeping worker burns no CPU: the wall clock is the backstop, far above any loaded machine.
    wall_factor: float = 10.0
    # A whole submission of the slowest plain loops takes half a minute. Who stays just below the
    # limit in every call, or sleeps in every call, would keep a class waiting for days.
    submission_seconds: float = 600.0
    submission_wall_seconds: float = 1800.0
    # Backstop in the kernel for a whole worker, should the parent be unable to look.
    worker_seconds: int = 300
    # Fatal ends (timeout, crash) allowed in one exercise; then its other calls are not made. Each
    # kind of cases may have one, so that a loop that only strides send round costs only them.
    fatal_per_exercise: int = 6
    # After the first of them, this share of the seconds must do: it will hardly be the last.
    patience: float = 0.25
    # NumPy needs 137 MiB of address space here; no case comes near the rest.
    memory_bytes: int = 2048 * MIB
    # One answer; the largest right one is under 100 KiB.
    reply_bytes: int = 64 * MIB
    # All answers to one exercise, which the grader holds at once; the right ones are under 1 MiB.
    answers_bytes: int = 128 * MIB
    # No exercise writes a file. A sandbox denies it; without one, none may grow.
    file_bytes: int = 0
    open_files: int = 64
    stack_bytes: int = 64 * MIB
    # What is kept of printed text, per call.
    printed_chars: int = 2000
    # What is kept of an exception's message.
    message_chars: int = 1000
    # One source file; the longest answer key module is under 16 KiB.
    source_bytes: int = 256 * 1024
    # A zip file: as it lies there, its entries, and the sources in it when they are unpacked.
    archive_bytes: int = 64 * MIB
    archive_files: int = 5000
    unpacked_bytes: int = 32 * MIB
    # A notebook carries its pictures.
    notebook_bytes: int = 32 * MIB


DEFAULT = Limits()
