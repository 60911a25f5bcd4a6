"""Hidden checks of notebook 00: the learner's answer against the reference on fresh random inputs."""

from __future__ import annotations

import numpy as np

from rl2lib.lab.handle import Handle
from rl2lib.lab.report import Report


def mean_trial_return(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Random shapes with their edges (one trial, one step), real and integer rewards."""
    wide, tall = (int(size) for size in rng.integers(3, 40, size=2))
    # A general shape comes first: with one trial or one step, several mistakes give the same number.
    shapes = [(64, 7), (1, wide), (tall, 1), (1, 1), (2, 3), (wide + 1, tall), (tall, wide + 2), (5, 100)]
    for num_trials, num_steps in shapes:
        size = (num_trials, num_steps)
        # A mean away from zero keeps the mistakes apart: sums of centred rewards nearly cancel.
        real = rng.normal(loc=1.5, scale=2.0, size=size)
        whole = rng.integers(-3, 10, size=size)
        for kind, rewards in (("real", real), ("integer", whole)):
            what = f"mean_trial_return of {kind} rewards of shape {size}"
            expected = float(reference.call("mean_trial_return", rewards))
            value = student.call("mean_trial_return", rewards)
            # Far above rounding (1e-12 at these sizes), far below any mistake worth catching.
            report.close(what, report.number(what, value), expected, atol=1e-8)
