"""What the worker does to itself before it meets student code: it gives up all it can.

Runs in the untrusted process, so: standard library only. Each step raises if it fails; none is
skipped, since the parent has promised a level of isolation to its users. The order matters: the
user first (needs privileges), then the privileges, then what an unprivileged process may still do
to itself. man pages: capabilities(7), prctl(2), landlock(7), seccomp(2).
"""

from __future__ import annotations

import ctypes
import os
import signal
import struct
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_CAPBSET_DROP = 24
PR_SET_SECCOMP = 22
PR_SET_NO_NEW_PRIVS = 38
SECCOMP_MODE_FILTER = 2
CAPABILITY_VERSION_3 = 0x20080522
LAST_CAPABILITY = 63

# Landlock has the same system call numbers on every architecture.
LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446
RULESET_VERSION = 1
RULE_PATH_BENEATH = 1
WRITE_FILE, READ_FILE, READ_DIR, TRUNCATE = 1 << 1, 1 << 2, 1 << 3, 1 << 14
# Every right of an interface version is handled, so that what is not granted is denied.
FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _must(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def become(uid: int) -> None:
    """Another user, for good, in no group but its own."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def drop_capabilities() -> None:
    """No capability is left, and none can come back through a program's file."""
    libc = _libc()
    for number in range(LAST_CAPABILITY + 1):
        # Fails for numbers that this kernel does not know, and without the right to drop, which
        # only the privileged have: the sets emptied below are what counts.
        libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0)
    header = struct.pack("Ii", CAPABILITY_VERSION_3, 0)
    _must(libc.capset(header, bytes(24)), "capset")


def die_with_parent() -> None:
    """SIGKILL for this process when the one that forked it ends."""
    _must(_libc().prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "PR_SET_PDEATHSIG")


def no_new_privileges() -> None:
    """No program that is run from here can gain a privilege; nobody may look into this process."""
    libc = _libc()
    _must(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    _must(libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "PR_SET_DUMPABLE")


def landlock_version() -> int:
    """The version of Landlock's interface that the kernel has; 0 for none."""
    version = _libc().syscall(LANDLOCK_CREATE_RULESET, None, 0, RULESET_VERSION)
    return max(0, int(version))


def landlock(listed: Sequence[str], readable: Sequence[str], devices: Sequence[str]) -> int:
    """Only these can be opened from now on: folders to list, paths to read, devices to write to.

    Also no TCP and no signals to processes outside, where the kernel's version can deny them.
    Gives that version. Names can still be asked for with stat(2).
    """
    libc = _libc()
    version = landlock_version()
    if version < 1:
        raise OSError("the kernel has no Landlock")
    every = (1 << FILE_RIGHTS[min(version, 5)]) - 1
    attributes = struct.pack("Q", every)
    if version >= 4:
        attributes += struct.pack("Q", 0b11)  # bind and connect TCP
    if version >= 6:
        attributes += struct.pack("Q", 0b11)  # abstract sockets and signals
    ruleset = _must(
        libc.syscall(LANDLOCK_CREATE_RULESET, attributes, len(attributes), 0), "Landlock ruleset"
    )
    grants = (
        (listed, READ_DIR),
        (readable, READ_FILE | READ_DIR),
        (devices, WRITE_FILE | READ_FILE | TRUNCATE),
    )
    for paths, rights in grants:
        for path in paths:
            try:
                descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except FileNotFoundError:
                continue  # such as a link out of the sandbox: there is nothing to grant
            allowed = rights & every
            if not os.path.isdir(path):
                allowed &= WRITE_FILE | READ_FILE | TRUNCATE
            rule = struct.pack("=Qi", allowed, descriptor)
            _must(
                libc.syscall(LANDLOCK_ADD_RULE, ruleset, RULE_PATH_BENEATH, rule, 0),
                f"Landlock rule for {path}",
            )
            os.close(descriptor)
    _must(libc.syscall(LANDLOCK_RESTRICT_SELF, ruleset, 0), "Landlock")
    os.close(ruleset)
    return version


def seccomp(program: bytes) -> None:
    """Only the system calls that the filter allows; all others fail with EPERM."""

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))

    loaded = Program(len(program) // 8, program)
    result = _libc().prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(loaded), 0, 0)
    _must(result, "seccomp")
