"""Clipped PPO for policies with memory: a minibatch is a handful of whole trials, unrolled from their start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from rl2lib.agents.baseline import Baseline
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.nested import select_rows, shuffled_rows
from rl2lib.training.actor_critic import ActorCritic, Batch, learning_rates
from rl2lib.training.losses import action_log_probs, baseline_loss, clipped_loss, entropy, sampled_kl
from rl2lib.training.schedules import Schedule, as_schedule
from rl2lib.types import Trajectory


@dataclass(frozen=True)
class PPOConfig:
    """Settings of PPO.

    Attributes:
        discount: γ over the trial.
        trace: λ of the advantages.
        clip: how far the probability ratio may profit from moving.
        epochs: passes over a batch of trials.
        minibatch_trials: whole trials in a minibatch.
        learning_rate: of Adam, for the policy; a bare number falls linearly to zero over training.
        baseline_learning_rate: the same for a baseline of its own.
        entropy_bonus: weight of the entropy; a bare number falls linearly to zero over training.
        max_grad_norm: gradients are clipped to this norm.
        value_weight: of the critic's loss, where policy and critic share a core.
        expected_rewards: make advantages of expected rewards in place of sampled ones: the same mean, less noise.
        bptt_steps: how far back a policy's gradient may go; None: to the trial's start.
    """

    discount: float = 0.99
    trace: float = 0.3
    clip: float = 0.2
    epochs: int = 5
    minibatch_trials: int = 128
    learning_rate: Schedule | float = 1e-3
    baseline_learning_rate: Schedule | float = 1e-3
    entropy_bonus: Schedule | float = 0.01
    max_grad_norm: float = 1.0
    value_weight: float = 0.5
    expected_rewards: bool = False
    bptt_steps: int | None = None


class PPO(ActorCritic):
    """Clipped PPO (Schulman et al. 2017), with a baseline apart or a value head on the policy's core.

    The state is unrolled anew from each trial's start at every minibatch: the states the policy had when it
    acted belong to older weights.
    """

    def __init__(self, policy: SoftmaxPolicy, baseline: Baseline | None, config: PPOConfig) -> None:
        super().__init__(policy, baseline, config, learning_rates(config))
        self.entropy_bonus = as_schedule(config.entropy_bonus)

    def update(
        self, trajectory: Trajectory, tasks: Any, *, progress: float, generator: torch.Generator
    ) -> dict[str, float]:
        """Take `epochs` passes over the trials; see `Learner.update`."""
        self.anneal(progress)
        bonus = self.entropy_bonus(progress)
        batch, _ = self.estimate(trajectory, tasks)
        minibatches = shuffled_rows(len(batch.mask), self.config.epochs, self.config.minibatch_trials, generator)
        steps = [self._step(select_rows(batch, rows), bonus) for rows in minibatches]
        self.fit(batch.inputs, batch.tasks, batch.target, batch.mask)
        mean_entropy, value_loss, kl = torch.stack(steps).mean(dim=0).tolist()
        return {"baseline_loss": value_loss, "entropy": mean_entropy, "kl": kl}

    def _step(self, few: Batch, bonus: float) -> Tensor:
        """Take one step on a minibatch; return its entropy, the critic's loss and the distance gone."""
        logits, values = self.logits_and_values(few.inputs, few.tasks, to_learn=True)
        log_prob = action_log_probs(logits, few.action)
        spread = entropy(logits, few.mask)
        loss = clipped_loss(log_prob, few.old_log_prob, few.advantage, few.mask, self.config.clip) - bonus * spread
        value_loss = self.descend(loss, values, few.target, few.mask)
        if value_loss is None:  # a fitted baseline: what it said before it saw these trials
            value_loss = baseline_loss(few.value, few.target, few.mask)
        return torch.stack([spread.detach(), value_loss, sampled_kl(log_prob.detach(), few.old_log_prob, few.mask)])
