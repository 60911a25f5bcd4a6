"""A baseline in closed form: at each step of the trial, the return still to come is linear in a few features.

It is solved, not trained: no learning rate, no forgetting, a few milliseconds. Its features may look at the task
and at the trial so far, never at the action that it judges: step inputs end before it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from rl2lib.agents.baseline import FittedBaseline
from rl2lib.agents.value_iteration import backward_induction
from rl2lib.tasks.episodes import expect_counts
from rl2lib.tasks.tabular import TabularTasks
from rl2lib.types import StepInput, expect_shape

Features = Callable[[StepInput, Any], Tensor]
"""Maps whole trials' inputs [B, T, ...] and their tasks to features [B, T, F] float32."""


class LinearBaseline(FittedBaseline):
    """Ridge regression on features standardised at each step, one regression for every step.

    Before it is fitted its values are zero. A step that no trial reached keeps its own.

    Args:
        features: what it sees, [B, T, F].
        num_features: F.
        num_steps: T, of the longest trial.
        ridge: the penalty on squared weights, in units of one standardised feature's variance.

    Attributes:
        sees_task: True; it is shown the tasks, which no policy is.

    Raises:
        ValueError: if a count is below 1, or the penalty is not above 0.
    """

    sees_task = True

    def __init__(self, features: Features, num_features: int, num_steps: int, ridge: float = 1e-3) -> None:
        super().__init__()
        expect_counts(num_features=num_features, num_steps=num_steps)
        if not ridge > 0:
            raise ValueError(f"ridge: expected a penalty above 0, got {ridge}")
        self.features = features
        self.num_features, self.num_steps, self.ridge = num_features, num_steps, ridge
        # buffers, not parameters: no gradient reaches them, and checkpoints carry them
        self.register_buffer("centre", torch.zeros(num_steps, num_features))
        self.register_buffer("weight", torch.zeros(num_steps, num_features))
        self.register_buffer("intercept", torch.zeros(num_steps))
        self.centre: Tensor
        self.weight: Tensor
        self.intercept: Tensor

    def values(self, inputs: StepInput, tasks: Any = None) -> Tensor:
        """Return the values [B, T] of whole trials' inputs.

        Raises:
            ValueError: if it is shown no tasks, longer trials, or the features have another shape.
        """
        features = self._features(inputs, tasks)
        num_steps = features.shape[1]
        centred = features - self.centre[:num_steps]
        return (centred * self.weight[:num_steps]).sum(dim=-1) + self.intercept[:num_steps]

    def extra_repr(self) -> str:
        """Say its sizes, on a checkpoint's card."""
        return f"num_features={self.num_features}, num_steps={self.num_steps}, ridge={self.ridge}"

    @torch.no_grad()
    def fit(self, inputs: StepInput, tasks: Any, target: Tensor, mask: Tensor) -> None:
        """Solve for the weights that predict `target` best, at each step by itself.

        Args:
            inputs: [B, T, ...].
            tasks: B tasks.
            target: [B, T] float32, the returns still to come.
            mask: [B, T] bool, steps that belong to the trial.

        Raises:
            ValueError: as `values` does, or if a target within a trial is not finite.
        """
        features = self._features(inputs, tasks)
        expect_shape("target", target, "[B, T]", tuple(features.shape[:2]))
        expect_shape("mask", mask, "[B, T]", tuple(features.shape[:2]))
        target = torch.where(mask, target, 0.0)
        if not bool(torch.isfinite(target).all()):
            raise ValueError("target: expected finite numbers, got inf or NaN; look at the rewards")
        # time first; the sums are over trials
        x, y = features.double().transpose(0, 1), target.double().t()
        inside = mask.t()
        count = inside.sum(dim=1)
        share = inside / count.clamp(min=1)[:, None]  # [T, B], each row sums to 1
        centre = (share[..., None] * x).sum(dim=1)
        intercept = (share * y).sum(dim=1)
        x = x - centre[:, None]
        std = (share[..., None] * x.square()).sum(dim=1).sqrt()
        known = std > 1e-6 * (1 + centre.abs())  # a feature that does not vary tells nothing
        x = torch.where(known[:, None], x / torch.where(known, std, 1.0)[:, None], 0.0)
        weighted = (share[..., None] * x).transpose(1, 2)  # [T, F, B]
        gram = weighted @ x + self.ridge * torch.eye(self.num_features, dtype=x.dtype, device=x.device)
        solved = torch.linalg.solve(gram, (weighted @ (y - intercept[:, None])[..., None])).squeeze(-1)
        weight = torch.where(known, solved / torch.where(known, std, 1.0), 0.0)
        rows = (count > 0).nonzero().squeeze(1)
        for buffer, fitted in ((self.centre, centre), (self.weight, weight), (self.intercept, intercept)):
            buffer[rows] = fitted[rows].to(buffer.dtype)

    def _features(self, inputs: StepInput, tasks: Any) -> Tensor:
        if tasks is None:
            raise ValueError("tasks: this baseline sees the task, got None")
        batch_size, num_steps = inputs.prev_action.shape
        if num_steps > self.num_steps:
            raise ValueError(f"inputs: expected at most num_steps = {self.num_steps} steps, got {num_steps}")
        features = self.features(inputs, tasks)
        expect_shape("features", features, "[B, T, F]", (batch_size, num_steps, self.num_features))
        return features


NUM_BANDIT_FEATURES = 6


def bandit_features(inputs: StepInput, means: Tensor) -> Tensor:
    """Return what a bandit's return still to come hangs on, [B, T, 6].

    Of the task: the best mean, the average mean. Of the trial so far: the true means of the arm that looks best
    (posterior mean under a flat prior, untried ones at a half), of the best arm tried, and of the average pull;
    and the share of pulls that the best arm had.

    Args:
        inputs: [B, T, ...].
        means: [B, K] float32, the tasks.
    """
    num_arms = means.shape[1]
    # [B, T, K]: pulls and successes before each step; the first input tells of no pull
    pulled = one_hot(inputs.prev_action, num_arms).to(means.dtype)
    pulled[:, 0] = 0
    pulls = pulled.cumsum(dim=1)
    successes = (pulled * inputs.prev_reward[..., None]).cumsum(dim=1)
    best, arm = means.max(dim=1)
    looks_best = ((successes + 1) / (pulls + 2)).argmax(dim=-1)
    share = pulls / pulls.sum(dim=-1, keepdim=True).clamp(min=1)
    everywhere = torch.zeros_like(inputs.prev_reward)
    return torch.stack(
        [
            everywhere + best[:, None],
            everywhere + means.mean(dim=1, keepdim=True),
            means.gather(1, looks_best),
            (means[:, None] * (pulls > 0)).amax(dim=-1),
            (means[:, None] * share).sum(dim=-1),
            share.gather(-1, arm[:, None, None].expand(-1, share.shape[1], 1)).squeeze(-1),
        ],
        dim=-1,
    )


NUM_MDP_FEATURES = 8


def mdp_features(inputs: StepInput, tasks: TabularTasks, horizon: int) -> Tensor:
    """Return what a tabular MDP's return still to come hangs on, [B, T, 8].

    Of the task: an optimal episode's reward, the average mean reward, and the best action's, averaged over states.
    Of the trial so far: the true mean reward of the action that looks best (smallest posterior on rewards, prior
    N(1, 1)), and of the best one tried, averaged over states; the share of state-actions tried. Of the current
    state: the best action's mean reward, and that of the one that looks best.

    Args:
        inputs: [B, T, ...], observations one-hot.
        tasks: B MDPs.
        horizon: the steps of an episode.
    """
    mean = tasks.reward_mean
    batch_size, num_states, num_actions = mean.shape
    state = inputs.observation.argmax(dim=-1)
    # [B, T, S A]: visits and rewards before each step; the first input tells of no action
    pair = torch.cat([state[:, :1], state[:, :-1]], dim=1) * num_actions + inputs.prev_action
    seen = mean.new_zeros(*state.shape, num_states * num_actions)
    one = torch.ones_like(inputs.prev_reward)
    one[:, 0] = 0
    visits = seen.scatter(2, pair[..., None], one[..., None]).cumsum(dim=1)
    paid = seen.scatter(2, pair[..., None], (one * inputs.prev_reward)[..., None]).cumsum(dim=1)
    pairs = *state.shape, num_states, num_actions
    everywhere = mean[:, None].expand(pairs)
    looks_best = ((paid + 1) / (visits + 1)).view(pairs).argmax(dim=-1, keepdim=True)
    leader = everywhere.gather(3, looks_best).squeeze(-1)  # [B, T, S]
    tried = (visits > 0).view(pairs)
    lowest = mean.amin(dim=-1)[:, None]
    best_tried = torch.where(tried, everywhere, lowest[..., None]).amax(dim=-1)
    best = mean.amax(dim=-1)
    start = torch.zeros_like(inputs.prev_reward)
    optimal = backward_induction(tasks.transition, mean, horizon)[:, -1].amax(dim=-1)
    first = state[:, 0]
    row = torch.arange(batch_size, device=mean.device)
    return torch.stack(
        [
            start + optimal[row, first][:, None],
            start + mean.mean(dim=(1, 2))[:, None],
            start + best.mean(dim=1)[:, None],
            leader.mean(dim=-1),
            best_tried.mean(dim=-1),
            tried.to(mean.dtype).mean(dim=(2, 3)),
            best.gather(1, state),
            leader.gather(2, state[..., None]).squeeze(-1),
        ],
        dim=-1,
    )
