"""Hidden checks inside a student's kernel: what stock nbgrader runs. Convenient, and tamperable by whoever shares
the kernel; the box is the default for grades that matter.
"""

from __future__ import annotations

from autograder.hidden import fresh_seed, run_hidden
from autograder.source import load_course
from rl2lib.lab.handle import LocalHandle
from rl2lib.lab.notebook import learner_namespace


class HiddenCheckFailed(Exception):
    """The hidden check did not pass; shown as one paragraph, without a traceback into our code."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def kernel_check(name: str) -> None:
    """Run the hidden check of exercise `name` against this kernel's names: the one hidden line of a check cell.

    Raises:
        HiddenCheckFailed: it did not pass; the message shows neither the check nor the expected answer.
    """
    notebook = next(item for item in load_course() if any(exercise.name == name for exercise in item.exercises))
    outcome = run_hidden(notebook, name, LocalHandle(learner_namespace(), seconds=20.0), fresh_seed())
    if not outcome.passed:
        raise HiddenCheckFailed(f"{name}: {outcome.reason}")
