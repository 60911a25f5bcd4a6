"""Agents that forget before the trial is over, as RL¹ does: at every episode, every few episodes or every step."""

from __future__ import annotations

from typing import Literal, Unpack

import torch
from torch import Tensor

from rl2lib.agents.recurrent import PolicyOptions, RecurrentPolicy
from rl2lib.agents.softmax_policy import Mode, SoftmaxPolicy
from rl2lib.types import Agent, StepInput

Forgets = Literal["episodes", "steps"]


def blank(inputs: StepInput, fresh: Tensor) -> StepInput:
    """Return the inputs with a trial's first placeholders (action 0, reward 0, flag 0) where `fresh` [B] is true."""
    return inputs._replace(
        prev_action=torch.where(fresh, 0, inputs.prev_action),
        prev_reward=torch.where(fresh, 0.0, inputs.prev_reward),
        prev_end=torch.where(fresh, 0.0, inputs.prev_end),
    )


def forget(state: Tensor, inputs: StepInput, fresh: Tensor) -> tuple[Tensor, StepInput]:
    """Return state and inputs as at a trial's start where `fresh` [B] is true, and as they are elsewhere.

    Wiping the state [B, H] is half of it: the action and reward before an episode's first step would tell of the
    last one.
    """
    return torch.where(fresh[:, None], 0.0, state), blank(inputs, fresh)


class ForgetfulPolicy(RecurrentPolicy):
    """A recurrent policy that begins anew at every episode, or at every step, as if a trial began.

    Args:
        forgets: "episodes" at the start of every episode (RL¹); "steps" at every step, so that it sees o_t alone.
        others: as for `RecurrentPolicy`.
    """

    def __init__(
        self,
        observation_shape: tuple[int, ...],
        num_actions: int,
        hidden_size: int,
        *,
        forgets: Forgets,
        **options: Unpack[PolicyOptions],
    ) -> None:
        super().__init__(observation_shape, num_actions, hidden_size, **options)
        self.forgets = forgets

    def step(self, state: Tensor, inputs: StepInput) -> tuple[Tensor, Tensor]:
        """Return logits [B, A] and the next state, forgetting first where it is time to."""
        fresh = inputs.prev_end > 0 if self.forgets == "episodes" else torch.ones_like(inputs.prev_end) > 0
        return super().step(*forget(state, inputs, fresh))

    def unroll(self, inputs: StepInput, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return logits [B, T, A] for whole trials' inputs, and the last state."""
        batch_size, num_steps = inputs.prev_action.shape
        state = self.initial_state(batch_size) if state is None else state
        if self.forgets == "steps":  # no step hangs on another, so all are taken at once
            once = StepInput(*(column.flatten(0, 1) for column in inputs))
            every, last = self.step(self.initial_state(batch_size * num_steps), once)
            return every.unflatten(0, (batch_size, num_steps)), last.unflatten(0, (batch_size, num_steps))[:, -1]
        logits = []
        for now in zip(*(column.unbind(dim=1) for column in inputs), strict=True):
            now_logits, state = self.step(state, StepInput(*now))
            logits.append(now_logits)
        return torch.stack(logits, dim=1), state


class ForgetsAfter(ForgetfulPolicy):
    """A recurrent policy that begins anew after every so many episodes, as if a trial began.

    Args:
        episodes: how many it remembers.
        others: as for `RecurrentPolicy`.
    """

    def __init__(
        self,
        observation_shape: tuple[int, ...],
        num_actions: int,
        hidden_size: int,
        *,
        episodes: int,
        **options: Unpack[PolicyOptions],
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
        memory, inputs = forget(state[:, :-1], inputs, over & (ended % self.episodes == 0))
        logits, memory = RecurrentPolicy.step(self, memory, inputs)
        return logits, torch.cat([memory, ended[:, None]], dim=1)

    def extra_repr(self) -> str:
        """Say how long it remembers, on a checkpoint's card."""
        return f"episodes={self.episodes}"


class Wiped(Agent[Tensor]):
    """A trained agent that plays every episode as if it were a trial's first: what is left if nothing is carried over.

    Args:
        policy: its state is a tensor [B, ...], of zeros at a trial's start.
    """

    sees_task = False
    mode: Mode = "sampled"

    def __init__(self, policy: SoftmaxPolicy) -> None:
        self.policy, self.mode = policy, policy.mode

    def initial_state(self, batch_size: int, tasks: object = None) -> Tensor:
        """Return the policy's own."""
        state: Tensor = self.policy.initial_state(batch_size)
        return state

    def act(self, state: Tensor, inputs: StepInput, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return actions [B] and the next state."""
        return self.policy.act(*forget(state, inputs, inputs.prev_end > 0), generator)
