"""Clipped PPO for recurrent policies: a minibatch is a handful of whole trials, unrolled from their start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from rl2lib.agents.recurrent import RecurrentBaseline, RecurrentPolicy
from rl2lib.training.learner import descend
from rl2lib.training.losses import action_log_probs, baseline_loss, centre_by_step, clipped_loss, entropy
from rl2lib.training.returns import gae
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
        learning_rate: of Adam, for the policy, at the start; it falls linearly to zero over training.
        baseline_learning_rate: the same for the baseline.
        entropy_bonus: weight of the entropy at the start; it falls linearly to zero over training.
        max_grad_norm: gradients are clipped to this norm.
    """

    discount: float = 0.99
    trace: float = 0.3
    clip: float = 0.2
    epochs: int = 5
    minibatch_trials: int = 128
    learning_rate: float = 1e-3
    baseline_learning_rate: float = 1e-3
    entropy_bonus: float = 0.01
    max_grad_norm: float = 1.0


class PPO:
    """Clipped PPO (Schulman et al. 2017) with policy and baseline apart.

    The state is unrolled anew from each trial's start at every minibatch: the states the policy had when it
    acted belong to older weights.
    """

    def __init__(self, policy: RecurrentPolicy, baseline: RecurrentBaseline, config: PPOConfig) -> None:
        self.policy, self.baseline, self.config = policy, baseline, config
        self.modules: dict[str, nn.Module] = {"policy": policy, "baseline": baseline}
        self.optimisers: dict[str, torch.optim.Optimizer] = {
            "policy": torch.optim.Adam(policy.parameters(), config.learning_rate),
            "baseline": torch.optim.Adam(baseline.parameters(), config.baseline_learning_rate),
        }

    def update(
        self, trajectory: Trajectory, tasks: Any, *, progress: float, generator: torch.Generator
    ) -> dict[str, float]:
        """Take `epochs` passes over the trials; see `Learner.update`."""
        config = self.config
        self._anneal(1 - progress)
        with torch.no_grad():
            inputs = trajectory.step_inputs()
            logits, _ = self.policy.unroll(inputs)
            old_log_prob = action_log_probs(logits, trajectory.action)
            value = self.baseline.values(inputs)
            advantage = gae(trajectory.reward, value, trajectory.mask, config.discount, config.trace)
            target = advantage + value
            advantage = centre_by_step(advantage, trajectory.mask)
        num_trials = len(trajectory.action)
        totals = torch.zeros(2)
        steps = 0
        for _ in range(config.epochs):
            order = torch.randperm(num_trials, generator=generator, device=generator.device)
            for rows in order.split(config.minibatch_trials):
                few = trajectory.select(rows)
                totals += self._step(
                    few,
                    old_log_prob[rows],
                    advantage[rows],
                    target[rows],
                    config.entropy_bonus * (1 - progress),
                )
                steps += 1
        mean_entropy, value_loss = (totals / steps).tolist()
        return {"baseline_loss": value_loss, "entropy": mean_entropy}

    def _step(self, few: Trajectory, old_log_prob: Tensor, advantage: Tensor, target: Tensor, bonus: float) -> Tensor:
        config, inputs = self.config, few.step_inputs()
        logits, _ = self.policy.unroll(inputs)
        log_prob = action_log_probs(logits, few.action)
        spread = entropy(logits, few.mask)
        loss = clipped_loss(log_prob, old_log_prob, advantage, few.mask, config.clip) - bonus * spread
        descend(loss, "policy", self.policy, self.optimisers["policy"], config.max_grad_norm)
        value_loss = baseline_loss(self.baseline.values(inputs), target, few.mask)
        descend(value_loss, "baseline", self.baseline, self.optimisers["baseline"], config.max_grad_norm)
        return torch.stack([spread.detach(), value_loss.detach()])

    def _anneal(self, left: float) -> None:
        rates = {"policy": self.config.learning_rate, "baseline": self.config.baseline_learning_rate}
        for name, optimiser in self.optimisers.items():
            for group in optimiser.param_groups:
                group["lr"] = rates[name] * left
