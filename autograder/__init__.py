"""What an instructor runs: builds the course, grades submissions. Never shipped to learners."""

from __future__ import annotations

__version__ = "0.2.0"


def kernel_check(name: str) -> None:
    """Run the hidden check of an exercise in this kernel; the one hidden line of nbgrader's check cells.

    Raises:
        HiddenCheckFailed: the answer is wrong; the message never shows the check or the expected answer.
    """
    from autograder.kernel import kernel_check as run

    run(name)
