"""Runs the solution notebooks for reading: solutions/NN_slug.ipynb, with their outputs."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.release import nbgrader_source, solution_notebook, to_text
from autograder.source import Notebook, find_notebook, load_course
from rl2lib.files import write_if_changed

CELL_SECONDS = 300


def execute_solutions(root: Path, only: str | None = None) -> None:
    """Execute every solution notebook whose source changed since it was executed last (or the one named)."""
    chosen = [find_notebook(only, root)] if only else [item for item in load_course(root) if is_stale(item)]
    for notebook in chosen:
        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as work:
            # A folder of its own: the notebook shows a first learner's progress, not the author's.
            executed = execute(solution_notebook(nbgrader_source(notebook)), root / "notebooks", work)
        executed.metadata["rl2"] = {"notebook": notebook.number, "source_sha256": source_hash(notebook)}
        write_if_changed(executed_path(notebook), to_text(executed))
        print(f"executed {notebook.name} in {time.perf_counter() - began:.1f} s")


def execute(notebook: NotebookNode, cwd: Path, work: str, allow_errors: bool = False) -> NotebookNode:
    """Run a notebook's cells in a fresh kernel, its learner's folder being `work`; return it for static reading."""
    from nbclient import NotebookClient

    os.environ.update(RL2_PROGRESS="on", RL2_WORK=work)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(cwd)}},
        allow_errors=allow_errors,
        extra_arguments=["--IPKernelApp.log_level=40"],
    )
    client.record_timing = False
    client.execute()
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            # Widgets need a kernel, and their ids change at every run; the still picture beside them stays.
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
    return notebook


def stale_solutions(root: Path) -> list[Path]:
    """Return the executed notebooks that are missing or older than their source."""
    return [executed_path(notebook) for notebook in load_course(root) if is_stale(notebook)]


def is_stale(notebook: Notebook) -> bool:
    """Whether the executed notebook was made from another source."""
    path = executed_path(notebook)
    if not path.exists():
        return True
    metadata = nbformat.read(path, as_version=4).metadata
    return bool(metadata.get("rl2", {}).get("source_sha256") != source_hash(notebook))


def source_hash(notebook: Notebook) -> str:
    """Return the hash of a notebook's own source, the one thing that an executed notebook goes stale by.

    What it shows of the rest of the course, the map in 00 and the table of `progress()`, is as of its last execution.
    """
    return hashlib.sha256(notebook.path.read_bytes()).hexdigest()


def executed_path(notebook: Notebook) -> Path:
    """Return where the executed solution lies."""
    return notebook.path.with_suffix(".ipynb")
