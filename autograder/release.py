"""Source -> the notebooks made of it: nbgrader's source, the student release, the solution to read. Runs no cell."""

from __future__ import annotations

import copy
import logging
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearHiddenTests,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    LockCells,
)

from autograder.source import BEGIN, END, Cell, Notebook
from rl2lib import __version__ as course_version
from rl2lib.lab.checking import STUB

HIDDEN = (
    '### BEGIN HIDDEN TESTS\nimport autograder.kernel; autograder.kernel.kernel_check("{name}")\n### END HIDDEN TESTS'
)


def to_text(notebook: NotebookNode) -> str:
    """Serialise a notebook, always the same way."""
    return nbformat.writes(notebook, version=4) + "\n"


def nbgrader_source(notebook: Notebook) -> NotebookNode:
    """Return nbgrader's source version: answers between markers, hidden line in every check cell."""
    cells: list[NotebookNode] = []
    setups = 0
    for cell in notebook.cells:
        if cell.role == "hint":
            continue
        if cell.role == "setup":
            setups += 1
        cells.extend(_cells(notebook, cell, setups, len(cells)))
    metadata = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "rl2": {"notebook": notebook.number, "course_version": course_version},
    }
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


def student_release(source: NotebookNode) -> NotebookNode:
    """Return what learners get, made by nbgrader's own preprocessors."""
    logging.getLogger("traitlets").setLevel(logging.ERROR)
    notebook = copy.deepcopy(source)
    steps = (LockCells, ClearNamedSolutions, ClearOutput, ClearPlainHiddenTests, ComputeChecksums, CheckCellMetadata)
    for step in steps:
        notebook, _ = step().preprocess(notebook, {})
    return notebook


def solution_notebook(source: NotebookNode) -> NotebookNode:
    """Return the version to execute and read: answers in, markers and hidden lines out."""
    notebook = copy.deepcopy(source)
    for cell in notebook.cells:
        lines = cell.source.split("\n")
        cell.source = "\n".join(line for line in lines if line.strip() not in (BEGIN, END))
    notebook, _ = ClearPlainHiddenTests().preprocess(notebook, {})
    return notebook


def stub(answer: Cell) -> str:
    """Return what the student release shows of an answer cell."""
    metadata = {"nbgrader": {"solution": True, "grade_id": answer.name}}
    cell = nbformat.v4.new_code_cell(answer.source, metadata=metadata)
    return ClearNamedSolutions().preprocess_cell(cell, {"language": "python"}, 0)[0].source


def _cells(notebook: Notebook, cell: Cell, setups: int, position: int) -> list[NotebookNode]:
    number = notebook.number
    if cell.role == "exercise":
        return [_code(cell.name, cell.source, nbgrader=_nbgrader(cell.name, solution=True))]
    if cell.role == "check":
        points = cell.options["points"]
        grading = _nbgrader(f"{cell.name}-check", grade=True, locked=True, points=points)
        return [_code(f"{cell.name}-check", f"{cell.source}\n{HIDDEN.format(name=cell.name)}", nbgrader=grading)]
    if cell.role == "setup":
        name = f"setup-{number}-{setups}"
        return [_code(name, cell.source, nbgrader=_nbgrader(name, locked=True), tags=["setup"])]
    if cell.role == "quiz":
        quiz = next(item for item in notebook.quizzes if item.name == cell.name)
        letters = "\n".join(f"- **{chr(65 + index)}** {option.text}" for index, option in enumerate(quiz.options))
        question = nbformat.v4.new_markdown_cell(f"{quiz.question}\n\n{letters}", id=f"quiz-{quiz.name}"[:64])
        return [question, _code(f"quiz-{quiz.name}-ask", f'quiz("{quiz.name}")')]
    name = f"nb{number}-{position:03d}"
    if cell.kind == "code":
        return [_code(name, cell.source, **({"tags": ["given"]} if cell.role == "given" else {}))]
    text = cell.source.replace("{minutes}", str(notebook.minutes)).replace("{points}", str(notebook.points))
    return [nbformat.v4.new_markdown_cell(text, id=name)]


def _code(name: str, source: str, **metadata: Any) -> NotebookNode:
    return nbformat.v4.new_code_cell(source, id=name[:64], metadata=metadata)


def _nbgrader(name: str, **options: Any) -> dict[str, Any]:
    fields = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}
    return {**fields, "grade_id": name, **options}


# --------------------------------------------------------------------------------------- nbgrader's preprocessors


class ClearNamedSolutions(ClearSolutions):
    """Replaces a solution by a stub that names its exercise, so that a learner's traceback says which."""

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict[str, Any], cell_index: int
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Clear one cell."""
        if utils.is_solution(cell):
            self.code_stub = {
                "python": f'raise NotImplementedError("{STUB.format(name=cell.metadata.nbgrader["grade_id"])}")'
            }
        return super().preprocess_cell(cell, resources, cell_index)


class ClearPlainHiddenTests(ClearHiddenTests):
    """Removes hidden tests and the line break they leave behind."""

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict[str, Any], cell_index: int
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Clear one cell."""
        cell, resources = super().preprocess_cell(cell, resources, cell_index)
        cell.source = cell.source.rstrip("\n")
        return cell, resources
