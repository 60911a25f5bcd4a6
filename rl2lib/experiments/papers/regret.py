"""Regret of two arms: pull by pull, and the least that can be expected."""

from __future__ import annotations

import torch
from torch import Tensor

from rl2lib.agents.belief_optimal import DependentBanditOptimal
from rl2lib.tasks.bandit import DependentBandits, IndependentBandits
from rl2lib.types import Trajectory


def regret_by_pull(trajectory: Trajectory) -> Tensor:
    """Return cumulative regrets [B, T] of trials in a `RegretEnv`.

    Raises:
        ValueError: if they were played in an environment that does not tell them.
    """
    if trajectory.expected_reward is None:
        raise ValueError("expected_reward: this environment does not tell it; play in a RegretEnv")
    return trajectory.expected_reward.cumsum(dim=1)


def least_regret(distribution: DependentBandits | IndependentBandits, num_pulls: int) -> float:
    """Return the least regret that can be expected of two arms after `num_pulls`, exactly.

    Args:
        distribution: what the arms are drawn from; an agent that does this well knows it.
        num_pulls: n.

    Raises:
        ValueError: if there are more than two independent arms.
    """
    if isinstance(distribution, DependentBandits):
        optimal = DependentBanditOptimal(distribution, num_pulls)
        return optimal.informed_value - optimal.value
    if distribution.num_arms != 2:
        raise ValueError(f"distribution: expected two arms, got {distribution.num_arms}")
    return num_pulls * 2 / 3 - independent_value(num_pulls)  # the larger of two uniform means is 2/3


def independent_value(num_pulls: int) -> float:
    """Return what the Bayes-optimal agent earns on two independent U[0, 1] arms, by backward induction.

    A belief is the pulls and successes of arm 0 and the successes of arm 1 (of `pulled` pulls, the rest were its):
    the recursion goes over all of them at once, a hundred times, where `BayesOptimalPlan` looks up one by one.
    """
    count = torch.arange(num_pulls + 1, dtype=torch.float64)
    pulls, successes, others = count[:, None, None], count[None, :, None], count[None, None, :]
    worth = torch.zeros(num_pulls + 2, num_pulls + 2, num_pulls + 2, dtype=torch.float64)
    for pulled in range(num_pulls - 1, -1, -1):
        # beliefs that cannot occur (more successes than pulls) get numbers too, which nobody asks for
        first, second = (successes + 1) / (pulls + 2), (others + 1) / ((pulled - pulls).clamp(min=0) + 2)
        pull_first = first * (1 + worth[1:, 1:, :-1]) + (1 - first) * worth[1:, :-1, :-1]
        pull_second = second * (1 + worth[:-1, :-1, 1:]) + (1 - second) * worth[:-1, :-1, :-1]
        worth[:-1, :-1, :-1] = pull_first.maximum(pull_second)
    return worth[0, 0, 0].item()
