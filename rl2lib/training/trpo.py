"""Trust regions: move as far as the mean KL divergence from the policy that played allows, and no further.

Two ways to find where to go, one line search that makes the promise good (Schulman et al. 2015, appendix C). The
first order way is what Duan et al. 2016 trained with (section 2.4): it needs no second derivatives.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from rl2lib.agents.baseline import Baseline
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.nested import in_chunks, map_tensors, select_rows, shuffled_rows
from rl2lib.training.actor_critic import ActorCritic, Batch, learning_rates
from rl2lib.training.learner import check_gradient, descend
from rl2lib.training.losses import action_log_probs, baseline_loss, entropy, kl_divergence, masked_mean, surrogate
from rl2lib.training.schedules import Schedule, as_schedule
from rl2lib.training.truncation import unroll
from rl2lib.types import Trajectory

SHRINK, MAX_BACKTRACKS = 0.8, 15
"""The line search tries these shares of a proposed step: 1, .8, .64, ... (rllab's numbers)."""


@dataclass(frozen=True)
class TrustRegionConfig:
    """Settings of both kinds of TRPO; the defaults are the paper's for bandits where it names one.

    Attributes:
        discount: γ over the trial.
        trace: λ of the advantages.
        max_kl: the bound on the mean KL divergence, in nats.
        baseline_learning_rate: of Adam; a bare number falls linearly to zero over training.
        baseline_epochs: passes over a batch of trials, for a baseline trained by gradients.
        minibatch_trials: whole trials in a minibatch, wherever Adam takes steps.
        max_grad_norm: Adam's gradients are clipped to this norm.
        expected_rewards: make advantages of expected rewards in place of sampled ones: the same mean, less noise.
        bptt_steps: how far back a policy's gradient may go; None: to the trial's start.
        chunk_trials: how many trials go through the policy at once outside of minibatches, to bound memory;
            None: all.
    """

    discount: float = 0.99
    trace: float = 0.3
    max_kl: float = 0.01
    baseline_learning_rate: Schedule | float = 1e-3
    baseline_epochs: int = 5
    minibatch_trials: int = 128
    max_grad_norm: float = 1.0
    expected_rewards: bool = False
    bptt_steps: int | None = None
    chunk_trials: int | None = None


@dataclass(frozen=True)
class FirstOrderTRPOConfig(TrustRegionConfig):
    """Settings of first-order TRPO, beside `TrustRegionConfig`'s.

    Attributes:
        epochs: passes over a batch of trials that make the proposed step.
        learning_rate: of Adam, for the policy; a bare number falls linearly to zero over training.
        kl_penalty: weight of the KL divergence in the loss of these passes; it keeps the proposal near the region.
    """

    epochs: int = 5
    learning_rate: Schedule | float = 1e-3
    kl_penalty: float = 1.0


@dataclass(frozen=True)
class TRPOConfig(TrustRegionConfig):
    """Settings of TRPO by conjugate gradients, beside `TrustRegionConfig`'s.

    Attributes:
        cg_iterations: of conjugate gradients, each one product with the Fisher matrix.
        damping: added to the Fisher matrix's diagonal, so that no step is endless where the policy does not change.
        fisher_trials: how many of the trials the Fisher matrix is estimated from; None: all. Its products are most
            of an update's time, and the line search looks at all trials anyway.
    """

    cg_iterations: int = 10
    damping: float = 1e-3
    fisher_trials: int | None = None


class _TrustRegion(ActorCritic, ABC):
    """An update: advantages, a proposed step, the line search, then the baseline; a subclass proposes."""

    def __init__(
        self,
        policy: SoftmaxPolicy,
        baseline: Baseline,
        config: TrustRegionConfig,
        rates: dict[str, Schedule],
    ) -> None:
        if baseline is None:
            raise ValueError(
                "baseline: expected one, got None; a value head on the policy's core would move the policy out of "
                "its trust region"
            )
        super().__init__(policy, baseline, config, rates)
        self.parameters = list(policy.parameters())

    @abstractmethod
    def propose(self, batch: Batch, old_logits: Tensor, generator: torch.Generator) -> Tensor:
        """Return a step [P] from the present weights, the full length of it; the weights are as they were."""

    def update(
        self, trajectory: Trajectory, tasks: Any, *, progress: float, generator: torch.Generator
    ) -> dict[str, float]:
        """Take one step inside the trust region, then improve the baseline; see `Learner.update`.

        The history's "step" is the share of the proposal that was taken, 0 where none would do.
        """
        self.anneal(progress)
        batch, old_logits = self.estimate(trajectory, tasks, chunk_trials=self.config.chunk_trials)
        share, kl = self.line_search(self.propose(batch, old_logits, generator), batch, old_logits)
        value_loss = self._improve_baseline(batch, generator)
        spread = entropy(old_logits, batch.mask).item()
        return {"baseline_loss": value_loss, "entropy": spread, "kl": kl, "step": share}

    def line_search(self, step: Tensor, batch: Batch, old_logits: Tensor) -> tuple[float, float]:
        """Take the largest share of a step that keeps the KL divergence and improves the surrogate.

        Returns:
            The share and the KL divergence there; (0, 0), and weights as they were, if no share will do.
        """
        start = self.weights()
        before = masked_mean(batch.advantage, batch.mask).item()  # the surrogate where all ratios are 1
        for backtracks in range(MAX_BACKTRACKS):
            share = SHRINK**backtracks
            self.set_weights(start + share * step)
            gain, kl = self.surrogate_and_kl(batch, old_logits)
            if kl <= self.config.max_kl and gain > before:  # false as well where one is NaN
                return share, kl
        self.set_weights(start)
        return 0.0, 0.0

    @torch.no_grad()
    def surrogate_and_kl(self, batch: Batch, old_logits: Tensor) -> tuple[float, float]:
        """Return the surrogate and the mean KL divergence from `old_logits`, over the whole batch."""
        totals = torch.zeros(2, device=old_logits.device)
        for weight, few, old in self._chunks(batch, old_logits):
            logits = unroll(self.policy, few.inputs, self.config.bptt_steps)
            gain = surrogate(action_log_probs(logits, few.action), few.old_log_prob, few.advantage, few.mask)
            totals += weight * torch.stack([gain, kl_divergence(old, logits, few.mask)])
        gain_and_kl = totals.tolist()
        return gain_and_kl[0], gain_and_kl[1]

    def weights(self) -> Tensor:
        """Return a copy of the policy's weights, [P]."""
        return torch.cat([parameter.detach().flatten() for parameter in self.parameters])

    @torch.no_grad()
    def set_weights(self, flat: Tensor) -> None:
        """Write weights [P] into the policy."""
        sizes = [parameter.numel() for parameter in self.parameters]
        for parameter, part in zip(self.parameters, flat.split(sizes), strict=True):
            parameter.copy_(part.view_as(parameter))

    def _chunks(self, batch: Batch, logits: Tensor) -> list[tuple[Tensor, Batch, Tensor]]:
        """Pieces of a batch, each with its share of the steps: means over pieces add up to the mean over all."""
        total = batch.mask.sum()
        pieces = in_chunks((batch, logits), len(logits), self.config.chunk_trials)
        return [(few.mask.sum() / total, few, some) for few, some in pieces]

    def _improve_baseline(self, batch: Batch, generator: torch.Generator) -> float:
        if "baseline" not in self.optimisers:
            self.fit(batch.inputs, batch.tasks, batch.target, batch.mask)
            return baseline_loss(batch.value, batch.target, batch.mask).item()
        config, losses = self.config, []
        for rows in shuffled_rows(len(batch.mask), config.baseline_epochs, config.minibatch_trials, generator):
            few = select_rows(batch, rows)
            loss = baseline_loss(self.values(few.inputs, few.tasks), few.target, few.mask)
            descend(loss, "baseline", self.modules["baseline"], self.optimisers["baseline"], config.max_grad_norm)
            losses.append(loss.detach())
        return torch.stack(losses).mean().item()


class FirstOrderTRPO(_TrustRegion):
    """TRPO without second derivatives, as in Duan et al. 2016: steps of Adam, then the line search back.

    The step is the straight line from the old weights to where Adam arrived. rllab tunes the penalty's weight
    within an update; here it stays, and the line search alone enforces the bound.
    """

    def __init__(self, policy: SoftmaxPolicy, baseline: Baseline, config: FirstOrderTRPOConfig) -> None:
        super().__init__(policy, baseline, config, learning_rates(config))

    def propose(self, batch: Batch, old_logits: Tensor, generator: torch.Generator) -> Tensor:
        """Return where some epochs of Adam on the penalised surrogate lead, as a step from here."""
        config, start = self.config, self.weights()
        for rows in shuffled_rows(len(batch.mask), config.epochs, config.minibatch_trials, generator):
            few, old = select_rows((batch, old_logits), rows)
            logits = unroll(self.policy, few.inputs, config.bptt_steps)
            gain = surrogate(action_log_probs(logits, few.action), few.old_log_prob, few.advantage, few.mask)
            loss = config.kl_penalty * kl_divergence(old, logits, few.mask) - gain
            descend(loss, "policy", self.policy, self.optimisers["policy"], config.max_grad_norm)
        step = self.weights() - start
        self.set_weights(start)
        return step


class TRPO(_TrustRegion):
    """TRPO by conjugate gradients (Schulman et al. 2015): along F⁻¹ g, to the edge of the region, and back.

    F is the Fisher matrix, the second derivative of the mean KL divergence; it is never written down, its
    products come from differentiating twice.
    """

    def __init__(self, policy: SoftmaxPolicy, baseline: Baseline, config: TRPOConfig) -> None:
        super().__init__(policy, baseline, config, {"baseline": as_schedule(config.baseline_learning_rate)})

    def propose(self, batch: Batch, old_logits: Tensor, generator: torch.Generator) -> Tensor:
        """Return the step along F⁻¹ g at whose end the KL divergence, to second order, is `max_kl`."""
        product = self.fisher(batch)
        direction = conjugate_gradients(product, self.surrogate_gradient(batch), self.config.cg_iterations)
        curvature = direction @ product(direction)
        if not bool(curvature > 0):  # no advantage anywhere: stay
            return torch.zeros_like(direction)
        step: Tensor = direction * (2 * self.config.max_kl / curvature).sqrt()
        return step

    def surrogate_gradient(self, batch: Batch) -> Tensor:
        """Return g, the surrogate's gradient [P] at the present weights.

        Raises:
            FloatingPointError: if it is not finite.
        """
        total = torch.zeros_like(self.weights())
        for weight, few, _ in self._chunks(batch, batch.mask):
            logits = unroll(self.policy, few.inputs, self.config.bptt_steps)
            gain = surrogate(action_log_probs(logits, few.action), few.old_log_prob, few.advantage, few.mask)
            gradients = torch.autograd.grad(gain, self.parameters, allow_unused=True, materialize_grads=True)
            names = [name for name, _ in self.policy.named_parameters()]
            check_gradient(dict(zip(names, gradients, strict=True)), "policy", gain)
            total += weight * _flat(gradients)
        return total

    def fisher(self, batch: Batch) -> Callable[[Tensor], Tensor]:
        """Return the product v -> (F + damping) v for vectors [P]."""
        batch = map_tensors(batch, lambda tensor: tensor[: self.config.fisher_trials])
        chunks = self._chunks(batch, batch.mask)
        # one chunk's graph can be kept for all products; several are built anew each time, that is their point
        kept = [self._kl_gradient(chunks[0][1])] if len(chunks) == 1 else None

        def product(vector: Tensor) -> Tensor:
            total: Tensor = self.config.damping * vector
            for i, (weight, few, _) in enumerate(chunks):
                gradient = self._kl_gradient(few) if kept is None else kept[i]
                second = torch.autograd.grad(
                    gradient @ vector,
                    self.parameters,
                    retain_graph=kept is not None,
                    allow_unused=True,
                    materialize_grads=True,
                )
                total = total + weight * _flat(second)
            return total

        return product

    def _kl_gradient(self, few: Batch) -> Tensor:
        """The gradient [P] of KL(here ‖ θ) in θ: zero at θ = here, but its own derivative is F."""
        logits = unroll(self.policy, few.inputs, self.config.bptt_steps)
        kl = kl_divergence(logits, logits, few.mask)
        first = torch.autograd.grad(kl, self.parameters, create_graph=True, allow_unused=True, materialize_grads=True)
        return _flat(first)


def conjugate_gradients(product: Callable[[Tensor], Tensor], target: Tensor, iterations: int) -> Tensor:
    """Solve F x = target for a positive matrix F that is known by its products only (Hestenes & Stiefel 1952).

    Args:
        product: v [P] -> F v [P].
        target: [P].
        iterations: at most; it stops earlier where nothing is left to solve.
    """
    solution = torch.zeros_like(target)
    residual, direction = target.clone(), target.clone()
    left = residual @ residual
    tiny = 1e-10 * left
    for _ in range(iterations):
        if not bool(left > tiny):
            break
        image = product(direction)
        length = left / (direction @ image)
        solution = solution + length * direction
        residual = residual - length * image
        left, before = residual @ residual, left
        direction = residual + (left / before) * direction
    return solution


def _flat(parts: tuple[Tensor, ...]) -> Tensor:
    return torch.cat([part.flatten() for part in parts])
