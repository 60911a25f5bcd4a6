"""Results as a table for the terminal."""

from __future__ import annotations

import io

from autograder.grade import Result

MARKS = {"passed": "✓", "not_attempted": "○"}


def table(results: list[Result]) -> str:
    """Return one row a submission: a mark an exercise, points, and the first misconception named."""
    from rich.console import Console
    from rich.table import Table

    rows = Table(box=None, pad_edge=False)
    for column in ("student", "notebook", "exercises", "points", "what went wrong first"):
        rows.add_column(column, overflow="fold", justify="right" if column == "points" else "left")
    for result in results:
        marks = "".join(MARKS.get(item.status, "✗") for item in result.exercises)
        first = next((item for item in result.exercises if item.status not in ("passed", "not_attempted")), None)
        words = f"{first.name}: {first.misconception or first.status}" if first else ""
        rows.add_row(result.student, result.notebook, marks, f"{result.points:g}/{result.max_points:g}", words)
    console = Console(file=io.StringIO(), width=110)
    console.print(rows)
    return console.file.getvalue().rstrip()  # type: ignore[attr-defined]
