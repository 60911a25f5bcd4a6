"""A best-effort time limit inside a process; a killed child process is the sure one."""

from __future__ import annotations

import contextlib
import ctypes
import signal
import threading
from collections.abc import Iterator
from types import FrameType

AGAIN_SECONDS = 0.5


class TimeLimitReached(BaseException):
    """Raised in learner code that runs too long; a BaseException so that `except Exception` does not eat it."""


@contextlib.contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise `TimeLimitReached` in this block after `seconds`, and again every half second should it be caught.

    The main thread is rung by the system's timer, which also ends a sleep; any other thread by a thread beside it,
    which it hears between two lines of Python.
    """
    if seconds is None:
        yield
    elif hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread():
        with _rung_by_signal(seconds):
            yield
    else:
        with _rung_by_thread(seconds):
            yield


@contextlib.contextmanager
def _rung_by_signal(seconds: float) -> Iterator[None]:
    def ring(signum: int, frame: FrameType | None) -> None:
        raise TimeLimitReached

    previous = signal.signal(signal.SIGALRM, ring)
    outer = signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *outer)
        signal.signal(signal.SIGALRM, previous)


@contextlib.contextmanager
def _rung_by_thread(seconds: float) -> Iterator[None]:
    here = ctypes.c_ulong(threading.get_ident())
    ended, ringing = threading.Event(), threading.Lock()

    def ring() -> None:
        pause = seconds
        while not ended.wait(pause):
            pause = AGAIN_SECONDS
            with ringing:
                if not ended.is_set():
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(here, ctypes.py_object(TimeLimitReached))

    threading.Thread(target=ring, daemon=True).start()
    try:
        yield
    finally:
        try:
            ended.set()
        finally:  # it may ring in the line above, and no second time half a second later
            ended.set()
        with ringing:  # what was rung and not heard yet must not be heard outside of the block
            ctypes.pythonapi.PyThreadState_SetAsyncExc(here, None)
