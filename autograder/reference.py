"""Namespaces made from the course's own cells: the reference, a mutant, a stub."""

from __future__ import annotations

import contextlib
import functools
import io
import os
from pathlib import Path
from typing import Any

from autograder.source import Notebook, load_notebook
from rl2lib.lab.handle import LocalHandle, run_cell


@functools.lru_cache(maxsize=32)
def _setup_namespace(path: Path, modified: float) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    with _quiet_kernel():
        for cell in load_notebook(path).setup():
            run_cell(cell.source, namespace, f"<setup of {path.stem}>")
    return namespace


def setup_namespace(notebook: Notebook) -> dict[str, Any]:
    """Return a fresh namespace in which the notebook's set-up cells have run."""
    return dict(_setup_namespace(notebook.path, notebook.path.stat().st_mtime))


def answer_handle(notebook: Notebook, *answers: str, seconds: float | None = None) -> LocalHandle:
    """Return a handle on the set-up cells and the given answer cells' sources."""
    namespace = setup_namespace(notebook)
    for number, source in enumerate(answers):
        run_cell(source, namespace, f"<answer {number} in {notebook.name}>")
    return LocalHandle(namespace, seconds=seconds)


def reference_handle(notebook: Notebook) -> LocalHandle:
    """Return a handle on the reference answers of every exercise of the notebook."""
    return answer_handle(notebook, *(exercise.answer.source for exercise in notebook.exercises))


@contextlib.contextmanager
def _quiet_kernel() -> Any:
    os.environ.setdefault("MPLBACKEND", "agg")
    with contextlib.redirect_stdout(io.StringIO()):
        yield
