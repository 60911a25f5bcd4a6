"""RL¹ among agents that are told nothing: it is told the task from the second episode on (Alver & Precup 2021)."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from rl2lib.agents.softmax_policy import Mode, SoftmaxPolicy
from rl2lib.tasks.views import which_of_two
from rl2lib.types import ActsBy, Agent, Policy, StepInput, as_agent


class ToldState(NamedTuple):
    """What a told agent carries.

    Attributes:
        own: its policy's state.
        task: [B, 2] float32, one-hot.
        told: [B, 1] float32, 1 from the second episode on.
    """

    own: Any
    task: Tensor
    told: Tensor


class Told(Agent[ToldState]):
    """RL¹ in the plain environment: what `tasks.views.RevealedTask` shows beside the observation is added here.

    Args:
        policy: trained in `RevealedTask`.
    """

    sees_task = True
    mode: Mode = "sampled"

    def __init__(self, policy: SoftmaxPolicy) -> None:
        self.policy, self.mode = policy, policy.mode

    def initial_state(self, batch_size: int, tasks: Tensor | None = None) -> ToldState:
        """Return a trial's start; tasks are means [B, 2] of a bandit or goal sides [B] of a corridor.

        Raises:
            ValueError: if it is not told them.
        """
        if tasks is None:
            raise ValueError("tasks: this agent is told them after the first episode, got None")
        task = which_of_two(tasks)
        return ToldState(self.policy.initial_state(batch_size), task, torch.zeros_like(task[:, :1]))

    def act(self, state: ToldState, inputs: StepInput, generator: torch.Generator) -> tuple[Tensor, ToldState]:
        """Return actions [B] and the next state."""
        told = state.told.maximum(inputs.prev_end[:, None])
        seen = inputs._replace(observation=torch.cat([inputs.observation, told * state.task], dim=1))
        actions, own = self.policy.act(state.own, seen, generator)
        return actions, ToldState(own, state.task, told)


class NotShown(Agent[Any]):
    """An agent in a view that shows more than it was trained on: what the view adds to an observation is cut off.

    Args:
        policy: reads observations [B, width].
        width: of the observations that it knows.
    """

    sees_task = False
    mode: ActsBy = "own rule"

    def __init__(self, policy: Policy[Any], width: int) -> None:
        self.policy, self.width = policy, width
        self.mode = as_agent(policy).mode

    def initial_state(self, batch_size: int, tasks: object = None) -> Any:
        """Return the policy's own."""
        return self.policy.initial_state(batch_size)

    def act(self, state: Any, inputs: StepInput, generator: torch.Generator) -> tuple[Tensor, Any]:
        """Return actions [B] and the policy's next state."""
        return self.policy.act(state, inputs._replace(observation=inputs.observation[:, : self.width]), generator)
