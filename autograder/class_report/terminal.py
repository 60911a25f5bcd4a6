"""Results as tables for the terminal."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from autograder.class_report.summary import Summary
from autograder.result import Result
from autograder.shown_text import visible_line
from rl2lib.lab.messages import MARKS

WIDTH = 110


def table(results: Sequence[Result]) -> str:
    """Return one row a submission: a mark an exercise, points, and the first misconception named."""
    rows = _table("student", "notebook", "exercises", "points", "what went wrong first")
    for result in results:
        marks = "".join(MARKS.get(item.status, "✗") for item in result.exercises)
        first = next((item for item in result.exercises if item.status not in ("passed", "not_attempted")), None)
        words = f"{first.name}: {first.misconception or first.status}" if first else ""
        points = f"{result.points:g}/{result.max_points:g}"
        _add(rows, result.student, result.notebook, marks, points, words)
    return _printed(rows)


def overview(summary: Summary) -> str:
    """Return one row a notebook: how many were graded, what they earned, where most of them fail."""
    rows = _table("notebook", "graded", "not graded", "median points", "full marks", "fewest pass")
    for notebook in summary.notebooks:
        hardest = min(
            (item for item in notebook.exercises if item.graded), key=lambda item: item.pass_rate, default=None
        )
        words = f"{hardest.name} ({hardest.pass_rate:.0%})" if hardest else ""
        graded = len(notebook.points)
        median = f"{notebook.quartiles[1]:g}/{notebook.max_points:g}" if graded else ""
        missing = len(notebook.results) - graded
        _add(rows, notebook.name, f"{graded}", f"{missing}", median, f"{notebook.full_marks}", words)
    return _printed(rows)


def _table(*columns: str) -> Table:
    rows = Table(box=None, pad_edge=False)
    numbers = ("points", "graded", "not graded", "median points", "full marks")
    for column in columns:
        rows.add_column(column, overflow="fold", justify="right" if column in numbers else "left")
    return rows


def _add(rows: Table, *cells: str) -> None:
    """Add a row of plain text: a name may hold escapes, or what rich takes for markup."""
    rows.add_row(*(Text(visible_line(cell, limit=80)) for cell in cells))


def _printed(rows: Table) -> str:
    console = Console(file=io.StringIO(), width=WIDTH)
    console.print(rows)
    return console.file.getvalue().rstrip()  # type: ignore[attr-defined]
