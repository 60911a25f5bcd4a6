"""Untrained policies in the place of a plan's trained ones."""

from __future__ import annotations

from collections.abc import Callable

from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.experiments.plan import Run, Scale


class FreshWeights:
    """Policies as they are before training: enough to see who plays whom.

    Args:
        runs: the plan's own, by scale; the smoke scale's are made.
        seeds: of each.
    """

    def __init__(self, runs: Callable[[Scale], list[Run]], seeds: int = 2) -> None:
        self.runs, self.seeds = runs, seeds

    def policies(self, name: str) -> list[SoftmaxPolicy]:
        """Return a run's policies, one a seed."""
        (run,) = [run for run in self.runs("smoke") if run.name == name]
        return [run.policy(seed) for seed in range(self.seeds)]
