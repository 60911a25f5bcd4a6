"""Partial observation: the corridor whose goal is hidden, and wrappers that show less than an environment does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from rl2lib.tasks import sampling
from rl2lib.tasks.episodes import EpisodicEnv, expect_counts, expect_finite, expect_tasks
from rl2lib.types import Step, StepInput, TrialEnv, expect_shape

LEFT, RIGHT = 0, 1


@dataclass(frozen=True)
class Corridors:
    """The goal is at the left or at the right end, equally likely (Alver & Precup 2021, section 4)."""

    def sample(self, num_tasks: int, generator: torch.Generator) -> Tensor:
        """Draw the goal's side [num_tasks] int64: 0 left, 1 right."""
        expect_counts(num_tasks=num_tasks)
        return sampling.integers(2, num_tasks, generator)


class CorridorEnv(EpisodicEnv):
    """A corridor of 2d + 1 cells, the start in the middle, +10 and the episode's end at the goal.

    The observation is the agent's cell as one-hot, [B, 2d + 1]; action 0 moves left, 1 right; a step against an end
    stays. Who does not know the goal walks d or 3d steps in the first episode, and d in every later one: 3d over two
    episodes on average. The paper reports 15.5 steps and not the size: d = 5 if that counts both episodes, d = 10
    if it is the mean of one.

    Args:
        half_length: d, the steps from the start to an end.
        horizon: the steps after which an episode times out; None: 10 d (the paper states none).
        episodes_per_trial: n, the paper's is 2.
        goal_reward: paid at the goal.
    """

    def __init__(
        self,
        half_length: int = 5,
        horizon: int | None = None,
        episodes_per_trial: int = 2,
        *,
        goal_reward: float = 10.0,
    ) -> None:
        expect_counts(half_length=half_length)
        expect_finite(goal_reward=goal_reward)
        horizon = 10 * half_length if horizon is None else horizon
        super().__init__(2, (2 * half_length + 1,), horizon, episodes_per_trial)
        self.half_length = half_length
        self.goal_reward = goal_reward

    def reset(self, tasks: Tensor, generator: torch.Generator) -> Tensor:
        """Start a trial for each goal's side [B] int64, 0 or 1; return the middle cell as one-hot [B, 2d + 1].

        Raises:
            TypeError: if the tasks are no tensor.
            ValueError: if they are not [B] int64 of zeros and ones.
        """
        expect_tasks("tasks", tasks, "goal sides [B]", (), generator, low=0, high=1, dtype=torch.int64)
        self._start(len(tasks), generator)
        self._goal = tasks * (2 * self.half_length)
        self._cell = torch.full_like(tasks, self.half_length)
        return self._observe()

    def step(self, actions: Tensor) -> Step:
        """Move left or right: actions [B]."""
        self._begin_step(actions)
        arrived = (self._cell + 2 * actions - 1).clamp(0, 2 * self.half_length)
        at_goal = arrived == self._goal
        reward = self.goal_reward * at_goal.to(torch.float32)
        ends = self._end_step(at_goal)
        self._cell = torch.where(ends.episode_end, self.half_length, arrived)
        return Step(self._observe(), reward, *ends, reward)

    def _observe(self) -> Tensor:
        return one_hot(self._cell, 2 * self.half_length + 1).to(torch.float32)


class CorridorBelief(NamedTuple):
    """What is known of a corridor.

    Attributes:
        right: [B] float32, the probability that the goal is at the right end.
        cell: [B] int64, where the agent was when it acted last.
        steps: how often it has acted; 0 at a trial's first step, whose input tells of no action.
    """

    right: Tensor
    cell: Tensor
    steps: int

    @classmethod
    def first(cls, batch_size: int, half_length: int, device: torch.device | str = "cpu") -> CorridorBelief:
        """Return a trial's start: either side is as likely."""
        middle = torch.full((batch_size,), half_length, device=device)
        return cls(torch.full((batch_size,), 0.5, device=device), middle, 0)

    def acted(self) -> CorridorBelief:
        """Return the same belief after one more action, whose outcome is not seen yet."""
        return self._replace(steps=self.steps + 1)

    def observe(self, inputs: StepInput, half_length: int) -> CorridorBelief:
        """Return the belief by Bayes' rule (eq. 1 of Alver & Precup 2021), and the cell that is observed.

        Either side predicts what the last step must have paid; a side that predicted otherwise is ruled out.

        Args:
            inputs: of one step, observations [B, 2d + 1].
            half_length: d.

        Raises:
            ValueError: if observations are not [B, 2d + 1], or no corridor pays so.
        """
        last = 2 * half_length
        expect_shape("inputs.observation", inputs.observation, "[B, 2d + 1]", (len(self.cell), last + 1))
        cell = inputs.observation.argmax(dim=1)
        if self.steps == 0:
            return self._replace(cell=cell)
        arrived = (self.cell + 2 * inputs.prev_action - 1).clamp(0, last)
        paid = inputs.prev_reward > 0
        left, right = ((arrived == goal) == paid for goal in (0, last))
        weights = torch.stack([(1 - self.right) * left, self.right * right])
        total = weights.sum(dim=0)
        if bool((total == 0).any()):
            raise ValueError("inputs.prev_reward: expected what one of the two corridors pays, got what neither does")
        return self._replace(right=weights[1] / total, cell=cell)


class LastObservations:
    """Shows the last K observations of the episode side by side, the newest last, zeros before its first.

    What a policy without a state can still know of the past; with K = 1 the environment as it is.

    Args:
        env: any environment.
        num_observations: K.
        across_episodes: keep the window at an episode's end, so that it reaches into the one before.
    """

    def __init__(self, env: TrialEnv[Any], num_observations: int, *, across_episodes: bool = False) -> None:
        expect_counts(num_observations=num_observations)
        self.env = env
        self.num_observations = num_observations
        self.across_episodes = across_episodes
        self.num_actions = env.num_actions
        self.observation_shape: tuple[int, ...] = (num_observations, *env.observation_shape)

    def reset(self, tasks: Any, generator: torch.Generator) -> Tensor:
        """Start a trial per task; return the window [B, K, ...], all zeros but the newest."""
        self._window = self._fresh(self.env.reset(tasks, generator))
        return self._window

    def step(self, actions: Tensor) -> Step:
        """Take actions [B] in the environment."""
        step = self.env.step(actions)
        window = torch.cat([self._window[:, 1:], step.observation[:, None]], dim=1)
        if not self.across_episodes:
            ended = step.episode_end.reshape(-1, *[1] * (window.ndim - 1))
            window = torch.where(ended, self._fresh(step.observation), window)
        self._window = window
        return step._replace(observation=window)

    def _fresh(self, observation: Tensor) -> Tensor:
        nothing = torch.zeros_like(observation)
        return torch.stack([*[nothing] * (self.num_observations - 1), observation], dim=1)


class NoisyObservations:
    """Adds independent N(0, std²) to every number observed; rewards and flags stay as they are.

    Args:
        env: any environment.
        std: the noise's standard deviation.
    """

    def __init__(self, env: TrialEnv[Any], std: float) -> None:
        expect_finite(std=std)
        if std < 0:
            raise ValueError(f"std: expected at least 0, got {std}")
        self.env = env
        self.std = std
        self.num_actions = env.num_actions
        self.observation_shape: tuple[int, ...] = env.observation_shape

    def reset(self, tasks: Any, generator: torch.Generator) -> Tensor:
        """Start a trial per task; return the first observation [B, ...], noisy."""
        self._generator = generator
        return self._blur(self.env.reset(tasks, generator))

    def step(self, actions: Tensor) -> Step:
        """Take actions [B] in the environment."""
        step = self.env.step(actions)
        return step._replace(observation=self._blur(step.observation))

    def _blur(self, observation: Tensor) -> Tensor:
        return sampling.normal(observation, observation.new_full((), self.std), self._generator)
