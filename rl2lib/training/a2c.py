"""Advantage actor-critic, all trials in step: one gradient step per batch, with an entropy bonus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch

from rl2lib.agents.baseline import Baseline
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.training.actor_critic import ActorCritic, learning_rates
from rl2lib.training.losses import action_log_probs, entropy, masked_mean
from rl2lib.training.returns import gae
from rl2lib.training.schedules import Schedule, as_schedule
from rl2lib.types import Trajectory

# RMSprop as in Mnih et al. 2016: a long memory, and an ε that keeps first steps small
OPTIMISERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "rmsprop": partial(torch.optim.RMSprop, alpha=0.99, eps=1e-5),
}


@dataclass(frozen=True)
class A2CConfig:
    """Settings of A2C.

    Attributes:
        discount: γ over the trial.
        trace: λ of the advantages; at 1 they are Monte Carlo returns less the baseline.
        learning_rate: for the policy; a bare number falls linearly to zero over training.
        baseline_learning_rate: the same for a baseline of its own.
        optimiser: "adam" or "rmsprop".
        entropy_bonus: weight of the entropy; a bare number falls linearly to zero over training.
        value_weight: of the critic's loss, where policy and critic share a core.
        max_grad_norm: gradients are clipped to this norm.
        expected_rewards: make advantages of expected rewards in place of sampled ones: the same mean, less noise.
        bptt_steps: how far back a policy's gradient may go; None: to the trial's start.
    """

    discount: float = 0.99
    trace: float = 1.0
    learning_rate: Schedule | float = 1e-3
    baseline_learning_rate: Schedule | float = 1e-3
    optimiser: Literal["adam", "rmsprop"] = "adam"
    entropy_bonus: Schedule | float = 0.01
    value_weight: float = 0.5
    max_grad_norm: float = 1.0
    expected_rewards: bool = False
    bptt_steps: int | None = None


class A2C(ActorCritic):
    """A2C (Mnih et al. 2016, in one process; Wang et al. 2016 trained meta-learners with it).

    Losses are means over steps, so that settings mean the same for short and long trials.
    """

    def __init__(self, policy: SoftmaxPolicy, baseline: Baseline | None, config: A2CConfig) -> None:
        if config.optimiser not in OPTIMISERS:
            raise ValueError(f"optimiser: expected one of {', '.join(OPTIMISERS)}, got {config.optimiser!r}")
        super().__init__(policy, baseline, config, learning_rates(config), OPTIMISERS[config.optimiser])
        self.entropy_bonus = as_schedule(config.entropy_bonus)

    def update(
        self, trajectory: Trajectory, tasks: Any, *, progress: float, generator: torch.Generator
    ) -> dict[str, float]:
        """Take one step on policy and critic; see `Learner.update`."""
        self.anneal(progress)
        config, mask, seen = self.config, trajectory.mask, self.shown(tasks)
        inputs = trajectory.step_inputs()
        logits, values = self.logits_and_values(inputs, seen)
        value = values.detach()  # type: ignore[union-attr]  # there is a critic: the constructor saw to it
        advantage = gae(self.rewards(trajectory), value, mask, config.discount, config.trace)
        target = advantage + value
        spread = entropy(logits, mask)
        gain = masked_mean(action_log_probs(logits, trajectory.action) * advantage, mask)
        value_loss = self.descend(-gain - self.entropy_bonus(progress) * spread, values, target, mask)
        self.fit(inputs, seen, target, mask)
        return {"baseline_loss": float(value_loss), "entropy": spread.item()}  # type: ignore[arg-type]
