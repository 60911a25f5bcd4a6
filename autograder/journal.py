"""Where a batch's results are kept as they come: one line each, on the disk before it counts."""

from __future__ import annotations

import errno
import fcntl
import os
import sys
from pathlib import Path

from autograder.result import Key, Result, ResultError


class BatchError(Exception):
    """A batch that could not begin or go on; the message says what to do. `code` is the command's exit status."""

    def __init__(self, message: str, code: int = 2):
        super().__init__(message)
        self.code = code


class Journal:
    """OUT/journal.jsonl, open for one process alone.

    A line that a kill or a full disk cut short, or that an older grader wrote, is passed over: what it held is graded
    again. Of two lines with one key the later counts.

    Args:
        out: the output folder; made if need be.
        fresh: begin a new journal, and keep the old one beside it.

    Raises:
        BatchError: another process has it, or it cannot be written.
    """

    def __init__(self, out: Path, fresh: bool = False):
        self.path = out / "journal.jsonl"
        self._known: dict[Key, Result] = {}
        try:
            out.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(out / ".lock", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(self._lock)
                raise BatchError(
                    f"{out}: another `autograder grade` writes there; wait for it, or name another --out"
                ) from None
            if fresh and self.path.exists():
                number = sum(1 for _ in out.glob("journal-*.jsonl")) + 1
                self.path.rename(out / f"journal-{number}.jsonl")
            self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
            self._read()
        except OSError as error:
            raise BatchError(f"{out}: cannot be written: {error.strerror}") from None

    def _read(self) -> None:
        unread, line = 0, b"\n"
        with open(self.path, "rb") as lines:
            for line in lines:
                try:
                    result = Result.from_json(line.strip())
                except ResultError:
                    unread += 1
                else:
                    self._known[result.key] = result
        if not line.endswith(b"\n"):
            os.write(self._file, b"\n")
        if unread:
            print(f"{self.path}: {unread} lines cannot be read; what they held is graded again", file=sys.stderr)

    def __len__(self) -> int:
        return len(self._known)

    def find(self, key: Key) -> Result | None:
        """Return what is known under a key."""
        return self._known.get(key)

    def keep(self, result: Result) -> None:
        """Append a result, unless the same is there already.

        Raises:
            BatchError: the disk does not take it.
        """
        if self._known.get(result.key) == result:
            return
        line = result.to_json() + b"\n"
        try:
            if os.write(self._file, line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(self._file)
        except OSError as error:
            raise BatchError(f"{self.path}: cannot be written: {error.strerror}; see to it, and run it again") from None
        self._known[result.key] = result

    def close(self) -> None:
        """Let others write there."""
        os.close(self._file)
        os.close(self._lock)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
