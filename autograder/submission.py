"""An untrusted folder -> files -> their bytes -> the source text of the learner's cells, and nothing else of them.

Taking and reading are two steps, so that they may happen on two machines: the client takes bytes and parses none, a
worker parses bytes and opens no file.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.result import student_problem
from autograder.source import Notebook, load_release
from rl2lib.lab.workbook import MAX_BYTES, LearnerCell, WorkbookError, learner_cells, parse_notebook, source_of

MAX_CELLS = 2000
# Seven times the code of our longest notebook; parsing costs 1 KB of memory and 30 µs a character at worst.
MAX_SOURCE = 200_000
NO_LINKS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
MAX_SHOWN = 80
TWIN = "another student's folder has the same name but for case or the encoding of accents"


class Ungradable(Exception):
    """A submission that cannot be graded; the message is the reason that everybody reads."""


@dataclass(frozen=True)
class Job:
    """One submitted file, waiting; `flags` are what its folder tells the instructor."""

    path: Path
    student: str
    notebook: str
    flags: tuple[str, ...] = ()


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


# --------------------------------------------------------------------------------------- finding and taking files


def find_jobs(folder: Path, course: list[Notebook], names: Iterable[str] = ()) -> tuple[list[Job], list[str]]:
    """List `folder`/<student>/<notebook>/<notebook>.ipynb; a notebook folder without its file is a job too.

    Args:
        folder: the submissions.
        course: the notebooks to grade.
        names: of notebooks that are not graded now, and known all the same.

    Returns:
        The jobs; and one line, with its reason, for everything else that lies where a submission should.

    Raises:
        FileNotFoundError: there is no such folder, or nothing in it that could be graded.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: expected a folder of submissions, <student>/<notebook>/<notebook>.ipynb")
    wanted = {notebook.name for notebook in course}
    jobs, left_out = [], []
    students = _entries(folder)
    twins = Counter(_same_for_some(student.name) for student in students)
    for student in students:
        if not student.is_dir(follow_symlinks=False):
            left_out.append(f"{_shown(student.name)}: not a folder (links are not followed)")
            continue
        if problem := student_problem(student.name):
            left_out.append(f"{_shown(student.name)}: {problem}")
            continue
        flags = (TWIN,) if twins[_same_for_some(student.name)] > 1 else ()
        try:
            works = _entries(Path(student))
        except OSError as error:
            left_out.append(f"{student.name}: cannot be read: {error.strerror}")
            continue
        for work in works:
            if work.name in wanted:
                jobs.append(Job(Path(work) / f"{work.name}.ipynb", student.name, work.name, flags + _extras(work)))
            elif work.name not in names:
                left_out.append(f"{student.name}/{_shown(work.name)}: there is no notebook of this name")
    if not jobs:
        reasons = "".join(f"\n  {line}" for line in left_out[:20])
        raise FileNotFoundError(f"{folder}: no submission of {', '.join(sorted(wanted))} in it{reasons}")
    return jobs, left_out


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as found:
        return sorted(found, key=lambda entry: entry.name)


def _extras(work: os.DirEntry[str]) -> tuple[str, ...]:
    """Name the notebooks that lie beside the one that is graded."""
    names: list[str] = []
    if work.is_dir(follow_symlinks=False):
        with contextlib.suppress(OSError):
            names = sorted(set(os.listdir(work)) - {f"{work.name}.ipynb"})
            names = [name for name in names if name.endswith(".ipynb")]
    return tuple(f"also submitted: {_shown(name)}" for name in names[:5])


def _same_for_some(name: str) -> str:
    """Return what a file system that minds neither case nor the encoding of accents takes the name for."""
    return unicodedata.normalize("NFKC", name).casefold()


def _shown(name: str) -> str:
    return (name if name.isprintable() else ascii(name))[:MAX_SHOWN]


def take_file(path: Path) -> bytes:
    """Return the bytes of `<submissions>/<student>/<notebook>/<file>`, following no link below the submissions.

    Each step down is opened from the one above it, so that nothing can be swapped for a link in between, and without
    blocking, so that a pipe that nobody writes to holds up nobody.

    Raises:
        Ungradable: it is missing, a link, not a plain file, too large, or cannot be read.
    """
    with contextlib.ExitStack() as opened:
        try:
            handle = os.open(path.parents[2], os.O_RDONLY | os.O_CLOEXEC)
            opened.callback(os.close, handle)
            for part in path.parts[-3:]:
                handle = os.open(part, NO_LINKS, dir_fd=handle)
                opened.callback(os.close, handle)
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise Ungradable(f"{path.name} is not a plain file")
            with os.fdopen(os.dup(handle), "rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise Ungradable(_no_file(path.name, error)) from None
    if len(data) > MAX_BYTES:
        raise Ungradable(f"{path.name} has more than {MAX_BYTES} bytes; clear its outputs")
    return data


def _no_file(name: str, error: OSError) -> str:
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return f"no file {name} was submitted"
    if error.errno == errno.ELOOP:
        return f"{name} is not a plain file (links are not followed)"
    return f"{name} cannot be read: {os.strerror(error.errno or 0)}"


# --------------------------------------------------------------------------------------- reading one


def read_submission(data: bytes, filename: str, notebook: Notebook) -> Submission:
    """Take the learner's cells from a submitted notebook's bytes; `filename` is what messages call it.

    Raises:
        Ungradable: it is not a notebook, or holds more than anybody writes.
    """
    try:
        submitted = parse_notebook(data, filename)["cells"]
        if len(submitted) > MAX_CELLS:
            raise Ungradable(f"{filename}: {len(submitted)} cells, expected at most {MAX_CELLS}")
        cells = [_plain_cell(cell) for cell in submitted if isinstance(cell, dict) and cell.get("cell_type") == "code"]
    except WorkbookError as error:
        raise Ungradable(str(error)) from None
    except RecursionError:
        raise Ungradable(f"{filename}: not a notebook (its JSON is nested too deeply)") from None
    written = sum(len(cell["source"]) for cell in cells)
    if written > MAX_SOURCE:
        raise Ungradable(f"{filename}: {written} characters of code, expected at most {MAX_SOURCE}")
    release = load_release(notebook)
    names = [exercise.name for exercise in notebook.exercises]
    found = tuple(learner_cells({"cells": cells}, release, names))
    return Submission(found, hashlib.sha256(data).hexdigest(), tuple(_flags(cells, release)))


def _plain_cell(cell: dict[str, Any]) -> dict[str, Any]:
    """Keep a code cell's text, id and nbgrader's name for it, as the plain text that they should be."""
    metadata = cell.get("metadata")
    grading = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    name = grading.get("grade_id") if isinstance(grading, dict) else None
    given = cell.get("id")
    return {
        "cell_type": "code",
        "id": given if isinstance(given, str) else "",
        "metadata": {"nbgrader": {"grade_id": name if isinstance(name, str) else ""}},
        "source": source_of(cell).encode("utf-8", "replace").decode(),
    }


def _flags(cells: list[dict[str, Any]], release: dict[str, Any]) -> list[str]:
    """Name the locked cells that were deleted, duplicated or changed."""
    submitted: dict[str, list[dict[str, Any]]] = {}
    for cell in cells:
        submitted.setdefault(cell["metadata"]["nbgrader"]["grade_id"], []).append(cell)
    flags = []
    for cell in release["cells"]:
        grading = cell["metadata"].get("nbgrader")
        if not grading:
            continue
        name = grading["grade_id"]
        found = submitted.get(name, [])
        if not found:
            flags.append(f"{name}: cell deleted or retyped")
        elif len(found) > 1:
            flags.append(f"{name}: {len(found)} cells carry this id")
        elif grading["locked"] and found[0]["source"].strip() != cell["source"].strip():
            flags.append(f"{name}: locked cell edited")
    return flags
