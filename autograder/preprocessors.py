"""nbgrader's preprocessors where the course needs a little more than stock."""

from __future__ import annotations

import re
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell
from nbgrader import utils
from nbgrader.preprocessors import ClearHiddenTests, ClearSolutions, NbGraderPreprocessor

from autograder.reference import stub_line
from autograder.source import Cell

SKIP = "skip-execution"
OUR_CELL = re.compile(r"^(nb\d\d-\d{3}|quiz-\w+-ask)$")


class ClearNamedSolutions(ClearSolutions):
    """Replaces a solution by a stub that names its exercise, so that a learner's traceback says which."""

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict[str, Any], cell_index: int
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Clear one cell."""
        if utils.is_solution(cell):
            self.code_stub = {"python": stub_line(cell.metadata.nbgrader["grade_id"])}
        return super().preprocess_cell(cell, resources, cell_index)


def stub(answer: Cell) -> str:
    """Return what the student release shows of an answer cell."""
    metadata = {"nbgrader": {"solution": True, "grade_id": answer.name}}
    cell = new_code_cell(answer.source, metadata=metadata)
    return ClearNamedSolutions().preprocess_cell(cell, {"language": "python"}, 0)[0].source


class ClearPlainHiddenTests(ClearHiddenTests):
    """Removes hidden tests and the line break they leave behind."""

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict[str, Any], cell_index: int
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Clear one cell."""
        cell, resources = super().preprocess_cell(cell, resources, cell_index)
        cell.source = cell.source.rstrip("\n")
        return cell, resources


class RunOnlyWhatIsGraded(NbGraderPreprocessor):
    """Leaves our demonstration, training and quiz cells unexecuted, and lets no tag keep a graded cell from running.

    nbgrader itself skips cells tagged skip-execution, and gives a skipped check cell full marks.
    """

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict[str, Any], cell_index: int
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Tag or untag one cell."""
        tags = [tag for tag in cell.metadata.get("tags", []) if tag != SKIP]
        if "nbgrader" not in cell.metadata and OUR_CELL.match(cell.get("id", "")):
            tags.append(SKIP)
        cell.metadata["tags"] = tags
        return cell, resources


class ForgiveStandardError(NbGraderPreprocessor):
    """Drops what a graded cell wrote to stderr: nbgrader gives such a cell no points, and a warning is no mistake."""

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict[str, Any], cell_index: int
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Clean one cell."""
        if cell.cell_type == "code" and utils.is_grade(cell):
            cell.outputs = [
                output
                for output in cell.outputs
                if not (output.output_type == "stream" and output.get("name") == "stderr")
            ]
        return cell, resources
