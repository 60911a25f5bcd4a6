"""An untrusted notebook file -> the source text of the learner's cells, and nothing else of it."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.build import nbgrader_source, student_release
from autograder.source import Notebook
from rl2lib.lab.workbook import LearnerCell, WorkbookError, learner_cells, read_notebook, source_of

MAX_CELLS = 2000


class Ungradable(Exception):
    """A submission that cannot be graded; the message is the reason that everybody reads."""


@dataclass(frozen=True)
class Submission:
    """What is taken from a submitted file.

    Args:
        cells: the learner's code cells, in order.
        sha256: of the file as submitted.
        flags: what was changed that should not have been; for the instructor, never a penalty.
    """

    cells: tuple[LearnerCell, ...]
    sha256: str
    flags: tuple[str, ...]


def read_submission(path: Path, notebook: Notebook) -> Submission:
    """Read a submitted notebook.

    Raises:
        Ungradable: it is missing, a link, too large, or not a notebook.
    """
    try:
        status = path.lstat()
    except OSError:
        raise Ungradable(f"no file {path.name} was submitted") from None
    if not stat.S_ISREG(status.st_mode) or any(parent.is_symlink() for parent in path.parents[:2]):
        raise Ungradable(f"{path.name} is not a plain file (links are not followed)")
    try:
        data = read_notebook(path)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    except WorkbookError as error:
        raise Ungradable(str(error)) from None
    except OSError as error:
        raise Ungradable(f"{path.name} cannot be read: {os.strerror(error.errno or 0)}") from None
    if len(data["cells"]) > MAX_CELLS:
        raise Ungradable(f"{path.name}: {len(data['cells'])} cells, expected at most {MAX_CELLS}")
    release = student_release(nbgrader_source(notebook))
    names = [exercise.name for exercise in notebook.exercises]
    return Submission(tuple(learner_cells(data, release, names)), sha256, tuple(_flags(data, release)))


def _flags(data: dict[str, Any], release: dict[str, Any]) -> list[str]:
    """Name the locked cells that were deleted, duplicated or changed."""
    submitted: dict[str, list[dict[str, Any]]] = {}
    for cell in data["cells"]:
        name = _grade_id(cell)
        if name:
            submitted.setdefault(name, []).append(cell)
    flags = []
    for cell in release["cells"]:
        name = _grade_id(cell)
        if not name:
            continue
        found = submitted.get(name, [])
        if not found:
            flags.append(f"{name}: cell deleted")
        elif len(found) > 1:
            flags.append(f"{name}: {len(found)} cells carry this id")
        elif cell["metadata"]["nbgrader"]["locked"] and source_of(found[0]).strip() != cell["source"].strip():
            flags.append(f"{name}: locked cell edited")
    return flags


def _grade_id(cell: Any) -> str:
    metadata = cell.get("metadata") if isinstance(cell, dict) else None
    grading = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    name = grading.get("grade_id") if isinstance(grading, dict) else None
    return name if isinstance(name, str) else ""
