"""What an agent forgets and what it is told: RL¹, and the views of an environment that hand over task or belief.

The controls of Alver & Precup 2021 (section 4): an agent that forgets between episodes and is told the task instead.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor

from rl2lib.agents.belief_optimal import CorridorOptimal
from rl2lib.agents.recurrent import RecurrentPolicy
from rl2lib.tasks.pomdp import CorridorEnv
from rl2lib.types import Step, StepInput, TrialEnv

Forgets = Literal["episodes", "steps"]


def blank(inputs: StepInput, fresh: Tensor) -> StepInput:
    """Return the inputs with a trial's first placeholders (action 0, reward 0, flag 0) where `fresh` [B] is true."""
    return inputs._replace(
        prev_action=torch.where(fresh, 0, inputs.prev_action),
        prev_reward=torch.where(fresh, 0.0, inputs.prev_reward),
        prev_end=torch.where(fresh, 0.0, inputs.prev_end),
    )


class ForgetfulPolicy(RecurrentPolicy):
    """A recurrent policy that begins anew at every episode, or at every step, as if a trial began.

    Wiping the state is half of it: the action and reward before an episode's first step would tell of the last one.

    Args:
        observation_shape: the shape of one observation.
        num_actions: A.
        hidden_size: H.
        forgets: "episodes" at the start of every episode (RL¹); "steps" at every step, so that it sees o_t alone.
        options: the others, as for `RecurrentPolicy`.
    """

    def __init__(
        self,
        observation_shape: tuple[int, ...],
        num_actions: int,
        hidden_size: int,
        *,
        forgets: Forgets,
        **options: Any,
    ) -> None:
        super().__init__(observation_shape, num_actions, hidden_size, **options)
        self.forgets = forgets

    def step(self, state: Tensor, inputs: StepInput) -> tuple[Tensor, Tensor]:
        """Return logits [B, A] and the next state, forgetting first where it is time to."""
        fresh = inputs.prev_end > 0 if self.forgets == "episodes" else torch.ones_like(inputs.prev_end) > 0
        state = torch.where(fresh[:, None], 0.0, state)
        return super().step(state, blank(inputs, fresh))

    def unroll(self, inputs: StepInput, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return logits [B, T, A] for whole trials' inputs, and the last state."""
        state = self.initial_state(len(inputs.prev_action)) if state is None else state
        logits = []
        for now in zip(*(column.unbind(dim=1) for column in inputs), strict=True):
            now_logits, state = self.step(state, StepInput(*now))
            logits.append(now_logits)
        return torch.stack(logits, dim=1), state


class RevealedTask:
    """Shows which of the two tasks it is, one-hot beside the observation, from the second episode on; zeros before.

    Args:
        env: the two-point bandit or the corridor.
    """

    def __init__(self, env: TrialEnv[Any]) -> None:
        self.env, self.num_actions = env, env.num_actions
        self.observation_shape: tuple[int, ...] = (env.observation_shape[0] + 2,)

    def reset(self, tasks: Tensor, generator: torch.Generator) -> Tensor:
        """Start a trial on every task: means [B, 2] of a bandit, goal sides [B] of a corridor."""
        which = tasks.argmax(dim=1) if tasks.ndim == 2 else tasks
        self._task = torch.nn.functional.one_hot(which, 2).to(torch.float32)
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
        self._estimator = CorridorOptimal(env.half_length)

    def reset(self, tasks: Tensor, generator: torch.Generator) -> Tensor:
        """Start a trial for each goal's side [B]."""
        inputs = StepInput.first(self.env.reset(tasks, generator))
        self._belief = self._estimator.observe(self._estimator.initial_state(len(tasks)), inputs)
        return self._beside(inputs.observation)

    def step(self, actions: Tensor) -> Step:
        """Move left or right: actions [B]."""
        step = self.env.step(actions)
        inputs = StepInput(step.observation, actions, step.reward, step.episode_end.to(torch.float32))
        self._belief = self._estimator.observe(self._belief._replace(steps=self._belief.steps + 1), inputs)
        return step._replace(observation=self._beside(step.observation))

    def _beside(self, observation: Tensor) -> Tensor:
        return torch.cat([observation, self._belief.right[:, None]], dim=1)
