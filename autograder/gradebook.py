"""The only writer of nbgrader's gradebook, through nbgrader's own API."""

from __future__ import annotations

import os
import sys
import warnings
from typing import Any

from autograder.build import nbgrader_source
from autograder.result import Result
from autograder.source import Notebook


def write_gradebook(results: list[Result], course: list[Notebook], url: str) -> None:
    """Put the results into the gradebook at `url`; writing the same results twice changes nothing.

    A manual score that an instructor gave stays; only the automatic ones are set.
    """
    from nbgrader.api import Gradebook

    # nbgrader starts `alembic` by name to make a new database: this interpreter's own must be the one found.
    os.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")])
    graded = {result.notebook for result in results}
    with warnings.catch_warnings(), Gradebook(url) as gradebook:
        # nbgrader's own session order makes SQLAlchemy talk; the rows come out right.
        warnings.simplefilter("ignore")
        for notebook in course:
            if notebook.name in graded:
                _declare(gradebook, notebook)
        for result in results:
            _enter(gradebook, result)


def _declare(book: Any, notebook: Notebook) -> None:
    """Make the assignment with its cells known, as `nbgrader generate_assignment` does."""
    name = notebook.name
    book.update_or_create_assignment(name)
    book.update_or_create_notebook(name, name)
    for cell in nbgrader_source(notebook).cells:
        grading = cell.metadata.get("nbgrader")
        if not grading:
            continue
        grade_id = grading["grade_id"]
        if grading["grade"]:
            book.update_or_create_grade_cell(grade_id, name, name, max_score=grading["points"], cell_type="code")
        if grading["solution"]:
            book.update_or_create_solution_cell(grade_id, name, name)
        book.update_or_create_source_cell(
            grade_id, name, name, source=cell.source, cell_type="code", locked=grading["locked"]
        )


def _enter(book: Any, result: Result) -> None:
    book.update_or_create_student(result.student)
    book.update_or_create_submission(result.notebook, result.student)
    for item in result.exercises:
        grade = book.find_grade(f"{item.name}-check", result.notebook, result.notebook, result.student)
        grade.auto_score = item.points
        grade.needs_manual_grade = item.status == "ungradable" or grade.manual_score is not None
        comment = book.find_comment(item.name, result.notebook, result.notebook, result.student)
        comment.auto_comment = item.reason or None
    book.db.commit()
