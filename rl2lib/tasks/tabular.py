"""Tabular MDPs: a task is its transition table and its table of mean rewards; states are observed as one-hot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from rl2lib.tasks import sampling
from rl2lib.tasks.episodes import (
    EpisodicEnv,
    expect_counts,
    expect_finite,
    expect_probabilities,
    expect_record,
    expect_tasks,
)
from rl2lib.types import Step


class TabularTasks(NamedTuple):
    """N tabular MDPs.

    Attributes:
        transition: [N, S, A, S] float32, the probability of the next state; sums to 1 over the last axis.
        reward_mean: [N, S, A] float32, the mean reward of an action in a state.
    """

    transition: Tensor
    reward_mean: Tensor


@dataclass(frozen=True)
class RandomMDPs:
    """Transitions from a symmetric Dirichlet, mean rewards from a normal (Duan et al. 2016, section 3.2).

    With the paper's flat Dirichlet every action leads nearly anywhere and planning hardly pays; a concentration
    well under 1 makes transitions all but deterministic, and then it does.

    Attributes:
        num_states: S.
        num_actions: A.
        concentration: of the Dirichlet, positive; 1 is flat, the paper's.
        reward_location: the mean of the mean rewards.
        reward_scale: their standard deviation.
    """

    num_states: int = 10
    num_actions: int = 5
    concentration: float = 1.0
    reward_location: float = 1.0
    reward_scale: float = 1.0

    def __post_init__(self) -> None:
        expect_counts(num_states=self.num_states, num_actions=self.num_actions)
        expect_finite(
            concentration=self.concentration, reward_location=self.reward_location, reward_scale=self.reward_scale
        )
        if self.concentration <= 0:
            raise ValueError(f"concentration: expected a positive number, got {self.concentration}")
        if self.reward_scale < 0:
            raise ValueError(f"reward_scale: expected at least 0, got {self.reward_scale}")

    def sample(self, num_tasks: int, generator: torch.Generator) -> TabularTasks:
        """Draw `num_tasks` MDPs on the generator's device."""
        expect_counts(num_tasks=num_tasks)
        device = generator.device
        shape = (num_tasks, self.num_states, self.num_actions)
        concentration = torch.full((*shape, self.num_states), self.concentration, device=device)
        location = torch.full(shape, self.reward_location, device=device)
        scale = torch.full((), self.reward_scale, device=device)
        return TabularTasks(sampling.dirichlet(concentration, generator), sampling.normal(location, scale, generator))


@dataclass(frozen=True)
class ChainMDPs:
    """Chains in which only a plan finds the reward (after the Chain of Strens 2000).

    In each state one hidden action leads forward and pays nothing, except in the last state, where it pays
    `goal_reward` and stays; every other action pays `small_reward` and leads back to the first state. So the
    nearest reward is the wrong one: with the defaults and ten steps, a myopic agent that knows every mean earns
    20 an episode, a planner 60, and a random one 11.9.

    Attributes:
        num_states: S, at least 2.
        num_actions: A, at least 2.
        slip: the probability that a step forward leads back to the first state instead.
        small_reward: the mean reward of going back.
        goal_reward: the mean reward of staying at the end.
    """

    num_states: int = 5
    num_actions: int = 2
    slip: float = 0.0
    small_reward: float = 2.0
    goal_reward: float = 10.0

    def __post_init__(self) -> None:
        expect_counts(num_states=self.num_states, num_actions=self.num_actions)
        if self.num_states < 2 or self.num_actions < 2:
            raise ValueError(
                f"num_states, num_actions: a chain needs at least 2, got {self.num_states}, {self.num_actions}"
            )
        expect_probabilities(slip=self.slip)
        expect_finite(small_reward=self.small_reward, goal_reward=self.goal_reward)

    def sample(self, num_tasks: int, generator: torch.Generator) -> TabularTasks:
        """Draw `num_tasks` chains: which action leads forward, independently in each state."""
        expect_counts(num_tasks=num_tasks)
        device, last = generator.device, self.num_states - 1
        draws = sampling.integers(self.num_actions, num_tasks * self.num_states, generator)
        forward = one_hot(draws.reshape(num_tasks, self.num_states), self.num_actions).to(torch.float32)
        following = (torch.arange(self.num_states, device=device) + 1).clamp(max=last)
        ahead = one_hot(following, self.num_states).to(torch.float32)
        back = torch.zeros_like(ahead)
        back[:, 0] = 1.0
        stepped = (1 - self.slip) * ahead + self.slip * back
        # [N, S, A, 1] chooses between two [S, 1, S] tables
        chosen = forward[..., None]
        transition = chosen * stepped[:, None] + (1 - chosen) * back[:, None]
        reward_mean = self.small_reward * (1 - forward)
        reward_mean[:, last] += self.goal_reward * forward[:, last]
        return TabularTasks(transition, reward_mean)


class TabularEnv(EpisodicEnv):
    """Episodes of exactly `horizon` steps from state 0; the observation is the state as one-hot, [B, S].

    Every episode ends by its horizon, so `timed_out` is always set with `episode_end`.

    Args:
        num_states: S.
        num_actions: A.
        horizon: T, the steps of an episode.
        episodes_per_trial: n.
        reward_std: the standard deviation of a reward around its mean.
    """

    def __init__(
        self,
        num_states: int = 10,
        num_actions: int = 5,
        horizon: int = 10,
        episodes_per_trial: int = 10,
        reward_std: float = 1.0,
    ) -> None:
        expect_counts(num_states=num_states)
        expect_finite(reward_std=reward_std)
        if reward_std < 0:
            raise ValueError(f"reward_std: expected at least 0, got {reward_std}")
        super().__init__(num_actions, (num_states,), horizon, episodes_per_trial)
        self.num_states = num_states
        self.reward_std = reward_std

    def reset(self, tasks: TabularTasks, generator: torch.Generator) -> Tensor:
        """Start a trial on each MDP; return state 0 as one-hot [B, S].

        Raises:
            TypeError: if the tasks are no `TabularTasks`.
            ValueError: if a table has another shape, is not float32, or is not of probabilities.
        """
        expect_record(tasks, TabularTasks)
        num_states, num_actions = self.num_states, self.num_actions
        shape = (num_states, num_actions)
        letters = "[B, S, A, S]"
        expect_tasks("transition", tasks.transition, letters, (*shape, num_states), generator, low=0, high=1)
        expect_tasks("reward_mean", tasks.reward_mean, "[B, S, A]", shape, generator)
        if len(tasks.transition) != len(tasks.reward_mean):
            raise ValueError(
                f"tasks: expected as many tables of transitions as of rewards, got {len(tasks.transition)} "
                f"and {len(tasks.reward_mean)}"
            )
        error = float((tasks.transition.sum(dim=-1) - 1).abs().max())
        if error > 1e-4:
            raise ValueError(f"transition: expected to sum to 1 over the last axis, got sums off by up to {error:g}")
        self._start(len(tasks.transition), generator)
        self._tasks = tasks
        self._rows = torch.arange(len(tasks.transition), device=generator.device)
        self._state = torch.zeros_like(self._rows)
        return self._observe()

    def step(self, actions: Tensor) -> Step:
        """Take actions [B] in the current states."""
        generator = self._begin_step(actions)
        mean = self._tasks.reward_mean[self._rows, self._state, actions]
        reward = sampling.normal(mean, mean.new_full((), self.reward_std), generator)
        following = sampling.index(self._tasks.transition[self._rows, self._state, actions], generator)
        ends = self._end_step(torch.zeros_like(actions, dtype=torch.bool))
        self._state = torch.where(ends.episode_end, 0, following)
        return Step(self._observe(), reward, *ends, mean)

    def _observe(self) -> Tensor:
        return one_hot(self._state, self.num_states).to(torch.float32)
