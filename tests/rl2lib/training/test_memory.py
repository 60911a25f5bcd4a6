import ctypes
import platform
import subprocess
import sys

import pytest

from rl2lib.training.memory import keep_freed_memory

# the kernel's count of pages handed out, over twenty rounds of allocating and freeing 40 MB, which glibc never keeps
# by itself; before and after
SCRIPT = """
import resource, torch
from rl2lib.training.memory import keep_freed_memory

def faults():
    for _ in range(10):  # the heap takes some rounds to settle
        torch.ones(10 << 20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        torch.ones(10 << 20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

print(faults(), int(keep_freed_memory()), faults())
"""


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="malloc's settings are glibc's")
def test_freed_memory_is_not_handed_out_anew() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    without, kept, after = (int(number) for number in done.stdout.split())
    assert kept == 1 and after * 10 < without


def test_nothing_happens_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(name: object) -> object:
        raise OSError("no such library")

    keep = keep_freed_memory.__wrapped__
    with monkeypatch.context() as patch:
        patch.setattr(ctypes, "CDLL", gone)
        assert keep() is False
    with monkeypatch.context() as patch:
        patch.setattr(ctypes, "CDLL", lambda name: object())  # a C library that is not glibc
        assert keep() is False
    monkeypatch.setattr(sys, "platform", "darwin")
    assert keep() is False
