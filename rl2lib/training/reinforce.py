"""REINFORCE with a baseline: the plainest slow learner, one gradient step per batch of trials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from rl2lib.agents.baseline import Baseline
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.training.actor_critic import ActorCritic, learning_rates
from rl2lib.training.losses import action_log_probs, entropy, reinforce_loss
from rl2lib.training.returns import discounted_returns
from rl2lib.training.schedules import Schedule
from rl2lib.types import Trajectory


@dataclass(frozen=True)
class ReinforceConfig:
    """Settings of REINFORCE.

    Attributes:
        discount: γ over the trial; the usual estimate leaves out a step's own weight γ^t, so it is exactly the
            gradient of the discounted return only at 1.
        learning_rate: of Adam, for the policy; a bare number stays as it is.
        baseline_learning_rate: the same for the baseline.
        max_grad_norm: gradients are clipped to this norm.
        value_weight: of the critic's loss, where policy and critic share a core.
        expected_rewards: sum expected rewards in place of the sampled ones: the same mean, less noise.
        bptt_steps: how far back a policy's gradient may go; None: to the trial's start.
    """

    discount: float = 0.99
    learning_rate: Schedule | float = 1e-3
    baseline_learning_rate: Schedule | float = 1e-3
    max_grad_norm: float = 1.0
    value_weight: float = 0.5
    expected_rewards: bool = False
    bptt_steps: int | None = None


class Reinforce(ActorCritic):
    """REINFORCE (Williams 1992) through the unrolled policy; without a baseline if none is given."""

    def __init__(self, policy: SoftmaxPolicy, baseline: Baseline | None, config: ReinforceConfig) -> None:
        super().__init__(policy, baseline, config, learning_rates(config, "constant"), without_critic=True)

    def update(
        self, trajectory: Trajectory, tasks: Any, *, progress: float, generator: torch.Generator
    ) -> dict[str, float]:
        """Take one step on policy and baseline; see `Learner.update`."""
        self.anneal(progress)
        inputs, mask, seen = trajectory.step_inputs(), trajectory.mask, self.shown(tasks)
        logits, values = self.logits_and_values(inputs, seen)
        advantage = returns = discounted_returns(self.rewards(trajectory), mask, self.config.discount)
        if values is not None:
            advantage = returns - values.detach()
        loss = reinforce_loss(action_log_probs(logits, trajectory.action), advantage, mask)
        value_loss = self.descend(loss, values, returns, mask)
        self.fit(inputs, seen, returns, mask)
        metrics = {} if value_loss is None else {"baseline_loss": value_loss.item()}
        return {**metrics, "entropy": entropy(logits.detach(), mask).item()}
