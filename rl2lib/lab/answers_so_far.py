"""A learner's own answer of an earlier notebook, where its check passes; the library's version elsewhere."""

from __future__ import annotations

import contextlib
import io
from typing import Any

from rl2lib.lab import checking, course, workbook
from rl2lib.lab.handle import LocalHandle, run_cell
from rl2lib.lab.store import Store


def own(name: str, library: Any, **replaced: Any) -> Any:
    """Return the learner's own answer to exercise `name` if its check has passed, else `library`; print which.

    The answer is read from the learner's copy in `work/`, run in this process after its notebook's set-up cells
    (`exec`, of the learner's own code in the learner's own kernel), and checked once more, since the copy may have
    been edited after the check passed.

    Args:
        name: an exercise of an earlier notebook.
        library: what takes its place; called in the same way.
        **replaced: names of the set-up cells that are to mean something else to the answer, another of the learner's
            own pieces for instance. The check is run without them.

    Raises:
        UnknownName: there is no such exercise.
    """
    notebook, exercise = course.load().exercise(name)
    if name not in Store().passed():
        print(f"{name:16} the library's: yours has not passed its check in {notebook.number} yet")
        return library
    try:
        namespace = _namespace(notebook, name)
        outcome = checking.run_visible(name, LocalHandle(namespace, seconds=checking.SECONDS))
        if outcome.passed and replaced:
            namespace = _namespace(notebook, name, replaced)
    except workbook.WorkbookError as error:
        print(f"{name:16} the library's: {error}")
        return library
    if not outcome.passed:
        print(f"{name:16} the library's: yours in work/ does not pass its check any more ({outcome.status})")
        return library
    print(f"{name:16} yours, exercise of {notebook.number} ({exercise.title})")
    return namespace[name]


def _namespace(notebook: course.Notebook, name: str, replaced: dict[str, Any] | None = None) -> dict[str, Any]:
    """Run a notebook's set-up cells and one of its answers; what they print goes nowhere."""
    release = workbook.read_notebook(workbook.release_path(notebook))
    names = [exercise.name for exercise in notebook.exercises]
    cells = workbook.learner_cells(workbook.read_notebook(workbook.copy_path(notebook)), release, names)
    answers = [cell.source for cell in cells if cell.exercise == name]
    if not answers:
        raise workbook.WorkbookError(f"{notebook.name}: your copy has no cell that defines {name}")
    namespace: dict[str, Any] = {"__name__": "__main__"}
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        for number, source in enumerate(workbook.setup_cells(release)):
            run_cell(source, namespace, f"<set-up {number} of {notebook.name}>")
        namespace.update(replaced or {})
        try:
            run_cell(answers[-1], namespace, f"<{name}, your copy of {notebook.name}>")
        except Exception as error:
            raise workbook.WorkbookError(
                f"{notebook.name}: your cell of {name} raised {type(error).__name__}: {error}"
            ) from None
    return namespace
