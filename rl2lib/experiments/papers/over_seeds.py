"""A mean over tasks when several seeds played them: its interval holds the noise of both."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from rl2lib.evaluation.statistics import Estimate, mean_estimate


def over_tasks_and_seeds(values: Sequence[Tensor]) -> Estimate:
    """Return the mean with a 95% interval over tasks and, where there are several seeds, over seeds.

    The two half-intervals add like independent errors. Of differences between two agents on the same tasks it is a
    paired interval.

    Args:
        values: [N] on the same tasks, one tensor a seed.
    """
    every = torch.stack(list(values)).double()
    tasks = mean_estimate(every.mean(dim=0))
    error, half = tasks.standard_error, tasks.high - tasks.mean
    if len(every) > 1:
        seeds = mean_estimate(every.mean(dim=1))
        error, half = math.hypot(error, seeds.standard_error), math.hypot(half, seeds.high - seeds.mean)
    return Estimate(tasks.mean, error, tasks.mean - half, tasks.mean + half)
