"""A learner's notebook file: its answer cells, its copy in `work/`, its way into `submitted/`."""

from __future__ import annotations

import ast
import datetime
import getpass
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rl2lib.files import write_whole
from rl2lib.lab import course, places
from rl2lib.lab.checking import STUB

MAX_BYTES = 20_000_000
MAGIC = re.compile(r"^([ \t]*)[%!].*$", re.MULTILINE)


class WorkbookError(Exception):
    """A notebook file that cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class LearnerCell:
    """One code cell of the learner's: an answer (`exercise` is its name) or one they added ("")."""

    exercise: str
    source: str


# --------------------------------------------------------------------------------------- reading


def read_notebook(path: Path) -> dict[str, Any]:
    """Read a notebook file as plain data in format 4.

    Raises:
        WorkbookError: missing, too large, not JSON, or of a format nobody knows.
    """
    if not path.is_file():
        raise WorkbookError(f"{path.name}: there is no such notebook in {path.parent}")
    if path.stat().st_size > MAX_BYTES:
        raise WorkbookError(
            f"{path.name}: {path.stat().st_size} bytes, expected at most {MAX_BYTES}; clear its outputs"
        )
    return parse_notebook(path.read_bytes(), path.name)


def parse_notebook(content: bytes, name: str) -> dict[str, Any]:
    """Read a notebook file's bytes as plain data in format 4; `name` is what messages call it.

    Raises:
        WorkbookError: not JSON, or of a format nobody knows.
    """
    try:
        data = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise WorkbookError(f"{name}: not a notebook (its JSON is broken: {str(error)[:120]})") from None
    if not isinstance(data, dict) or type(data.get("nbformat")) is not int:
        raise WorkbookError(f"{name}: not a notebook (no nbformat number)")
    if data["nbformat"] < 4:
        data = _upgraded(name, data)
    if data["nbformat"] > 4 or not isinstance(data.get("cells"), list):
        raise WorkbookError(f"{name}: notebook format {data['nbformat']}, expected 4; save it from JupyterLab")
    return data


def _upgraded(name: str, data: dict[str, Any]) -> dict[str, Any]:
    import nbformat

    try:
        return dict(nbformat.reads(json.dumps(data), as_version=4))
    except Exception as error:
        words = f"notebook format {data['nbformat']} could not be read ({str(error)[:120]})"
        raise WorkbookError(f"{name}: {words}") from None


def learner_cells(data: dict[str, Any], release: dict[str, Any], exercises: Iterable[str]) -> list[LearnerCell]:
    """Return the learner's own code cells, in order: answers and added cells, none of ours.

    An answer is recognised by the exercise's name in its metadata, or, where an editor dropped that, by the
    function or class it defines. Cells of the release (set-up, checks, demonstrations) are left out, edited or
    not; of several cells for one exercise those still holding the stub are dropped.
    """
    names = set(exercises)
    ours = {cell.get("id") for cell in release["cells"]} - names
    our_texts = {source_of(cell).strip() for cell in release["cells"] if cell.get("cell_type") == "code"}
    found: list[LearnerCell] = []
    for cell in data["cells"]:
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        source = source_of(cell)
        name = _exercise_of(cell, source, names)
        is_ours = cell.get("id") in ours or source.strip() in our_texts
        if source.strip() and (name or not is_ours):
            found.append(LearnerCell(name, plain_python(source)))
    answered = {cell.exercise for cell in found if cell.exercise and not _is_stub(cell)}
    return [cell for cell in found if not (cell.exercise in answered and _is_stub(cell))]


def setup_cells(release: dict[str, Any]) -> list[str]:
    """Return the sources of the release's set-up cells."""
    return [source_of(cell) for cell in release["cells"] if "setup" in cell.get("metadata", {}).get("tags", [])]


def source_of(cell: dict[str, Any]) -> str:
    """Return a cell's text; a notebook may keep it as a string or as a list of lines."""
    source = cell.get("source", "")
    return "".join(map(str, source)) if isinstance(source, list) else str(source)


def plain_python(source: str) -> str:
    """Return the source without IPython's magic and shell lines, which mean nothing outside a notebook."""
    try:
        ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return MAGIC.sub(r"\1pass", source)
    return source


def _exercise_of(cell: dict[str, Any], source: str, names: set[str]) -> str:
    metadata = cell.get("metadata")
    grading = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    named = grading.get("grade_id") if isinstance(grading, dict) else None
    if isinstance(named, str) and named in names:
        return named
    try:
        tree = ast.parse(plain_python(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    defined = [node.name for node in tree.body if isinstance(node, kinds) and node.name in names]
    return defined[0] if defined else ""


def _is_stub(cell: LearnerCell) -> bool:
    return STUB.format(name=cell.exercise) in cell.source


# --------------------------------------------------------------------------------------- the learner's copies


def release_path(notebook: course.Notebook) -> Path:
    """Return the released notebook's file.

    Raises:
        WorkbookError: it is not there.
    """
    path = places.released() / f"{notebook.name}.ipynb"
    if not path.exists():
        raise WorkbookError(f"{notebook.name}: the released notebook is missing at {path}; run `make build`")
    return path


def copy_path(notebook: course.Notebook) -> Path:
    """Return where the learner's own copy lies (or will)."""
    return places.work() / f"{notebook.name}.ipynb"


def start(key: str | None = None) -> list[Path]:
    """Copy the release of one notebook, or of all, into `work/` unless it is there; return their paths."""
    wanted = [course.load().notebook(key)] if key else list(course.load().notebooks)
    places.state().mkdir(parents=True, exist_ok=True)
    for notebook in wanted:
        if not copy_path(notebook).exists():
            write_whole(copy_path(notebook), release_path(notebook).read_bytes())
    return [copy_path(notebook) for notebook in wanted]


def reset(key: str) -> Path | None:
    """Lay a fresh release over the learner's copy; return the dated backup of what was there."""
    notebook = course.load().notebook(key)
    release, mine = release_path(notebook), copy_path(notebook)
    backup = None
    if mine.exists():
        stamp = datetime.datetime.now().strftime("%Y-%m-%d_%H%M%S_%f")
        backup = places.state() / "backups" / f"{notebook.name}_{stamp}.ipynb"
        write_whole(backup, mine.read_bytes())
    write_whole(mine, release.read_bytes())
    return backup


def submit(key: str, student: str | None = None) -> str:
    """Lay the learner's copy in `submitted/<student>/<notebook>/`; return one line that says where.

    Raises:
        UnknownName: no such notebook.
        WorkbookError: there is no copy, or it is not a notebook.
    """
    notebook = course.load().notebook(key)
    mine = copy_path(notebook)
    if not mine.exists():
        raise WorkbookError(f"{notebook.name}: nothing to submit; `rl2 learn {notebook.number}` makes your copy")
    data = read_notebook(mine)
    cells = learner_cells(data, read_notebook(release_path(notebook)), [item.name for item in notebook.exercises])
    answered = {cell.exercise for cell in cells if cell.exercise and not _is_stub(cell)}
    student = re.sub(r"[^A-Za-z0-9_.-]", "_", student or os.environ.get("RL2_STUDENT") or getpass.getuser())
    target = places.work().parent / "submitted" / student / notebook.name / f"{notebook.name}.ipynb"
    write_whole(target, mine.read_bytes())
    done = f"{len(answered)} of {len(notebook.exercises)} exercises answered"
    return f"submitted {notebook.name} for {student} ({done}) to {target}"
