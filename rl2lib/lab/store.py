"""The learner's progress: one SQLite file in `work/`, so that two JupyterLabs and a kill do it no harm."""

from __future__ import annotations

import contextlib
import datetime
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from rl2lib.lab import places

SCHEMA = """
CREATE TABLE IF NOT EXISTS attempts (at TEXT, exercise TEXT, status TEXT, misconception TEXT);
CREATE TABLE IF NOT EXISTS hints (exercise TEXT PRIMARY KEY, shown INTEGER);
CREATE TABLE IF NOT EXISTS answers (at TEXT, quiz TEXT, choice INTEGER, correct INTEGER);
"""


class Store:
    """Reads and writes the progress file; every write is one transaction.

    Args:
        folder: where the file lies; `places.state()` when not given.
    """

    def __init__(self, folder: Path | None = None):
        self.folder = folder or places.state()
        self.path = self.folder / "progress.sqlite"

    def record_attempt(self, exercise: str, status: str, mutant: str | None = None) -> None:
        """Keep the outcome of one check."""
        with self._writing() as database:
            row = (_now(), exercise, status, mutant)
            database.execute("INSERT INTO attempts VALUES (?, ?, ?, ?)", row)

    def record_answer(self, quiz: str, choice: int, correct: bool) -> None:
        """Keep one answer to a quiz question."""
        with self._writing() as database:
            database.execute("INSERT INTO answers VALUES (?, ?, ?, ?)", (_now(), quiz, choice, int(correct)))

    def next_hint(self, exercise: str, available: int) -> int:
        """Return the index of the next rung of the ladder, the last one for ever after."""
        with self._writing() as database:
            row = database.execute("SELECT shown FROM hints WHERE exercise = ?", (exercise,)).fetchone()
            index = min(row[0] if row else 0, available - 1)
            database.execute("INSERT OR REPLACE INTO hints VALUES (?, ?)", (exercise, index + 1))
        return index

    def passed(self) -> set[str]:
        """Return the exercises that passed at least once."""
        return {row[0] for row in self._read("SELECT DISTINCT exercise FROM attempts WHERE status = 'passed'")}

    def attempts(self) -> dict[str, int]:
        """Return the number of checks run on each exercise."""
        return dict(self._read("SELECT exercise, COUNT(*) FROM attempts GROUP BY exercise"))

    def answered(self) -> set[str]:
        """Return the quiz questions that were answered correctly at least once."""
        return {row[0] for row in self._read("SELECT DISTINCT quiz FROM answers WHERE correct = 1")}

    def _read(self, query: str) -> list[tuple]:
        if not self.path.exists():
            return []
        with contextlib.closing(sqlite3.connect(self.path, timeout=10)) as database:
            database.executescript(SCHEMA)
            return database.execute(query).fetchall()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(self.path, timeout=10, isolation_level=None)) as database:
            database.executescript(SCHEMA)
            database.execute("BEGIN IMMEDIATE")
            yield database
            database.execute("COMMIT")


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
