"""Runs one check against one handle and says how it ended. The grader uses the same function."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from rl2lib.lab import course, refusals
from rl2lib.lab.handle import Handle, StudentError, StudentGone, StudentTimeout
from rl2lib.lab.refusals import Refusal
from rl2lib.lab.report import CheckFailure, Report

SECONDS = 10.0
NO_MEMORY_CAUSE = "A correct answer needs a few megabytes: look for a list or an array that grows with every step."
STUB = "{name}: write your answer here"


@dataclass(frozen=True)
class Outcome:
    """How one check ended.

    Args:
        exercise: the exercise's name.
        status: passed, failed, not_attempted, error, timeout, crashed, memory, tampered or ungradable.
        what: the call or property that was looked at.
        expected: what should have come.
        got: what came.
        cause: the likely cause, "" where none is known.
        mutant: the known wrong answer that it looks like, None where none was recognised.
        notes: steps that passed and are worth telling.
        seconds: wall time.
        refusal: where the check stopped and at what, None where it did not come to that.
    """

    exercise: str
    status: str
    what: str = ""
    expected: str = ""
    got: str = ""
    cause: str = ""
    mutant: str | None = None
    notes: tuple[str, ...] = field(default=())
    seconds: float = 0.0
    refusal: Refusal | None = field(default=None, repr=False)

    @property
    def passed(self) -> bool:
        """Whether the answer is right."""
        return self.status == "passed"

    @property
    def reason(self) -> str:
        """The outcome in one paragraph."""
        if self.passed:
            return ""
        parts = [f"{self.what}: " if self.what else ""]
        if self.expected:
            parts.append(f"expected {self.expected}, got {self.got}.")
        else:
            parts.append(self.got)
        if self.cause:
            parts.append(f" {self.cause}")
        return "".join(parts).strip()

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-able data, the refusal left out."""
        return asdict(replace(self, refusal=None))


def visible_check(name: str) -> Callable[[Handle, Report], None]:
    """Return the visible check of an exercise.

    Raises:
        UnknownName: there is no such exercise.
    """
    notebook, _ = course.load().exercise(name)
    return getattr(importlib.import_module(f"rl2lib.lab.checks.nb{notebook.number}"), name)


def run_visible(name: str, handle: Handle) -> Outcome:
    """Run the visible check of exercise `name` against a handle; name the mutant that the answer looks like."""
    outcome = refuse(name, handle)
    mutant = refusals.alike(outcome.refusal, refusals.load().get(name, {})) if outcome.refusal else None
    if mutant is None:
        return outcome
    _, exercise = course.load().exercise(name)
    return replace(outcome, mutant=mutant, cause=exercise.diagnoses.get(mutant, outcome.cause))


def refuse(name: str, handle: Handle) -> Outcome:
    """Run the visible check of exercise `name` against a handle, and name nothing."""
    check = visible_check(name)
    return run_check(name, handle, Report(name), lambda report: check(handle, report))


def run_check(name: str, handle: Handle, report: Report, check: Callable[[Report], None]) -> Outcome:
    """Run a check and turn whatever happens into an `Outcome`; "ungradable" is for a person to look at."""
    began = time.perf_counter()

    def ended(status: str, **parts: Any) -> Outcome:
        return Outcome(name, status, notes=tuple(report.notes), seconds=time.perf_counter() - began, **parts)

    try:
        if handle.kind(name) == "missing":
            return ended("not_attempted", got=f"nothing is called {name} yet. Run the cell that defines it first.")
        if handle.origin(name).split(".")[0] == "rl2lib":
            return ended(
                "failed",
                what=name,
                expected="your own answer",
                got=f"the library's own {name}, from {handle.origin(name)}",
                cause="It is right, of course; but writing it is the exercise.",
            )
        check(report)
    except CheckFailure as failure:
        return ended(
            "failed",
            what=failure.what,
            expected=failure.expected,
            got=failure.got,
            cause=failure.cause,
            refusal=Refusal(failure.what, failure.seen),
        )
    except StudentError as error:
        if error.kind == "NotImplementedError" and error.message == STUB.format(name=name):
            return ended("not_attempted", got=error.message)
        where = f" at {error.line}" if error.line else ""
        if error.kind == "MemoryError":
            return ended("memory", what=error.during, got=f"your code ran out of memory{where}.", cause=NO_MEMORY_CAUSE)
        raised = f"{error.kind}: {error.message}"
        return ended(
            "error",
            what=error.during,
            got=f"your code raised {raised}{where}",
            cause=_exception_hint(name, error),
            refusal=Refusal(error.during, refusals.words(raised)),
        )
    except StudentTimeout as error:
        return ended(
            "timeout",
            got=f"no answer within {error.seconds:g} s.",
            cause="A correct answer takes far less: look for a loop whose condition never becomes false.",
        )
    except StudentGone as gone:
        return ended(gone.status, got=gone.detail)
    except Exception as error:  # a value that no check foresaw must cost one exercise, not a notebook
        return ended(
            "ungradable",
            got=f"the check cannot work with what your answer returned ({type(error).__name__}: {str(error)[:300]}).",
            cause="Compare types and shapes with the docstring. Are they right? Then the check is wrong: report it.",
        )
    return ended("passed")


def _exception_hint(name: str, error: StudentError) -> str:
    text = error.message
    if error.kind == "NameError":
        return "A name is used that nothing defined: run the set-up cell at the top, and answer with its names only."
    if error.kind == "TypeError" and "argument" in text and f"{name}(" in text:
        return "The check calls it as the exercise's signature says: compare the parameters' names and order."
    if "unhashable type" in text:
        return "An array cannot be a dictionary's key or a set's member, or be cached: turn it into numbers or a tuple."
    if "Class values must be smaller than num_classes" in text or "out of bounds" in text:
        return "An index is larger than what it indexes: which argument says how many there are?"
    if "same number of dimensions" in text or "shape" in text or "size" in text:
        return "Print the shapes just before that line; the first dimension is the batch."
    return ""
