"""A progress line on stdout, with the time left: never on stderr, where a notebook would call it an error."""

from __future__ import annotations

import sys
import time


def wanted() -> bool:
    """Say whether somebody is watching: stdout is a terminal, or a notebook's cell."""
    return sys.stdout.isatty() or type(sys.stdout).__module__.startswith("ipykernel")


class ProgressLine:
    """One line, rewritten in place at most five times a second, and ended by a newline.

    Args:
        total: the number of iterations.
        done: those already behind us when we start; a resumed run's time left counts new ones only.
        shown: print anything at all; None asks `wanted`.
    """

    def __init__(self, total: int, done: int = 0, shown: bool | None = None) -> None:
        self.total, self.first = total, done
        self.shown = wanted() if shown is None else shown
        self._started = time.perf_counter()
        self._printed = float("-inf")
        self._width = 0

    def update(self, done: int, message: str) -> None:
        """Show that `done` iterations are behind us."""
        now = time.perf_counter()
        if not self.shown or (now - self._printed < 0.2 and done < self.total):
            return
        self._printed = now
        per_iteration = (now - self._started) / max(done - self.first, 1)
        filled = round(20 * done / max(self.total, 1))
        line = (
            f"{'█' * filled}{'░' * (20 - filled)} {done}/{self.total}  {message}  "
            f"{clock(now - self._started)} gone, {clock(per_iteration * (self.total - done))} left"
        )
        # blanks wipe what a longer line left behind
        print("\r" + line.ljust(self._width), end="", flush=True)
        self._width = len(line)

    def close(self) -> None:
        """End the line."""
        if self._width:
            print(flush=True)
            self._width = 0


def clock(seconds: float) -> str:
    """Write seconds as m:ss, or h:mm:ss from an hour on."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
