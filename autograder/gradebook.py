"""The only writer of nbgrader's gradebook, through nbgrader's own models.

nbgrader's methods look up and commit one object at a time, which takes a tenth of a second a submission. Here a few
hundred submissions share their look-ups and one transaction.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from autograder.release import nbgrader_source
from autograder.result import Result
from autograder.source import Notebook

TOGETHER = 250  # results a transaction: the database is never locked for long, nor are all its rows in memory at once
TRIES = 3


def write_gradebook(results: list[Result], course: list[Notebook], url: str) -> None:
    """Put the results into the gradebook at `url`; writing the same results twice changes nothing.

    A manual score that an instructor gave stays; only the automatic ones are set.
    """
    from nbgrader.api import Gradebook

    # nbgrader starts `alembic` by name to make a new database: this interpreter's own must be the one found.
    os.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")])
    with Gradebook(url) as gradebook:
        for notebook in course:
            found = [result for result in results if result.notebook == notebook.name]
            if found:
                _declare(gradebook, notebook)
            for first in range(0, len(found), TOGETHER):
                _enter(gradebook, notebook.name, found[first : first + TOGETHER])


def _declare(book: Any, notebook: Notebook) -> None:
    """Make the assignment with its cells known, as `nbgrader generate_assignment` does; write only what differs."""
    from nbgrader.api import GradeCell, SolutionCell, SourceCell

    book.update_or_create_assignment(notebook.name)
    kept = book.update_or_create_notebook(notebook.name, notebook.name)
    known = {(type(cell), cell.name): cell for cell in [*kept._base_cells, *kept.source_cells]}

    def set_cell(kind: type, name: str, **values: Any) -> None:
        cell = known.get((kind, name))
        if cell is None:
            book.db.add(kind(name=name, notebook=kept, **values))
            return
        for key, value in values.items():
            setattr(cell, key, value)  # an equal value is no change to SQLAlchemy

    for cell in nbgrader_source(notebook).cells:
        grading = cell.metadata.get("nbgrader")
        if not grading:
            continue
        name = grading["grade_id"]
        if grading["grade"]:
            set_cell(GradeCell, name, max_score=float(grading["points"]), cell_type="code")
        if grading["solution"]:
            set_cell(SolutionCell, name)
        set_cell(SourceCell, name, source=cell.source, cell_type="code", locked=grading["locked"])
    book.db.commit()


def _enter(book: Any, name: str, results: list[Result]) -> None:
    """Write results of the notebook `name` in one transaction; again where another writer was quicker with a row."""
    from sqlalchemy.exc import IntegrityError

    for left in reversed(range(TRIES)):
        try:
            _enter_together(book, name, results)
            book.db.commit()
            return
        except IntegrityError:
            book.db.rollback()
            if not left:
                raise


def _enter_together(book: Any, name: str, results: list[Result]) -> None:
    from nbgrader.api import Comment, Grade, SubmittedAssignment, SubmittedNotebook

    db, notebook = book.db, book.find_notebook(name, name)
    students = list(dict.fromkeys(result.student for result in results))
    _hand_in(db, notebook.assignment, students)
    works = dict(
        db.query(SubmittedAssignment.student_id, SubmittedNotebook.id)
        .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .filter(SubmittedNotebook.notebook_id == notebook.id, SubmittedAssignment.student_id.in_(students))
    )
    known = {
        (kind, row.notebook_id, row.cell_id): row
        for kind in (Grade, Comment)
        for row in db.query(kind).filter(kind.notebook_id.in_(list(works.values())))
    }
    graded = {cell.name: cell.id for cell in notebook.grade_cells}
    commented = {cell.name: cell.id for cell in notebook.solution_cells}

    def row(kind: type, result: Result, cell: str) -> Any:
        """Return a row; one is made for an exercise that is younger than the submission's entry."""
        key = (kind, works[result.student], cell)
        if key not in known:
            known[key] = kind(notebook_id=key[1], cell_id=cell)
            db.add(known[key])
        return known[key]

    for result in results:
        for item in result.exercises:
            grade = row(Grade, result, graded[f"{item.name}-check"])
            grade.auto_score = item.points
            grade.needs_manual_grade = item.status == "ungradable" or grade.manual_score is not None
            row(Comment, result, commented[item.name]).auto_comment = item.reason or None


def _hand_in(db: Any, assignment: Any, students: list[str]) -> None:
    """Make the students and their submissions known, with a row for every cell, as nbgrader's `add_submission` does."""
    from nbgrader.api import Comment, Grade, Student, SubmittedAssignment, SubmittedNotebook, new_uuid

    enrolled = {student for (student,) in db.query(Student.id).filter(Student.id.in_(students))}
    there = db.query(SubmittedAssignment.student_id).filter(
        SubmittedAssignment.assignment_id == assignment.id, SubmittedAssignment.student_id.in_(students)
    )
    handed_in = {student for (student,) in there}
    rows = []  # a notebook, and for every row that its submission needs, what kind it is and for which cell
    for notebook in assignment.notebooks:
        graded = [(Grade, cell.id) for cell in [*notebook.grade_cells, *notebook.task_cells]]
        noted = [(Comment, cell.id) for cell in [*notebook.solution_cells, *notebook.task_cells]]
        rows.append((notebook.id, graded + noted))
    db.add_all(Student(id=student) for student in students if student not in enrolled)
    for student in students:
        if student in handed_in:
            continue
        submission = SubmittedAssignment(id=new_uuid(), assignment_id=assignment.id, student_id=student)
        db.add(submission)
        for notebook_id, cells in rows:
            work = SubmittedNotebook(id=new_uuid(), assignment_id=submission.id, notebook_id=notebook_id)
            db.add(work)
            db.add_all(kind(notebook_id=work.id, cell_id=cell) for kind, cell in cells)
    db.flush()
