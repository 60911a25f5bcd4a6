"""What an ablation takes from RL² beside its inputs: half of its memory, or the pay for all but the last episode."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from rl2lib.agents.recurrent import RecurrentPolicy
from rl2lib.experiments.reveal import ForgetfulPolicy, blank
from rl2lib.types import Step, StepInput, TrialEnv


class ForgetsAfter(ForgetfulPolicy):
    """A recurrent policy that begins anew after every so many episodes, as if a trial began.

    Args:
        observation_shape: the shape of one observation.
        num_actions: A.
        hidden_size: H.
        episodes: how many it remembers.
        options: the others, as for `RecurrentPolicy`.
    """

    def __init__(
        self,
        observation_shape: tuple[int, ...],
        num_actions: int,
        hidden_size: int,
        *,
        episodes: int,
        **options: Any,
    ) -> None:
        super().__init__(observation_shape, num_actions, hidden_size, forgets="episodes", **options)
        self.episodes = episodes

    def initial_state(self, batch_size: int, tasks: object = None) -> Tensor:
        """Return zeros [B, state_size + 1]; the last number counts the episodes that have ended."""
        return self.head.bias.new_zeros(batch_size, self.core.state_size + 1)

    def step(self, state: Tensor, inputs: StepInput) -> tuple[Tensor, Tensor]:
        """Return logits [B, A] and the next state, forgetting first where it is time to."""
        over = inputs.prev_end > 0
        ended = state[:, -1] + over
        fresh = over & (ended % self.episodes == 0)
        memory = torch.where(fresh[:, None], 0.0, state[:, :-1])
        logits, memory = RecurrentPolicy.step(self, memory, blank(inputs, fresh))
        return logits, torch.cat([memory, ended[:, None]], dim=1)

    def extra_repr(self) -> str:
        """Say how long it remembers, on a checkpoint's card."""
        return f"episodes={self.episodes}"


class LastEpisodeOnly:
    """An environment whose expected rewards, what the slow learner raises, count in the trial's last episode alone.

    What the agent sees is as ever: it is paid at every step.

    Args:
        env: any; `bandit_lessons.LastPullOnly` is this for a bandit.
        num_episodes: of its trials.
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
