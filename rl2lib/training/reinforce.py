"""REINFORCE with a recurrent baseline: the plainest slow learner, one gradient step per batch of trials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from rl2lib.agents.recurrent import RecurrentBaseline, RecurrentPolicy
from rl2lib.training.learner import descend
from rl2lib.training.losses import action_log_probs, baseline_loss, entropy, reinforce_loss
from rl2lib.training.returns import discounted_returns
from rl2lib.types import Trajectory


@dataclass(frozen=True)
class ReinforceConfig:
    """Settings of REINFORCE.

    Attributes:
        discount: γ over the trial; the usual estimate leaves out a step's own weight γ^t, so it is exactly the
            gradient of the discounted return only at 1.
        learning_rate: of Adam, for the policy.
        baseline_learning_rate: of Adam, for the baseline.
        max_grad_norm: gradients are clipped to this norm.
    """

    discount: float = 0.99
    learning_rate: float = 1e-3
    baseline_learning_rate: float = 1e-3
    max_grad_norm: float = 1.0


class Reinforce:
    """REINFORCE (Williams 1992) through the unrolled policy; without a baseline if none is given."""

    def __init__(self, policy: RecurrentPolicy, baseline: RecurrentBaseline | None, config: ReinforceConfig) -> None:
        self.policy, self.baseline, self.config = policy, baseline, config
        self.modules: dict[str, nn.Module] = {"policy": policy}
        self.optimisers: dict[str, torch.optim.Optimizer] = {
            "policy": torch.optim.Adam(policy.parameters(), config.learning_rate)
        }
        if baseline is not None:
            self.modules["baseline"] = baseline
            self.optimisers["baseline"] = torch.optim.Adam(baseline.parameters(), config.baseline_learning_rate)

    def update(
        self, trajectory: Trajectory, tasks: Any, *, progress: float, generator: torch.Generator
    ) -> dict[str, float]:
        """Take one step on policy and baseline; see `Learner.update`."""
        inputs, mask = trajectory.step_inputs(), trajectory.mask
        advantages = returns = discounted_returns(trajectory.reward, mask, self.config.discount)
        metrics = {}
        if self.baseline is not None:
            values = self.baseline.values(inputs)
            advantages = returns - values.detach()
            loss = baseline_loss(values, returns, mask)
            descend(loss, "baseline", self.baseline, self.optimisers["baseline"], self.config.max_grad_norm)
            metrics["baseline_loss"] = loss.item()
        logits, _ = self.policy.unroll(inputs)
        loss = reinforce_loss(action_log_probs(logits, trajectory.action), advantages, mask)
        descend(loss, "policy", self.policy, self.optimisers["policy"], self.config.max_grad_norm)
        return {**metrics, "entropy": entropy(logits.detach(), mask).item()}
