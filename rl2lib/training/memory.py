"""Memory that is freed stays with the process, where the C library lets us say so."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""The settings' names in glibc's malloc.h."""


@cache
def keep_freed_memory() -> bool:
    """Tell glibc to keep freed memory instead of handing it back to the system; once a process.

    Training frees and allocates the same hundreds of megabytes every iteration. By default glibc unmaps large
    blocks when they are freed, and the system hands out fresh pages at the first touch of each, zeroed one by
    one: up to a third of an update's time. The process's peak does not grow; it only stays.

    Returns:
        Whether it was done; elsewhere than under glibc nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        library = ctypes.CDLL(None)
        library.gnu_get_libc_version  # noqa: B018  (other C libraries have a mallopt that does nothing)
        mallopt = library.mallopt
    except (AttributeError, OSError):
        return False
    mallopt.argtypes, mallopt.restype = [ctypes.c_int, ctypes.c_int], ctypes.c_int
    kept = mallopt(M_MMAP_THRESHOLD, 1 << 30) or mallopt(M_MMAP_THRESHOLD, 1 << 25)  # 32 MB: older versions' most
    return bool(kept and mallopt(M_TRIM_THRESHOLD, 2**31 - 1))
