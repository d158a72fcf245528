"""Writes the seccomp filters beside this file; needs libseccomp and pyseccomp, which users do not.

    python autograder/isolation/filters/generate.py

An allow-list: what a NumPy program needs to compute, to read the files that Landlock grants, and to
answer on a channel that it already has. Everything else fails with EPERM: nothing here makes,
renames or removes a file.
"""

from __future__ import annotations

import errno
import os
import sys
import tempfile
from pathlib import Path

import pyseccomp

HERE = Path(__file__).resolve().parent

FILES = """
    read readv pread64 preadv write writev pwrite64 lseek open openat close close_range fstat stat
    lstat newfstatat statx access faccessat faccessat2 readlink readlinkat getdents getdents64
    getcwd dup dup2 dup3 fadvise64
"""
MEMORY = "mmap munmap mprotect mremap madvise brk"
SIGNALS = "rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack"
TIME = "clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time times getrusage"
ITSELF = """
    getpid getppid gettid getuid geteuid getgid getegid getresuid getresgid getgroups getpgrp
    uname sysinfo getrlimit sched_yield sched_getaffinity getcpu futex set_robust_list rseq
    arch_prctl set_tid_address restart_syscall exit exit_group getrandom
"""
# What pthread_create(3) asks of clone(2): a thread and nothing else. Its flags in clone3(2) lie in
# memory, where no filter can see them; it is told that there is no such call, and asks clone(2).
THREAD = 0x3D0F00
CHANNEL = "recvfrom sendto poll ppoll select pselect6"

# fcntl commands about a descriptor and its copies. Not F_SETOWN and F_SETSIG: the kernel sends any
# signal for whoever sets them, to processes that kill(2) would not reach.
FCNTL = {"DUPFD": 0, "GETFD": 1, "SETFD": 2, "GETFL": 3, "SETFL": 4, "DUPFD_CLOEXEC": 1030}
# ioctl requests that touch no device: close-on-exec, and whether a file is a terminal.
FIONCLEX, FIOCLEX, TCGETS = 0x5450, 0x5451, 0x5401


def program(architecture: pyseccomp.Arch, threads: bool) -> bytes:
    """The filter for one architecture, as the kernel takes it; with or without threads."""
    filter_ = pyseccomp.SyscallFilter(pyseccomp.ERRNO(errno.EPERM))
    if architecture != pyseccomp.system_arch():
        filter_.add_arch(architecture)
        filter_.remove_arch(pyseccomp.Arch.NATIVE)
    for group in (FILES, MEMORY, SIGNALS, TIME, ITSELF, CHANNEL):
        for name in group.split():
            filter_.add_rule(pyseccomp.ALLOW, name)
    for request in (FIONCLEX, FIOCLEX, TCGETS):
        filter_.add_rule(pyseccomp.ALLOW, "ioctl", pyseccomp.Arg(1, pyseccomp.EQ, request))
    for command in FCNTL.values():
        filter_.add_rule(pyseccomp.ALLOW, "fcntl", pyseccomp.Arg(1, pyseccomp.EQ, command))
    # A process may ask for its own limits, and set none.
    filter_.add_rule(
        pyseccomp.ALLOW,
        "prlimit64",
        pyseccomp.Arg(0, pyseccomp.EQ, 0),
        pyseccomp.Arg(2, pyseccomp.EQ, 0),
    )
    if threads:
        filter_.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")
        filter_.add_rule(pyseccomp.ALLOW, "clone", pyseccomp.Arg(0, pyseccomp.EQ, THREAD))
        for name in ("sched_getparam", "sched_getscheduler"):
            filter_.add_rule(pyseccomp.ALLOW, name)
    with tempfile.TemporaryFile() as file:
        filter_.export_bpf(file)
        os.lseek(file.fileno(), 0, os.SEEK_SET)
        return file.read()


X86_64, AARCH64 = pyseccomp.Arch.X86_64, pyseccomp.Arch.AARCH64
PROGRAMS = {
    "x86_64": (X86_64, False),
    "aarch64": (AARCH64, False),
    "x86_64-threads": (X86_64, True),
    "aarch64-threads": (AARCH64, True),
}


def main() -> None:
    for name, (architecture, threads) in PROGRAMS.items():
        (HERE / f"{name}.bpf").write_bytes(program(architecture, threads))
        print(f"{name}: {(HERE / f'{name}.bpf').stat().st_size // 8} instructions", file=sys.stderr)


if __name__ == "__main__":
    main()
