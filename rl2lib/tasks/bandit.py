"""Bernoulli bandits: a task is its arms' means, one tensor [B, K]; one pull is one episode."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from rl2lib.tasks import sampling
from rl2lib.tasks.episodes import expect_counts, expect_tasks
from rl2lib.types import Step, expect_shape


@dataclass(frozen=True)
class IndependentBandits:
    """Arms' means drawn independently from U[0, 1] (Duan et al. 2016, section 3.1).

    Attributes:
        num_arms: K, at least 1.
    """

    num_arms: int

    def __post_init__(self) -> None:
        expect_counts(num_arms=self.num_arms)

    def sample(self, num_tasks: int, generator: torch.Generator) -> Tensor:
        """Draw means [num_tasks, K] float32."""
        expect_counts(num_tasks=num_tasks)
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
        expect_counts(num_tasks=num_tasks)
        p = sampling.uniform((num_tasks,), generator)
        if self.values is not None:
            # scaling one uniform number keeps the two forms on the same stream
            p = torch.tensor(self.values, device=p.device)[(p * len(self.values)).long()]
        return torch.stack([p, 1 - p], dim=-1)


UNIFORM = DependentBandits()
EASY = DependentBandits(values=(0.1, 0.9))
MEDIUM = DependentBandits(values=(0.25, 0.75))
HARD = DependentBandits(values=(0.4, 0.6))
"""The four dependent bandits of Wang et al. 2016, section 3.1.2: 100 pulls; trained on one, tested on every other."""

TWO_POINT = DependentBandits(values=(0.0, 1.0))
"""One arm always pays, the other never: the first pull tells which; ten pulls are worth 9.5."""


class BanditEnv:
    """A trial of `num_pulls` pulls; every pull ends an episode, and nothing is observed but the reward.

    Args:
        num_arms: K.
        num_pulls: n, the length of a trial.
    """

    def __init__(self, num_arms: int, num_pulls: int) -> None:
        expect_counts(num_arms=num_arms, num_pulls=num_pulls)
        self.num_actions = num_arms
        self.num_pulls = num_pulls
        self.observation_shape: tuple[int, ...] = (1,)
        self._means: Tensor | None = None

    def reset(self, tasks: Tensor, generator: torch.Generator) -> Tensor:
        """Start a trial on each row of `tasks` [B, K], means in [0, 1]; return zeros [B, 1].

        Raises:
            TypeError: if the tasks are no tensor.
            ValueError: if they are not [B, K] float32 probabilities on the generator's device.
        """
        expect_tasks("tasks", tasks, "means [B, K]", (self.num_actions,), generator, low=0, high=1)
        self._means, self._generator, self._pulls = tasks, generator, 0
        self._nothing = tasks.new_zeros(tasks.shape[0], 1)
        return self._nothing

    def step(self, actions: Tensor) -> Step:
        """Pull arm `actions` [B] of each bandit."""
        if self._means is None:
            raise RuntimeError("step: no trial has been started; call reset(tasks, generator) first")
        expect_shape("actions", actions, "[B]", (len(self._means),))
        self._pulls += 1
        mean = self._means.gather(1, actions[:, None]).squeeze(1)
        # one uniform number a pull whatever the arm: two agents that choose alike are paid alike
        reward = sampling.bernoulli(mean, self._generator)
        ended = torch.ones_like(mean, dtype=torch.bool)
        last = ended if self._pulls >= self.num_pulls else ~ended
        return Step(self._nothing, reward, ended, ~ended, last, mean)
