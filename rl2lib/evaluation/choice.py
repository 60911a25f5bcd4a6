"""Choices made on validation tasks, which nobody is tested on; and the seed that stands for the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from rl2lib.agents.softmax_policy import Mode, SoftmaxPolicy
from rl2lib.evaluation.evaluate import scores
from rl2lib.evaluation.statistics import paired_difference
from rl2lib.tasks.sampling import make_generators
from rl2lib.types import Policy, TaskDistribution, TrialEnv


@dataclass(frozen=True, kw_only=True)
class TaskCounts:
    """How many tasks a scale draws for each cell; an experiment's sizes add to them.

    Attributes:
        test_tasks: of a comparison.
        validation_tasks: of every choice: a baseline's setting, greedy or sampled actions.
    """

    test_tasks: int = 10_000
    validation_tasks: int = 1_000


def draw_tasks(distribution: TaskDistribution[Any], counts: TaskCounts, name: str, *, seed: int) -> tuple[Any, Any]:
    """Return a cell's test tasks, and validation tasks of a stream of their own.

    Args:
        distribution: what both are drawn from.
        counts: how many of each.
        name: of the experiment's streams.
        seed: of the cell.
    """
    test, validation = make_generators(seed, f"{name}: test", f"{name}: validation").values()
    return distribution.sample(counts.test_tasks, test), distribution.sample(counts.validation_tasks, validation)


def best_of(
    candidates: Iterable[tuple[str, Policy[Any]]],
    env: TrialEnv[Any],
    tasks: Any,
    *,
    seed: int,
) -> tuple[str, Policy[Any]]:
    """Return the candidate that earns most on validation tasks, which nobody is tested on."""
    return max(candidates, key=lambda item: scores(item[1], env, tasks, seed=seed).double().mean().item())


def acting_best(policies: Sequence[SoftmaxPolicy], env: TrialEnv[Any], tasks: Any, *, seed: int) -> list[SoftmaxPolicy]:
    """Return trained policies, all in one mode: greedy, unless sampled actions are shown to be better.

    It is decided on validation tasks, paired, by the seeds' mean of every task, and asks for `SHOWN` standard errors:
    the luck of sampled actions alone would often win by a little, and somewhere in the many tables by two.
    """
    greedy, sampled = (
        torch.stack([scores(policy.acting(mode), env, tasks, seed=seed) for policy in policies]).double().mean(dim=0)
        for mode in _MODES
    )
    gain = paired_difference(sampled, greedy)
    mode: Mode = "sampled" if gain.mean > SHOWN * gain.standard_error else "greedy"
    return [policy.acting(mode) for policy in policies]


SHOWN = 3.3
"""Standard errors: chance alone gets there once in two thousand choices, of which the tables make some hundred."""
_MODES: tuple[Mode, ...] = ("greedy", "sampled")
