"""One submission -> one Result. Scores are decided here, outside the process that runs student code."""

from __future__ import annotations

import ast
import functools
import hashlib
import math
import time
from pathlib import Path

from autograder import __version__
from autograder.box.handle import BoxHandle
from autograder.box.sandbox import Sandbox, SandboxLost
from autograder.hidden import diagnose, fresh_seed, run_hidden
from autograder.result import ExerciseResult, Result
from autograder.source import Exercise, Notebook, load_course, load_variants
from autograder.submission import Submission, Ungradable, read_submission, take_file
from rl2lib import __version__ as course_version
from rl2lib.lab.checking import Outcome, run_visible
from rl2lib.lab.handle import StudentError, StudentGone, StudentTimeout

CALL_SECONDS = 10.0
EXERCISE_SECONDS = 60.0  # all calls of one exercise together
LOADING_SECONDS = 300.0  # all runs of a submission's cells together
SETUP_SECONDS = 60.0


def grade_file(
    path: Path, student: str, notebook: Notebook, seed: int | None = None, *, sandboxed: bool = True
) -> Result:
    """Grade one submitted file; a file that cannot be graded gets a Result that says why.

    Raises:
        SandboxMissing: this machine cannot lock student code away.
        SandboxLost: the sandbox died; grade it again.
    """
    try:
        data = take_file(path)
    except Ungradable as error:
        return ungradable(student, notebook, str(error))
    return grade_bytes(data, student, notebook, fresh_seed() if seed is None else seed, sandboxed=sandboxed)


def grade_bytes(data: bytes, student: str, notebook: Notebook, seed: int, *, sandboxed: bool = True) -> Result:
    """Grade a submitted file's bytes; what cannot be graded gets a Result that says why.

    Raises:
        SandboxMissing: this machine cannot lock student code away.
    """
    try:
        submission = read_submission(data, f"{notebook.name}.ipynb", notebook)
    except Ungradable as error:
        return ungradable(student, notebook, str(error), data)
    sandbox = course_sandbox(sandboxed)
    exercises = tuple(_grade_exercises(submission, notebook, seed, sandbox))
    return Result(
        student,
        notebook.name,
        course_version,
        submission.sha256,
        __version__,
        seed,
        exercises,
        submission.flags,
        sandbox.isolation,
    )


@functools.cache
def course_sandbox(sandboxed: bool) -> Sandbox:
    """Return this process's sandbox, in which everything that the course's set-up cells import is imported already."""
    found: set[str] = set()
    for notebook in load_course():
        for cell in notebook.setup():
            for node in ast.walk(ast.parse(cell.source)):
                if isinstance(node, ast.Import):
                    found.update(item.name for item in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module:
                    found.add(node.module)
    return Sandbox(sorted(found), sandboxed)


def ungradable(student: str, notebook: Notebook, reason: str, data: bytes | None = None) -> Result:
    """Return the Result of a file of which nothing was run: no points for now, and the reason at every exercise."""
    sha256 = "" if data is None else hashlib.sha256(data).hexdigest()
    exercises = tuple(
        ExerciseResult(item.name, 0.0, float(item.points), "ungradable", reason) for item in notebook.exercises
    )
    return Result(student, notebook.name, course_version, sha256, __version__, 0, exercises)


class _Boxes:
    """Keeps one box with the submission's cells loaded, and opens another when it dies."""

    def __init__(self, submission: Submission, notebook: Notebook, sandbox: Sandbox):
        self._submission = submission
        self._setup = [cell.source for cell in notebook.setup()]
        self._sandbox = sandbox
        self._skipped: dict[int, Outcome] = {}
        self._box: BoxHandle | None = None
        self._asked = 0
        self._loading_left = LOADING_SECONDS
        self._exercise_ends = math.inf

    def begin_exercise(self) -> None:
        """Start the clock of an exercise."""
        self._asked += 1
        self._exercise_ends = time.monotonic() + EXERCISE_SECONDS

    @property
    def shared(self) -> bool:
        """Whether the box was asked for another exercise before this one."""
        return self._asked > 1

    def renew(self) -> None:
        """End the box, so that the next one has been asked for nothing."""
        self.close()
        self._box = None

    def open(self) -> BoxHandle:
        """Return a living box in which the set-up cells and the learner's cells have run."""
        while self._box is None or not self._box.alive:
            self._box, self._asked = BoxHandle(self._sandbox, CALL_SECONDS), 1
            try:
                for source in self._setup:
                    self._box.run(source, "<set-up>", SETUP_SECONDS)
            except (StudentGone, StudentTimeout) as error:
                raise SandboxLost(f"our own set-up cells did not run: {error}") from None
            self._load(self._box)
        self._box.give(self._exercise_ends - time.monotonic(), EXERCISE_SECONDS)
        return self._box

    def _load(self, box: BoxHandle) -> None:
        began = time.monotonic()
        box.give(self._loading_left, LOADING_SECONDS)
        for index, cell in enumerate(self._submission.cells):
            if not box.alive:
                break
            self._run(box, index, cell.source)
        self._loading_left -= time.monotonic() - began
        if self._loading_left <= 0:
            for index, cell in enumerate(self._submission.cells):
                late = f"the cells before it had used up the {LOADING_SECONDS:g} s that all cells have together."
                self._skipped.setdefault(index, Outcome(cell.exercise, "timeout", got=late))

    def _run(self, box: BoxHandle, index: int, source: str) -> None:
        name = self._submission.cells[index].exercise
        if index in self._skipped and self._skipped[index].status != "error":
            return
        try:
            box.run(source, f"<cell {index + 1}>")
        except StudentError as error:
            reason = f"its cell raised {error.kind}: {error.message} {error.line}".rstrip()
            self._skipped[index] = Outcome(name, "error", got=reason)
        except StudentTimeout as error:
            self._skipped[index] = Outcome(name, "timeout", got=f"its cell did not end within {error.seconds:g} s.")
        except StudentGone as gone:
            self._skipped[index] = Outcome(name, gone.status, got=f"while its cell was run, {gone.detail}.")

    def cell_failure(self, name: str) -> Outcome | None:
        """Return what went wrong when the exercise's own cell was run, None where nothing did."""
        return next((outcome for outcome in self._skipped.values() if outcome.exercise == name), None)

    def close(self) -> None:
        if self._box is not None:
            self._box.close()


def _grade_exercises(submission: Submission, notebook: Notebook, seed: int, sandbox: Sandbox) -> list[ExerciseResult]:
    boxes = _Boxes(submission, notebook, sandbox)
    try:
        return [_grade_exercise(boxes, notebook, exercise, seed) for exercise in notebook.exercises]
    finally:
        boxes.close()


def _grade_exercise(boxes: _Boxes, notebook: Notebook, exercise: Exercise, seed: int) -> ExerciseResult:
    name = exercise.name
    boxes.begin_exercise()
    hidden = run_hidden(notebook, name, boxes.open(), seed)
    if not hidden.passed and boxes.shared:  # was it the answer, or what an earlier one left behind in the box?
        boxes.renew()
        hidden = run_hidden(notebook, name, boxes.open(), seed)
    if hidden.passed:
        return ExerciseResult(name, float(exercise.points), float(exercise.points), "passed", "")
    failure = boxes.cell_failure(name)
    if failure is not None and hidden.status == "not_attempted":
        hidden = failure
    told, mutant = hidden, None
    if hidden.status == "failed":
        visible = run_visible(name, boxes.open())
        if visible.status == "failed":
            told, mutant = visible, visible.mutant
        if mutant is None:
            mutant = diagnose(notebook, name, hidden, seed)
    return ExerciseResult(
        name,
        0.0,
        float(exercise.points),
        hidden.status,
        told.reason,
        mutant,
        _diagnosis(notebook, name, mutant),
    )


def _diagnosis(notebook: Notebook, name: str, mutant: str | None) -> str:
    found = [item.diagnosis for item in load_variants(notebook.number) if (item.exercise, item.name) == (name, mutant)]
    return found[0] if found else ""
