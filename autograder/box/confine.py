"""How a process locks itself in before it runs student code: namespaces of its own, limits, no capabilities, seccomp.

Bubblewrap has already taken away the network, the files and the environment of everybody in the room. What is done
here keeps the boxes of one room apart, and takes from a box what no answer needs: other processes, sockets, mounts.
A box is one process for good, so that its limit of address space is its limit of memory.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
import resource
import struct
import sys

MEMORY = 2 << 30  # bytes beyond what the nursery had when it forked
CPU_SECONDS = 900  # the sum of everything in one box; an operation's own limit is kept outside
FILE_BYTES = 16 << 20
OPEN_FILES = 64
SCRATCH = "/scratch"
SCRATCH_BYTES = 32 << 20
SCRATCH_FILES = 4096  # an empty file takes no byte of the scratch folder, and a kilobyte of the kernel
MAX_THREADS = 200

_NEW_NS, _NEW_UTS, _NEW_IPC, _NEW_USER, _NEW_PID, _NEW_NET = (
    0x00020000,
    0x04000000,
    0x08000000,
    0x10000000,
    0x20000000,
    0x40000000,
)
_READ_ONLY, _NO_SETUID, _NO_DEVICES, _NO_PROGRAMS, _RECURSIVE, _PRIVATE = 1, 2, 4, 8, 0x4000, 0x40000
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38


class ConfinementError(Exception):
    """This machine does not let a process lock itself in; the message says which layer is missing."""


def enter_namespaces() -> None:
    """Leave the company of all other processes; the next child is alone in namespaces of its own.

    Raises:
        OSError: this kernel, or its policy, does not let us.
    """
    uid, gid = os.geteuid(), os.getegid()
    _checked(_libc().unshare(_NEW_USER | _NEW_NS | _NEW_PID | _NEW_NET | _NEW_IPC | _NEW_UTS), "unshare")
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def mount_scratch() -> None:
    """Give this mount namespace an empty scratch folder with a size, and an empty /proc.

    Raises:
        OSError: a mount was refused.
    """
    _mount(None, "/", None, _RECURSIVE | _PRIVATE, None)
    _mount(
        "tmpfs",
        SCRATCH,
        "tmpfs",
        _NO_SETUID | _NO_DEVICES | _NO_PROGRAMS,
        f"size={SCRATCH_BYTES},nr_inodes={SCRATCH_FILES},mode=1777",
    )
    _mount("tmpfs", "/proc", "tmpfs", _READ_ONLY, "size=4k")
    os.chdir(SCRATCH)


def limit(memory: int) -> None:
    """Set limits that cannot be raised again.

    Args:
        memory: of address space, in bytes.
    """
    for kind, value in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (value, value))


def lock() -> None:
    """Drop every capability, and refuse the system calls of `DENIED`, for good.

    Raises:
        OSError: a capability stayed.
        ConfinementError: there is no seccomp here.
    """
    libc = _libc()
    header, no_capabilities = struct.pack("Ii", 0x20080522, 0), bytes(24)
    _checked(libc.capset(header, no_capabilities), "capset")
    _checked(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    program = seccomp_program(platform.machine())
    buffer = ctypes.create_string_buffer(program)
    described = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    if libc.prctl(_PR_SET_SECCOMP, 2, described, 0, 0):
        raise ConfinementError(f"seccomp: the kernel refused the filter ({os.strerror(ctypes.get_errno())})")


def die_with_parent() -> None:
    """Ask the kernel to end this process when the one that forked it ends."""
    if sys.platform == "linux":
        _libc().prctl(_PR_SET_PDEATHSIG, 9, 0, 0, 0)


def close_to_others() -> None:
    """Let no other process of this user read or write this one's memory and descriptors, nor its children's."""
    _libc().prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def address_space() -> int:
    """Return the size of this process in bytes."""
    with contextlib.suppress(OSError), open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()
    return 8 << 30


# --------------------------------------------------------------------------------------- seccomp

AUDIT_ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

DENIED = {
    # what an answer has no use for: (number on x86_64, on aarch64); None where the architecture has no such call
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    "socket": (41, 198),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    # memory that no limit of address space counts
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    # another view of the machine, and large parts of the kernel
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "open_by_handle_at": (304, 265),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "userfaultfd": (323, 282),
    "perf_event_open": (298, 241),
    "bpf": (321, 280),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "personality": (135, 92),
    "syslog": (103, 116),
}
_CLONE = (56, 220)
_CLONE3 = (435, 435)
_CLONE_THREAD = 0x00010000
_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050000


def seccomp_program(machine: str) -> bytes:
    """Return the filter for this architecture, in the kernel's byte code.

    Threads may be made and processes may not: `clone` must carry CLONE_THREAD. The arguments of `clone3` lie where
    a filter cannot see them, so it claims not to exist and the C library falls back to `clone`.

    Raises:
        ConfinementError: the system calls of this architecture are not listed.
    """
    if machine not in AUDIT_ARCHITECTURE:
        raise ConfinementError(f"seccomp: no filter for {machine}, only for {' and '.join(AUDIT_ARCHITECTURE)}")
    column = list(AUDIT_ARCHITECTURE).index(machine)
    denied = [number for number in (numbers[column] for numbers in DENIED.values()) if number is not None]
    load, equal, at_least, any_bit, answer = 0x20, 0x15, 0x35, 0x45, 0x06
    refuse, absent = _REFUSE | errno.EPERM, _REFUSE | errno.ENOSYS
    steps = [
        (load, 0, 0, 4),  # the architecture of the call
        (equal, 1, 0, AUDIT_ARCHITECTURE[machine]),
        (answer, 0, 0, _KILL),
        (load, 0, 0, 0),  # its number
        (at_least, 0, 1, 0x40000000),  # x32's second set of numbers
        (answer, 0, 0, refuse),
        (equal, 0, 1, _CLONE3[column]),
        (answer, 0, 0, absent),
    ]
    for number in denied:
        steps += [(equal, 0, 1, number), (answer, 0, 0, refuse)]
    steps += [
        (equal, 1, 0, _CLONE[column]),
        (answer, 0, 0, _ALLOW),
        (load, 0, 0, 16),  # clone's flags
        (any_bit, 1, 0, _CLONE_THREAD),
        (answer, 0, 0, refuse),
        (answer, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("HBBI", *step) for step in steps)


# --------------------------------------------------------------------------------------- libc


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> None:
    if result:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def _mount(source: str | None, target: str, kind: str | None, flags: int, options: str | None) -> None:
    texts = [None if text is None else text.encode() for text in (source, target, kind, options)]
    _checked(_libc().mount(texts[0], texts[1], texts[2], ctypes.c_ulong(flags), texts[3]), f"mount {target}")
