"""Grading in a box behind nbgrader's own commands: the preprocessors that its configuration names."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_output
from nbgrader.preprocessors import NbGraderPreprocessor, SaveAutoGrades
from traitlets import Bool

from autograder.grade import grade_file
from autograder.result import ExerciseResult
from autograder.source import Notebook, find_notebook, load_release
from autograder.submission import Ungradable, read_submission, take_file
from rl2lib.lab.workbook import LearnerCell


class GradeInBox(NbGraderPreprocessor):
    """Takes the place of nbgrader's sanitizing and executing: our notebook with the learner's cells, graded in a box.

    What is left of a submission is the text of the learner's own cells. A check cell that failed gets an error
    output, which is how nbgrader reads a grade; nothing is run in a kernel.
    """

    sandboxed = Bool(True, help="False runs students' code with no sandbox at all.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Grade the submitted file that `nb` was read from."""
        names = resources["nbgrader"]
        notebook = find_notebook(names["notebook"])
        path = Path(resources["metadata"]["path"]) / f"{names['notebook']}.ipynb"
        result = grade_file(path, names["student"], notebook, sandboxed=self.sandboxed)
        try:
            graded = with_cells(notebook, read_submission(take_file(path), path.name, notebook).cells)
        except Ungradable:
            graded = with_cells(notebook, ())
        found = {f"{item.name}-check": item for item in result.exercises}
        for cell in graded.cells:
            item = found.get(cell.metadata.get("nbgrader", {}).get("grade_id"))
            if item is not None:
                cell.outputs = [_output(item)]
                cell.metadata["rl2"] = {"status": item.status, "reason": item.reason}
        return graded, resources


class SaveBoxGrades(SaveAutoGrades):
    """Enters the scores; what no check could judge is marked for a person to look at."""

    def _add_score(self, cell: NotebookNode, resources: dict[str, Any]) -> None:
        super()._add_score(cell, resources)
        if cell.metadata.get("rl2", {}).get("status") == "ungradable":
            grade_id = cell.metadata["nbgrader"]["grade_id"]
            grade = self.gradebook.find_grade(grade_id, self.notebook_id, self.assignment_id, self.student_id)
            grade.needs_manual_grade = True
            self.gradebook.db.commit()


def with_cells(notebook: Notebook, cells: Sequence[LearnerCell]) -> NotebookNode:
    """Return the release with a learner's cells in it: answers in their places, added cells before the answer after."""
    release = copy.deepcopy(load_release(notebook))
    last = {cell.exercise: index for index, cell in enumerate(cells)}
    waiting = list(enumerate(cells))
    placed: list[NotebookNode] = []

    def added(until: int) -> None:
        while waiting and waiting[0][0] < until:
            index, cell = waiting.pop(0)
            if not cell.exercise or index != last[cell.exercise]:
                placed.append(new_code_cell(cell.source, id=f"added-{index}"))

    for cell in release.cells:
        index = last.get(cell.metadata.get("nbgrader", {}).get("grade_id"))
        if index is not None:
            added(index)
            cell.source = cells[index].source
        placed.append(cell)
    added(len(cells))
    release.cells = placed
    return release


def _output(item: ExerciseResult) -> NotebookNode:
    if item.status == "passed":
        return new_output("stream", name="stdout", text="passed\n")
    told = f"{item.name}: {item.reason}" + (f"\n{item.diagnosis}" if item.diagnosis not in item.reason else "")
    return new_output("error", ename=item.status, evalue=told, traceback=[told])
