"""Summary -> one page that opens offline: no script, nothing loaded, everything of a student's escaped."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from autograder.class_report import charts
from autograder.class_report.summary import ExerciseSummary, Group, Summary, is_graded, is_isolated
from autograder.result import Result
from autograder.source import course_root
from autograder.templates import environment

HARDEST, COMMONEST, PER_EXERCISE, ROWS = 8, 8, 4, 60
NAMES_SHOWN = 8
LONGEST_LINK = 120


def report_page(summary: Summary, feedback: Path, to: Path) -> str:
    """Return the page.

    Args:
        summary: the class.
        feedback: the folder of the students' pages, to link those that are there.
        to: the folder that the page will lie in: its links are relative to it.
    """
    notebooks = Path(os.path.relpath(course_root() / "notebooks", to)).as_posix()
    return (
        environment()
        .get_template("report.html")
        .render(
            summary=summary,
            charts=charts,
            hardest=_hardest(summary),
            commonest=summary.misconceptions[:COMMONEST],
            per_exercise=PER_EXERCISE,
            rows=ROWS,
            by_points=sorted(summary.students, key=lambda student: student.points),
            numbers={student.name: index for index, student in enumerate(summary.students)},
            is_graded=is_graded,
            is_isolated=is_isolated,
            notebooks_at=quote(notebooks),
            feedback_link=lambda result: _feedback_link(result, feedback, to),
            names=_names,
            names_shown=NAMES_SHOWN,
            heat=_heat,
        )
    )


def _hardest(summary: Summary) -> list[ExerciseSummary]:
    """Return the exercises that fewest pass, the surest first: by the upper end of their interval."""
    found = [exercise for notebook in summary.notebooks for exercise in notebook.exercises]
    found = [exercise for exercise in found if exercise.passed < exercise.graded]
    return sorted(found, key=lambda exercise: exercise.interval[1])[:HARDEST]


def _heat(result: Result) -> int:
    """Return 0 to 4: how much of a notebook's points were earned."""
    share = result.points / result.max_points if result.max_points else 0.0
    return 4 if share == 1 else min(int(share * 4), 3)


def _names(group: Group) -> list[tuple[str, list[str]]]:
    """Return (student, notebooks) of a group, as many as are shown."""
    found: dict[str, list[str]] = {}
    for result in group.results:
        found.setdefault(result.student, []).append(result.notebook.split("_")[0])
    return list(found.items())[:NAMES_SHOWN]


def _feedback_link(result: Result, feedback: Path, to: Path) -> str:
    """Return the relative address of a student's page, "" where there is none or its name is too long for a file."""
    try:
        path = feedback / result.student / f"{result.notebook}.html"
        address = quote(Path(os.path.relpath(path, to)).as_posix())
        return address if len(address) <= LONGEST_LINK and path.is_file() else ""
    except OSError:
        return ""
