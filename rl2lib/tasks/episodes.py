"""What the environments share: when an episode and a trial end, and what they refuse.

An environment adds its dynamics; the counting is here, once, so that `episode_end`, `timed_out` and `trial_end`
mean the same everywhere.
"""

from __future__ import annotations

from numbers import Integral
from typing import Any, NamedTuple

import torch
from torch import Tensor

from rl2lib.types import expect_shape


class Ends(NamedTuple):
    """What one step ended: the three flags of a `Step`, each [B] bool."""

    episode_end: Tensor
    timed_out: Tensor
    trial_end: Tensor


class EpisodicEnv:
    """A trial of `episodes_per_trial` episodes, each of `horizon` steps at most.

    Args:
        num_actions: A.
        observation_shape: the shape of one observation, without [B].
        horizon: the steps after which an episode that has not ended times out.
        episodes_per_trial: n.

    Raises:
        ValueError: if a count is not a whole number of at least 1.
    """

    def __init__(
        self, num_actions: int, observation_shape: tuple[int, ...], horizon: int, episodes_per_trial: int
    ) -> None:
        expect_counts(num_actions=num_actions, horizon=horizon, episodes_per_trial=episodes_per_trial)
        self.num_actions = num_actions
        self.observation_shape = observation_shape
        self.horizon = horizon
        self.episodes_per_trial = episodes_per_trial
        self._generator: torch.Generator | None = None

    def _start(self, batch_size: int, generator: torch.Generator) -> None:
        """Begin B trials: no steps, no episodes."""
        self._generator = generator
        self._steps = torch.zeros(batch_size, dtype=torch.int64, device=generator.device)
        self._episodes = torch.zeros_like(self._steps)

    def _begin_step(self, actions: Tensor) -> torch.Generator:
        """Check what can be checked without looking at a value; return the generator."""
        if self._generator is None:
            raise RuntimeError("step: no trial has been started; call reset(tasks, generator) first")
        expect_shape("actions", actions, "[B]", tuple(self._steps.shape))
        return self._generator

    def _end_step(self, terminated: Tensor) -> Ends:
        """Count the step; `terminated` [B] bool says where the task itself ended the episode."""
        self._steps = self._steps + 1
        timed_out = (self._steps >= self.horizon) & ~terminated
        episode_end = terminated | timed_out
        self._steps = torch.where(episode_end, 0, self._steps)
        self._episodes = self._episodes + episode_end
        return Ends(episode_end, timed_out, episode_end & (self._episodes >= self.episodes_per_trial))


def expect_counts(**counts: int) -> None:
    """Raise ValueError unless every named count is a whole number of at least 1."""
    for name, count in counts.items():
        if isinstance(count, bool) or not isinstance(count, Integral):
            raise ValueError(f"{name}: expected a whole number, got {count!r}")
        if count < 1:
            raise ValueError(f"{name}: expected at least 1, got {count}")


def expect_probabilities(**probabilities: float) -> None:
    """Raise ValueError unless every named number lies in [0, 1]."""
    for name, probability in probabilities.items():
        if not 0 <= probability <= 1:
            raise ValueError(f"{name}: expected a probability in [0, 1], got {probability}")


def expect_finite(**numbers: float) -> None:
    """Raise ValueError if a named number is infinite or not a number."""
    for name, number in numbers.items():
        if number - number != 0:
            raise ValueError(f"{name}: expected a finite number, got {number}")


def expect_record(tasks: Any, kind: type) -> None:
    """Raise TypeError unless `tasks` is of the record type that this environment plays."""
    if not isinstance(tasks, kind):
        raise TypeError(
            f"tasks: expected {kind.__name__}, got {type(tasks).__name__}; sample them from this task's distribution"
        )


def expect_tasks(
    name: str,
    tasks: Tensor,
    letters: str,
    shape: tuple[int, ...],
    generator: torch.Generator,
    *,
    low: float = float("-inf"),
    high: float = float("inf"),
    dtype: torch.dtype = torch.float32,
) -> None:
    """Check one tensor of tasks: type, shape [B, *shape] with B at least 1, dtype, device, and values in low..high.

    Args:
        name: what the caller calls it.
        tasks: [B, *shape].
        letters: names the axes, e.g. "means [B, K]".
        shape: what must follow B.
        generator: the environment's; the tasks must be on its device.
        low: the smallest value allowed.
        high: the largest.
        dtype: the type expected.

    Raises:
        TypeError: if it is no tensor.
        ValueError: if anything else is wrong; NaN and infinity are.
    """
    if not isinstance(tasks, Tensor):
        raise TypeError(f"{name}: expected a tensor, {letters}, got {type(tasks).__name__}")
    if tuple(tasks.shape[1:]) != shape or tasks.ndim != len(shape) + 1:
        wanted = ", ".join(["B", *map(str, shape)]) + ("" if shape else ",")
        raise ValueError(f"{name}: expected {letters} = ({wanted}), got {tuple(tasks.shape)}")
    if len(tasks) == 0:
        raise ValueError(f"{name}: expected at least one task, got none")
    if tasks.dtype != dtype:
        raise ValueError(f"{name}: expected {dtype}, got {tasks.dtype}; convert them with .to({dtype})")
    if tasks.device.type != generator.device.type:
        raise ValueError(
            f"{name}: tasks are on {tasks.device}, the generator on {generator.device}; "
            "make the generator with torch.Generator(device=...)"
        )
    if not bool(((tasks >= low) & (tasks <= high) & (tasks.abs() < float("inf"))).all()):
        span = f"values in [{low:g}, {high:g}]" if high - low < float("inf") else "finite values"
        raise ValueError(f"{name}: expected {span}, got from {tasks.min():g} to {tasks.max():g}, or NaN")
