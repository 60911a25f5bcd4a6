"""Bernoulli bandits: a task is its arms' means, one tensor [B, K]; one pull is one episode."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from rl2lib.tasks import sampling
from rl2lib.types import Step


@dataclass(frozen=True)
class IndependentBandits:
    """Arms' means drawn independently from U[0, 1] (Duan et al. 2016, section 3.1).

    Attributes:
        num_arms: K, at least 1.
    """

    num_arms: int

    def __post_init__(self) -> None:
        if self.num_arms < 1:
            raise ValueError(f"num_arms: expected at least 1, got {self.num_arms}")

    def sample(self, num_tasks: int, generator: torch.Generator) -> Tensor:
        """Draw means [num_tasks, K] float32."""
        return sampling.uniform((num_tasks, self.num_arms), generator)


@dataclass(frozen=True)
class DependentBandits:
    """Two arms of means p and 1 - p (Wang et al. 2016, section 3.1.2): one pull informs about both.

    Attributes:
        values: the equally likely values of p, e.g. (.1, .9); None draws p from U[0, 1].
    """

    values: tuple[float, ...] | None = None
    num_arms: int = 2

    def __post_init__(self) -> None:
        if self.num_arms != 2:
            raise ValueError(f"num_arms: dependent bandits have 2 arms, got {self.num_arms}")
        if self.values is not None and not (self.values and all(0 <= p <= 1 for p in self.values)):
            raise ValueError(f"values: expected probabilities in [0, 1], at least one, got {self.values}")

    def sample(self, num_tasks: int, generator: torch.Generator) -> Tensor:
        """Draw means [num_tasks, 2] float32, each row (p, 1 - p)."""
        p = sampling.uniform((num_tasks,), generator)
        if self.values is not None:
            # scaling one uniform number keeps the two forms on the same stream
            p = torch.tensor(self.values, device=p.device)[(p * len(self.values)).long()]
        return torch.stack([p, 1 - p], dim=-1)


TWO_POINT = DependentBandits(values=(0.0, 1.0))
"""One arm always pays, the other never: the first pull tells which; ten pulls are worth 9.5."""


class BanditEnv:
    """A trial of `num_pulls` pulls; every pull ends an episode, and nothing is observed but the reward.

    Args:
        num_arms: K.
        num_pulls: n, the length of a trial.
    """

    def __init__(self, num_arms: int, num_pulls: int) -> None:
        if num_arms < 1 or num_pulls < 1:
            raise ValueError(f"num_arms, num_pulls: expected at least 1, got {num_arms}, {num_pulls}")
        self.num_actions = num_arms
        self.num_pulls = num_pulls
        self.observation_shape: tuple[int, ...] = (1,)

    def reset(self, tasks: Tensor, generator: torch.Generator) -> Tensor:
        """Start a trial on each row of `tasks` [B, K], means in [0, 1]; return zeros [B, 1]."""
        if tasks.ndim != 2 or tasks.shape[1] != self.num_actions:
            raise ValueError(f"tasks: expected means [B, K] = (B, {self.num_actions}), got {tuple(tasks.shape)}")
        if not bool(((tasks >= 0) & (tasks <= 1)).all()):
            raise ValueError("tasks: expected every arm's mean in [0, 1], got one outside or NaN")
        self._means, self._generator, self._pulls = tasks, generator, 0
        self._nothing = tasks.new_zeros(tasks.shape[0], 1)
        return self._nothing

    def step(self, actions: Tensor) -> Step:
        """Pull arm `actions` [B] of each bandit."""
        self._pulls += 1
        mean = self._means.gather(1, actions[:, None]).squeeze(1)
        # one uniform number a pull whatever the arm: two agents that choose alike are paid alike
        reward = sampling.bernoulli(mean, self._generator)
        ended = torch.ones_like(mean, dtype=torch.bool)
        last = ended if self._pulls >= self.num_pulls else ~ended
        return Step(self._nothing, reward, ended, ~ended, last, mean)
