"""source -> notebooks/, course.json, refusals.json, nbgrader's source/ and release/, byte for byte repeatable.

No notebook is executed. The visible checks run on the mutants of exercises of which something changed.
"""

from __future__ import annotations

import copy
import json
import logging
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder import refused
from autograder.preprocessors import ClearNamedSolutions, ClearPlainHiddenTests
from autograder.source import Cell, Notebook, course_root, load_course, load_variants
from rl2lib import __version__ as course_version
from rl2lib import codec
from rl2lib.files import write_whole
from rl2lib.lab import course

GENERATED = "rl2lib/lab/course.json"
COURSE_FOLDER = "course"
HIDDEN = '### BEGIN HIDDEN TESTS\nimport autograder; autograder.kernel_check("{name}")\n### END HIDDEN TESTS'


def build(root: Path | None = None) -> list[Path]:
    """Write every generated file below `root`; return those that changed."""
    root = root or course_root()
    changed = [path for path, text in generated_files(root).items() if write_if_changed(path, text)]
    return changed + refused.build(root)  # last: the visible checks look their exercises up in course.json


def stale_files(root: Path | None = None) -> list[Path]:
    """Return the committed generated files that differ from what a build would write."""
    root = root or course_root()
    ignored = root / COURSE_FOLDER
    stale = [
        path
        for path, text in generated_files(root).items()
        if ignored not in path.parents and (not path.exists() or path.read_text(encoding="utf-8") != text)
    ]
    known = set(generated_files(root))
    orphans = [path for path in sorted((root / "notebooks").glob("*.ipynb")) if path not in known]
    return stale + orphans + refused.stale(root)


def generated_files(root: Path) -> dict[Path, str]:
    """Return path -> text of everything that a build writes."""
    notebooks = load_course(root)
    files = {root / GENERATED: course_json(notebooks, root)}
    for notebook in notebooks:
        source = nbgrader_source(notebook)
        release = to_text(student_release(source))
        files[root / "notebooks" / f"{notebook.name}.ipynb"] = release
        folder = root / COURSE_FOLDER
        files[folder / "source" / notebook.name / f"{notebook.name}.ipynb"] = to_text(source)
        files[folder / "release" / notebook.name / f"{notebook.name}.ipynb"] = release
    return files


def write_if_changed(path: Path, text: str) -> bool:
    """Write atomically, leaving an up-to-date file alone; return whether it was written."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    write_whole(path, text)
    return True


def to_text(notebook: NotebookNode) -> str:
    """Serialise a notebook, always the same way."""
    return nbformat.writes(notebook, version=4) + "\n"


# --------------------------------------------------------------------------------------- notebooks


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
    from nbgrader.preprocessors import CheckCellMetadata, ClearOutput, ComputeChecksums, LockCells

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
        cell.source = "\n".join(
            line for line in lines if line.strip() not in ("### BEGIN SOLUTION", "### END SOLUTION")
        )
    notebook, _ = ClearPlainHiddenTests().preprocess(notebook, {})
    return notebook


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


# --------------------------------------------------------------------------------------- course.json


def course_json(notebooks: list[Notebook], root: Path) -> str:
    """Return the learner's side of the course: exercises, hints, diagnoses, quizzes; no answers."""
    entries = tuple(_notebook_entry(notebook, root) for notebook in notebooks)
    whole = codec.builtins(course.Course(course_version, entries))
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def _notebook_entry(notebook: Notebook, root: Path) -> course.Notebook:
    diagnoses: dict[str, dict[str, str]] = {exercise.name: {} for exercise in notebook.exercises}
    for item in load_variants(notebook.number, root):
        if item.diagnosis and item.exercise in diagnoses:
            diagnoses[item.exercise][item.name] = item.diagnosis
    return course.Notebook(
        notebook.number,
        notebook.slug,
        notebook.title,
        notebook.minutes,
        tuple(notebook.needs),
        tuple(
            course.Exercise(
                name=item.name,
                title=item.title,
                minutes=item.minutes,
                difficulty=item.difficulty,
                points=item.points,
                hints=tuple(cell.source for cell in item.hints),
                diagnoses=diagnoses[item.name],
            )
            for item in notebook.exercises
        ),
        tuple(notebook.quizzes),
    )
