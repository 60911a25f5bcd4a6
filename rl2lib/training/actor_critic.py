"""What REINFORCE, A2C, PPO and TRPO have in common: a policy, and whatever guesses the returns it is judged by.

That can be a network of its own, trained by gradients; a baseline that is fitted in closed form; a value head on
the policy's own core; or nothing. The learners differ in what they do with the advantages.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from rl2lib.agents.baseline import Baseline, FittedBaseline
from rl2lib.agents.softmax_policy import PolicyWithValues, SoftmaxPolicy
from rl2lib.nested import in_chunks
from rl2lib.training.learner import Learner, descend
from rl2lib.training.losses import action_log_probs, baseline_loss, centre_by_step
from rl2lib.training.returns import gae
from rl2lib.training.schedules import Schedule, Shape, as_schedule
from rl2lib.training.truncation import unroll, unroll_with_values
from rl2lib.types import StepInput, Trajectory


class Batch(NamedTuple):
    """Whole trials with all that a surrogate loss asks for; minibatches are its rows.

    Attributes:
        inputs: [B, T, ...].
        tasks: B tasks, or None where the baseline does not see them.
        action: [B, T] int64.
        mask: [B, T] bool.
        old_log_prob: [B, T] float32, of the actions when they were taken.
        advantage: [B, T] float32, centred at every step and scaled.
        value: [B, T] float32, what the critic said.
        target: [B, T] float32, what it should have said.
    """

    inputs: StepInput
    tasks: Any
    action: Tensor
    mask: Tensor
    old_log_prob: Tensor
    advantage: Tensor
    value: Tensor
    target: Tensor


def learning_rates(config: Any, shape: Shape = "linear") -> dict[str, Schedule]:
    """Return the learning rates of policy and baseline; a bare number falls to zero, or is constant."""
    rates = {"policy": config.learning_rate, "baseline": config.baseline_learning_rate}
    return {name: as_schedule(rate, shape) for name, rate in rates.items()}


class ActorCritic(Learner):
    """A policy and its critic, their passes and their gradient steps.

    Args:
        policy: the fast learner. Without a baseline, its own value head is the critic if it has one
            (`RecurrentActorCritic`): one pass and one optimiser serve both.
        baseline: a network trained by gradients, or one that is fitted in closed form, or None.
        config: has `max_grad_norm`, `bptt_steps` and `expected_rewards`; `value_weight` for a value head;
            `discount` and `trace` for `estimate`.
        rates: the learning rates, "policy" and "baseline"; a policy without one has no optimiser.
        make_optimiser: of parameters and learning rate.
        without_critic: whether it is all right to have none.

    Raises:
        TypeError: if the baseline is no `Baseline`.
        ValueError: if there is no critic, and there must be one.
    """

    def __init__(
        self,
        policy: SoftmaxPolicy,
        baseline: Baseline | None,
        config: Any,
        rates: dict[str, Schedule],
        make_optimiser: Callable[..., torch.optim.Optimizer] = torch.optim.Adam,
        *,
        without_critic: bool = False,
    ) -> None:
        self.policy, self.baseline, self.config, self.rates = policy, baseline, config, rates
        self.head = policy if baseline is None and isinstance(policy, PolicyWithValues) else None
        self.fitted = baseline if isinstance(baseline, FittedBaseline) else None
        self.modules: dict[str, nn.Module] = {"policy": policy}
        if isinstance(baseline, Baseline):
            self.modules["baseline"] = baseline
        elif baseline is not None:
            raise TypeError(f"baseline: expected an rl2lib.agents.baseline.Baseline, got {type(baseline).__name__}")
        elif self.head is None and not without_critic:
            raise ValueError(
                f"baseline: None needs a policy with a value head, got {type(policy).__name__}; "
                "take a RecurrentActorCritic or give a baseline"
            )
        self.optimisers = {
            name: make_optimiser(module.parameters(), lr=rates[name](0.0))
            for name, module in self.modules.items()
            if name in rates and module is not self.fitted and list(module.parameters())
        }

    @property
    def player(self) -> SoftmaxPolicy:
        """The policy itself."""
        return self.policy

    def rewards(self, trajectory: Trajectory) -> Tensor:
        """Return the rewards [B, T] that advantages are made of, sampled or expected.

        Raises:
            ValueError: if expected rewards are wanted and the environment did not tell them.
        """
        if not self.config.expected_rewards:
            return trajectory.reward
        if trajectory.expected_reward is None:
            raise ValueError("expected_rewards: this environment does not tell them; set expected_rewards=False")
        return trajectory.expected_reward

    def shown(self, tasks: Any) -> Any:
        """Return the tasks if the baseline may see them, else None."""
        return tasks if self.baseline is not None and self.baseline.sees_task else None

    def values(self, inputs: StepInput, tasks: Any) -> Tensor:
        """Return the baseline's values [B, T]; `tasks` are those of `shown`."""
        if self.baseline is None:
            raise ValueError("baseline: expected one, got None")
        return self.baseline.values(inputs) if tasks is None else self.baseline.values(inputs, tasks)

    def logits_and_values(
        self, inputs: StepInput, tasks: Any, *, to_learn: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """Return logits [B, T, A] and the critic's values [B, T], from as few passes as there are networks.

        Args:
            inputs: [B, T, ...].
            tasks: those of `shown`.
            to_learn: the values are wanted for their gradient only: a fitted baseline is not asked.
        """
        if self.head is not None:
            return unroll_with_values(self.head, inputs, self.config.bptt_steps)
        logits = unroll(self.policy, inputs, self.config.bptt_steps)
        if self.baseline is None or (to_learn and self.fitted is not None):
            return logits, None
        return logits, self.values(inputs, tasks)

    @torch.no_grad()
    def estimate(self, trajectory: Trajectory, tasks: Any, *, chunk_trials: int | None = None) -> tuple[Batch, Tensor]:
        """Return what the trials say about the policy that played them, and its logits [B, T, A] then.

        The values come from a baseline that has not learned from these trials: that keeps the advantages of
        trace 1 unbiased.

        Args:
            trajectory: whole trials.
            tasks: the tasks they were played on.
            chunk_trials: how many trials go through the networks at once; None: all.
        """
        config, mask = self.config, trajectory.mask
        inputs, seen = trajectory.step_inputs(), self.shown(tasks)
        pieces = [self.logits_and_values(*some) for some in in_chunks((inputs, seen), len(mask), chunk_trials)]
        logits = torch.cat([piece[0] for piece in pieces]) if len(pieces) > 1 else pieces[0][0]
        value = torch.cat([piece[1] for piece in pieces if piece[1] is not None])
        advantage = gae(self.rewards(trajectory), value, mask, config.discount, config.trace)
        batch = Batch(
            inputs=inputs,
            tasks=seen,
            action=trajectory.action,
            mask=mask,
            old_log_prob=action_log_probs(logits, trajectory.action),
            advantage=centre_by_step(advantage, mask),
            value=value,
            target=advantage + value,
        )
        return batch, logits

    def descend(self, policy_loss: Tensor, values: Tensor | None, target: Tensor, mask: Tensor) -> Tensor | None:
        """Take a gradient step on the policy and on its critic, together where they share a core.

        Args:
            policy_loss: a scalar.
            values: [B, T], with their gradient; None if no critic learns by gradients.
            target: [B, T], what the values should have been.
            mask: [B, T] bool.

        Returns:
            The critic's loss, detached; None where there are no values.

        Raises:
            FloatingPointError: if a loss or a gradient is not finite.
        """
        norm = self.config.max_grad_norm
        value_loss = None if values is None else baseline_loss(values, target, mask)
        if value_loss is not None and self.head is not None:
            policy_loss = policy_loss + self.config.value_weight * value_loss
        elif value_loss is not None and "baseline" in self.optimisers:
            descend(value_loss, "baseline", self.modules["baseline"], self.optimisers["baseline"], norm)
        descend(policy_loss, "policy", self.policy, self.optimisers["policy"], norm)
        return None if value_loss is None else value_loss.detach()

    def fit(self, inputs: StepInput, tasks: Any, target: Tensor, mask: Tensor) -> None:
        """Fit a baseline that is fitted in closed form; nothing happens to any other.

        It comes last in an update: a baseline that has seen these trials' returns would bias their advantages.
        """
        if self.fitted is not None:
            self.fitted.fit(inputs, tasks, target, mask)
