"""`rl2 check NN`: runs a notebook's visible checks in a child process that is killed when it runs too long."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rl2lib.lab import checking, course, workbook
from rl2lib.lab.checking import Outcome
from rl2lib.lab.handle import LocalHandle, run_cell, student_error

START_SECONDS = 60.0


def check_notebook(
    key: str, path: Path | None = None, only: str | None = None, seconds: float = checking.SECONDS
) -> list[Outcome]:
    """Check the learner's copy of a notebook, or the file at `path`; one outcome an exercise.

    Args:
        key: the notebook's number or name.
        path: the file; the learner's copy in `work/` when not given.
        only: check this exercise alone.
        seconds: time limit of one cell or one check.

    Raises:
        UnknownName: no such notebook or exercise.
        WorkbookError: the file is missing or broken.
    """
    notebook = course.load().notebook(key)
    names = [exercise.name for exercise in notebook.exercises]
    if only is not None:
        if only not in names:
            raise course.UnknownName(f"there is no exercise {only!r} in {notebook.name}; there are: {', '.join(names)}")
        names = [only]
    release = workbook.read_notebook(workbook.release_path(notebook))
    data = workbook.read_notebook(path or workbook.copy_path(notebook))
    cells = workbook.learner_cells(data, release, [exercise.name for exercise in notebook.exercises])
    outcomes: dict[str, Outcome] = {}
    skipped: dict[int, str] = {}
    while waiting := [name for name in names if name not in outcomes]:
        request = {
            "setup": workbook.setup_cells(release),
            "cells": ["" if index in skipped else cell.source for index, cell in enumerate(cells)],
            "names": waiting,
        }
        outcomes.update(_one_child(request, seconds, skipped))
    return [_with_cell_errors(outcomes[name], cells, skipped) for name in names]


def _one_child(request: dict[str, Any], seconds: float, skipped: dict[int, str]) -> dict[str, Outcome]:
    """Run one child until it ends or must be killed; return its outcomes, noting cells to skip next time."""
    command = [sys.executable, "-m", "rl2lib.lab.terminal"]
    environment = {**os.environ, "MPLBACKEND": "agg", "RL2_PROGRESS": "off"}
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    )
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_read, args=(child, lines), daemon=True).start()
    outcomes: dict[str, Outcome] = {}
    doing: dict[str, Any] = {"start": True}
    try:
        child.stdin.write(json.dumps(request))  # type: ignore[union-attr]
        child.stdin.close()  # type: ignore[union-attr]
        while True:
            limit = START_SECONDS if "start" in doing else seconds
            line = lines.get(timeout=limit + 2.0)
            if not line:
                break
            event = json.loads(line)
            if "outcome" in event:
                fields = {**event["outcome"], "notes": tuple(event["outcome"]["notes"])}
                outcomes[fields["exercise"]] = Outcome(**fields)
            elif "error" in event:
                skipped[event["error"]] = event["reason"]
            doing = event
        status, reason = "crashed", "the process that ran your code ended; os._exit, or out of memory?"
    except queue.Empty:
        status, reason = "timeout", f"no answer within {seconds:g} s"
    except BrokenPipeError:
        status, reason = "crashed", "the process that should run your code did not start"
    finally:
        child.kill()
        child.wait()
    if "cell" in doing:
        skipped[doing["cell"]] = f"{reason} while this cell was run"
    elif "check" in doing:
        outcomes[doing["check"]] = Outcome(doing["check"], status, got=reason + ".")
    elif "start" in doing:
        outcomes.update({name: Outcome(name, status, got=reason + ".") for name in request["names"]})
    return outcomes


def _read(child: subprocess.Popen[str], lines: queue.Queue[str]) -> None:
    for line in child.stdout or ():
        lines.put(line)
    lines.put("")


def _with_cell_errors(outcome: Outcome, cells: Sequence[workbook.LearnerCell], skipped: dict[int, str]) -> Outcome:
    """Where an exercise is missing because its own cell failed, say that instead."""
    if outcome.status == "not_attempted":
        for index, reason in skipped.items():
            if cells[index].exercise == outcome.exercise:
                return Outcome(outcome.exercise, "error", got=f"its cell could not be run: {reason}")
    return outcome


def child_main() -> None:
    """What the child runs: set-up cells, the learner's cells, then the checks; events go to the real stdout."""
    request = json.load(sys.stdin)
    events = os.fdopen(os.dup(1), "w", buffering=1)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)

    def tell(**event: Any) -> None:
        events.write(json.dumps(event) + "\n")

    namespace: dict[str, Any] = {"__name__": "__main__"}
    for source in request["setup"]:
        run_cell(source, namespace, "<set-up>")
    for index, source in enumerate(request["cells"]):
        tell(cell=index)
        try:
            run_cell(source, namespace, f"<cell {index + 1}>")
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            found = student_error(error)
            tell(error=index, reason=f"{found.kind}: {found.message}")
    for name in request["names"]:
        tell(check=name)
        outcome = checking.run_visible(name, LocalHandle(namespace))
        tell(outcome=outcome.as_dict())
    tell(done=True)


if __name__ == "__main__":
    child_main()
