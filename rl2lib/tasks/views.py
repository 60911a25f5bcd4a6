"""Views of an environment: the same tasks and moves, told more of the task, or scored another way."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from rl2lib.tasks.bandit import BanditEnv
from rl2lib.tasks.pomdp import CorridorBelief, CorridorEnv
from rl2lib.types import Step, StepInput, TrialEnv


def which_of_two(tasks: Tensor) -> Tensor:
    """Return [B, 2] float32, one-hot, which of two tasks it is: means [B, 2] of a bandit, or a corridor's sides [B]."""
    which = tasks.argmax(dim=1) if tasks.ndim == 2 else tasks
    return torch.nn.functional.one_hot(which, 2).to(torch.float32)


class RevealedTask:
    """Shows which of the two tasks it is, one-hot beside the observation, from the second episode on; zeros before.

    The control of Alver & Precup 2021 (section 4): RL¹ forgets between episodes and is told the task instead.

    Args:
        env: the two-point bandit or the corridor.
    """

    def __init__(self, env: TrialEnv[Any]) -> None:
        self.env, self.num_actions = env, env.num_actions
        self.observation_shape: tuple[int, ...] = (env.observation_shape[0] + 2,)

    def reset(self, tasks: Tensor, generator: torch.Generator) -> Tensor:
        """Start a trial on every task: means [B, 2] of a bandit, goal sides [B] of a corridor."""
        self._task = which_of_two(tasks)
        self._told = torch.zeros_like(self._task[:, :1])
        return self._beside(self.env.reset(tasks, generator))

    def step(self, actions: Tensor) -> Step:
        """Take actions [B] in the environment."""
        step = self.env.step(actions)
        self._told = self._told.maximum(step.episode_end[:, None].to(torch.float32))
        return step._replace(observation=self._beside(step.observation))

    def _beside(self, observation: Tensor) -> Tensor:
        return torch.cat([observation, self._told * self._task], dim=1)


class RevealedBelief:
    """Shows the exact belief that the corridor's goal is at the right end, beside the observation.

    Args:
        env: the corridor.
    """

    def __init__(self, env: CorridorEnv) -> None:
        self.env, self.num_actions = env, env.num_actions
        self.observation_shape: tuple[int, ...] = (env.observation_shape[0] + 1,)

    def reset(self, tasks: Tensor, generator: torch.Generator) -> Tensor:
        """Start a trial for each goal's side [B]."""
        inputs = StepInput.first(self.env.reset(tasks, generator))
        self._belief = CorridorBelief.first(len(tasks), self.env.half_length).observe(inputs, self.env.half_length)
        return self._beside(inputs.observation)

    def step(self, actions: Tensor) -> Step:
        """Move left or right: actions [B]."""
        step = self.env.step(actions)
        inputs = StepInput(step.observation, actions, step.reward, step.episode_end.to(torch.float32))
        self._belief = self._belief.acted().observe(inputs, self.env.half_length)
        return step._replace(observation=self._beside(step.observation))

    def _beside(self, observation: Tensor) -> Tensor:
        return torch.cat([observation, self._belief.right[:, None]], dim=1)


class LastEpisodeOnly:
    """An environment whose expected rewards, what the slow learner raises, count in the trial's last episode alone.

    What the agent sees is as ever: it is paid at every step.

    Args:
        env: any.
        num_episodes: of its trials; of a bandit's, its pulls.
    """

    def __init__(self, env: TrialEnv[Any], num_episodes: int) -> None:
        self.env, self.num_episodes = env, num_episodes
        self.num_actions, self.observation_shape = env.num_actions, env.observation_shape

    def reset(self, tasks: Any, generator: torch.Generator) -> Tensor:
        """Start a trial on every task."""
        first = self.env.reset(tasks, generator)
        self._ended = first.new_zeros(len(first))
        return first

    def step(self, actions: Tensor) -> Step:
        """Take actions [B]."""
        step = self.env.step(actions)
        last = self._ended >= self.num_episodes - 1
        self._ended = self._ended + step.episode_end
        mean = step.reward if step.expected_reward is None else step.expected_reward
        return step._replace(expected_reward=torch.where(last, mean, 0.0))


class RegretEnv(BanditEnv):
    """The same bandit for the one who plays; what it reports as a pull's expected reward is the pull's regret.

    Args:
        num_arms: K.
        num_pulls: n.
    """

    def reset(self, tasks: Tensor, generator: torch.Generator) -> Tensor:
        """Start a trial on each row of `tasks` [B, K]."""
        self._best = tasks.amax(dim=1)
        return super().reset(tasks, generator)

    def step(self, actions: Tensor) -> Step:
        """Pull arm `actions` [B]; the regret is of means, not of samples."""
        step = super().step(actions)
        mean = step.reward if step.expected_reward is None else step.expected_reward
        return step._replace(expected_reward=self._best - mean)
