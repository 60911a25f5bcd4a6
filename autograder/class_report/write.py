"""Writes the report: a page, three tables, and everything as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from autograder.class_report.page import report_page
from autograder.class_report.reading import read_results
from autograder.class_report.summary import Group, NotebookSummary, Summary, is_graded, is_isolated, summarise
from autograder.shown_text import csv_table
from rl2lib.files import write_whole
from rl2lib.lab.messages import HEADINGS

REPORT_SCHEMA = 1


def write_report(out: Path, to: Path | None = None) -> Summary:
    """Read `out`/results.jsonl and write report.html, report.json and report_*.csv to `to` (or `out`).

    Raises:
        NothingToReport: there is no result in it.
    """
    summary = summarise(read_results(out))
    place = out if to is None else to
    write_whole(place / "report.html", report_page(summary, out / "feedback", place))
    write_whole(place / "report.json", json.dumps(report_data(summary), indent=1, allow_nan=False) + "\n")
    write_whole(place / "report_students.csv", students_csv(summary))
    write_whole(place / "report_submissions.csv", submissions_csv(summary))
    write_whole(place / "report_exercises.csv", exercises_csv(summary))
    return summary


def students_csv(summary: Summary) -> str:
    """Return one row a student: points a notebook (empty where nothing was handed in) and their sum."""
    names = [notebook.name for notebook in summary.notebooks]
    rows = []
    for student in summary.students:
        points = [student.results[name].points if name in student.results else "" for name in names]
        rows.append([student.name, *points, student.points, student.max_points])
    return csv_table(("student", *names, "points", "max_points"), rows)


def submissions_csv(summary: Summary) -> str:
    """Return one row a student and notebook, with all that is known of the submission as a whole."""
    columns = ("student", "notebook", "points", "max_points", "graded", "flags", "sandbox", "submission_sha256")
    rows = []
    for item in summary.results:
        graded, flags = "yes" if is_graded(item) else "no", "; ".join(item.flags)
        sandbox = item.isolation if is_isolated(item) else f"NONE {item.isolation}".strip()
        start = (item.student, item.notebook, item.points, item.max_points)
        rows.append([*start, graded, flags, sandbox, item.submission_sha256])
    return csv_table(columns, rows)


def exercises_csv(summary: Summary) -> str:
    """Return one row an exercise: counts by status, pass rate with its interval, commonest misconceptions."""
    rates = ("graded", "attempted", "pass_rate", "low", "high")
    commonest = [f"misconception_{place}{part}" for place in (1, 2, 3) for part in ("", "_count")]
    rows = []
    for notebook in summary.notebooks:
        for item in notebook.exercises:
            shares = [round(share, 4) for share in (item.pass_rate, *item.interval)] if item.graded else ["", "", ""]
            named = [part for found in item.misconceptions[:3] for part in (found.name, len(found.students))]
            counts = [item.counts.get(status, 0) for status in HEADINGS]
            start = (notebook.name, item.name, item.number, item.max_points)
            rows.append((*start, *counts, item.graded, item.attempted, *shares, *named, *[""] * (6 - len(named))))
    return csv_table(("notebook", "exercise", "number", "max_points", *HEADINGS, *rates, *commonest), rows)


def report_data(summary: Summary) -> dict[str, Any]:
    """Return all of it as plain data."""
    return {
        "schema_version": REPORT_SCHEMA,
        "num_students": len(summary.students),
        "num_graded": summary.num_graded,
        "num_not_graded": len(summary.results) - summary.num_graded,
        "problems": list(summary.problems),
        "versions": [
            {"course": course, "grader": grader, "results": count} for course, grader, count in summary.versions
        ],
        "notebooks": [_notebook_data(notebook) for notebook in summary.notebooks],
        "students": [
            {
                "student": student.name,
                "points": student.points,
                "max_points": student.max_points,
                "passed": student.passed,
                "notebooks": {name: result.points for name, result in student.results.items()},
            }
            for student in summary.students
        ],
        "not_graded": _groups(summary.ungraded, "reason"),
        "flagged": _groups(summary.flagged, "flags"),
        "without_sandbox": _groups(summary.without_sandbox, "isolation"),
    }


def _notebook_data(notebook: NotebookSummary) -> dict[str, Any]:
    graded = bool(notebook.points)
    return {
        "notebook": notebook.name,
        "title": notebook.title,
        "max_points": notebook.max_points,
        "graded": len(notebook.points),
        "not_graded": len(notebook.results) - len(notebook.points),
        "quartiles": list(notebook.quartiles) if graded else None,
        "full_marks": notebook.full_marks,
        "histogram": [{"points": label, "submissions": count} for label, count in notebook.histogram],
        "exercises": [
            {
                "exercise": item.name,
                "title": item.title,
                "number": item.number,
                "max_points": item.max_points,
                "counts": item.counts,
                "graded": item.graded,
                "attempted": item.attempted,
                "passed": item.passed,
                "pass_rate": item.pass_rate if item.graded else None,
                "interval": list(item.interval),
                "unexplained": item.unexplained,
                "misconceptions": [
                    {
                        "name": found.name,
                        "count": len(found.students),
                        "students": list(found.students),
                        "diagnosis": found.diagnosis,
                        "read": found.section.link if found.section else None,
                    }
                    for found in item.misconceptions
                ],
            }
            for item in notebook.exercises
        ],
    }


def _groups(groups: Iterable[Group], name: str) -> list[dict[str, Any]]:
    return [
        {
            name: group.text,
            "submissions": [{"student": item.student, "notebook": item.notebook} for item in group.results],
        }
        for group in groups
    ]
