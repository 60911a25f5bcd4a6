"""Visible checks of notebook 00: hand numbers, and what must hold for any rewards."""

from __future__ import annotations

from typing import Any

import numpy as np

from rl2lib.lab.handle import Handle
from rl2lib.lab.report import Report


def _one_number(what: str, value: Any, rewards: np.ndarray, report: Report) -> float:
    """Require one number, and say whether it was one a trial or one a step instead."""
    if isinstance(value, list) or (isinstance(value, np.ndarray) and value.ndim > 0):
        for size, of in zip(rewards.shape, ("trial", "step"), strict=True):
            if len(value) == size:
                report.fail(what, "one number for the whole batch", f"one number a {of}")
    return report.number(what, value)


def mean_trial_return(student: Handle, report: Report) -> None:
    """Two trials by hand, then shapes at their edges, then two identities."""
    call = "mean_trial_return"

    # Trial 0 earns 0+1+1+1 = 3, trial 1 earns 4; their mean is 3.5.
    rewards = np.array([[0.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0]])
    what = "mean_trial_return([[0, 1, 1, 1], [1, 1, 1, 1]])"
    got = _one_number(what, student.call(call, rewards), rewards, report)
    report.close(what, got, 3.5)
    report.note("two trials of four steps, worked by hand")

    by_hand = [
        ([[1.0, 2.0], [3.0, 4.0], [-1.0, 0.5]], 9.5 / 3),  # 3, 7 and -0.5
        ([[2.0, -1.0, 4.0]], 5.0),  # one trial: its own return
        ([[1.0], [0.0], [0.0], [1.0]], 0.5),  # one step: the mean reward
    ]
    for rows, expected in by_hand:
        what = f"mean_trial_return({_brief(rows)})"
        rewards = np.array(rows)
        got = _one_number(what, student.call(call, rewards), rewards, report)
        report.close(what, got, expected)
    report.note("negative rewards, a single trial, a single step")

    counts = np.array([[0, 1, 0], [1, 1, 1]])
    what = "mean_trial_return([[0, 1, 0], [1, 1, 1]]) with integer rewards"
    got = _one_number(what, student.call(call, counts), counts, report)
    report.close(what, got, 2.0)

    # One more unit of reward at every one of five steps is five units a trial.
    rewards = np.array([[0.2, 0.0, -1.0, 0.5, 2.0], [1.0, 0.3, 0.0, 0.0, 0.1], [0.0, 4.0, 1.0, -2.0, 0.6]])
    base = _one_number("mean_trial_return of 3 trials of 5 steps", student.call(call, rewards), rewards, report)
    raised = _one_number("the same rewards, each plus 1", student.call(call, rewards + 1.0), rewards, report)
    report.close("the rise of the mean return when each of 5 rewards a trial grows by 1", raised - base, 5.0)
    report.note("one unit more at every step raises the mean return by the number of steps")


def _brief(rows: list[list[float]]) -> str:
    """The rewards as a learner would type them: 1 rather than 1.0."""
    return "[" + ", ".join("[" + ", ".join(f"{reward:g}" for reward in row) + "]" for row in rows) + "]"
