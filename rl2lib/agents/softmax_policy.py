"""What every trained policy shares: logits from a state, and an action drawn from their softmax."""

from __future__ import annotations

import copy
from abc import abstractmethod
from typing import Any, Literal, Self

import torch
from torch import Tensor, nn

from rl2lib.tasks import sampling
from rl2lib.types import Agent, StepInput

Mode = Literal["sampled", "greedy"]


class SoftmaxPolicy(nn.Module, Agent[Any]):
    """A policy with weights: it acts step by step, and learns from whole trials unrolled at once.

    A subclass says how logits come about, twice: `step` for acting, `unroll` for learning. Both run the same
    weights through the same equations; a test holds their log-probabilities together.

    Attributes:
        mode: "sampled" draws from softmax(logits); "greedy" takes the likeliest action.
    """

    sees_task = False
    mode: Mode = "sampled"

    @abstractmethod
    def initial_state(self, batch_size: int, tasks: object = None) -> Any:
        """Return a fresh trial's state for `batch_size` trials; the tasks are not looked at."""

    @abstractmethod
    def step(self, state: Any, inputs: StepInput) -> tuple[Tensor, Any]:
        """Return logits [B, A] and the next state for one step's inputs."""

    @abstractmethod
    def unroll(self, inputs: StepInput, state: Any = None) -> tuple[Tensor, Any]:
        """Return logits [B, T, A] for whole trials' inputs, and the last state.

        Args:
            inputs: [B, T, ...], from `Trajectory.step_inputs`.
            state: where to start; None is a trial's start.
        """

    def act(self, state: Any, inputs: StepInput, generator: torch.Generator) -> tuple[Tensor, Any]:
        """Return actions [B] and the next state.

        Raises:
            FloatingPointError: if a logit is not finite; an argmax would hide it.
        """
        logits, state = self.step(state, inputs)
        if not bool(torch.isfinite(logits).all()):
            raise FloatingPointError("the policy's logits are not finite")
        if self.mode == "greedy":
            return logits.argmax(dim=-1), state
        return sampling.categorical(logits, generator), state

    def acting(self, mode: Mode) -> Self:
        """Return this policy acting in another mode; the weights are shared, not copied."""
        if mode not in ("sampled", "greedy"):
            raise ValueError(f'mode: expected "sampled" or "greedy", got {mode!r}')
        twin = copy.copy(self)
        twin.mode = mode
        return twin


class PolicyWithValues(SoftmaxPolicy):
    """A policy with a value head: it is its own critic, by one pass and one optimiser."""

    @abstractmethod
    def logits_and_values(self, inputs: StepInput, state: Any = None) -> tuple[Tensor, Tensor, Any]:
        """Return logits [B, T, A], values [B, T] and the last state, from one pass; arguments as for `unroll`."""
