"""What is known of a tabular MDP: Dirichlet over next states, Normal over mean rewards, all tasks of a batch at once.

Every state-action has its own conjugate posterior, independent of the others; rewards are Normal around their
mean with a known precision. This is the model of TabulaRL (Osband 2016), which Duan et al. 2016 took their
baselines from, and with `TRUE_PRIOR` it is exactly how their random MDPs are drawn.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from rl2lib.tasks import sampling


class Prior(NamedTuple):
    """What is believed of every state-action before it was tried; nothing is learned of it from other ones.

    Attributes:
        concentration: of the symmetric Dirichlet over next states, per next state; above 0.
        reward_mean: the expected mean reward.
        reward_precision: 1 / variance of the mean reward; above 0.
        noise_precision: 1 / variance of a reward around its mean; above 0.
    """

    concentration: float = 1.0
    reward_mean: float = 0.0
    reward_precision: float = 1.0
    noise_precision: float = 1.0

    def posterior(
        self, batch_size: int, num_states: int, num_actions: int, device: torch.device | str = "cpu"
    ) -> Posterior:
        """Return the posterior of `batch_size` MDPs that nothing was seen of.

        Raises:
            ValueError: if the concentration or a precision is not above 0.
        """
        if not (self.concentration > 0 and self.reward_precision > 0 and self.noise_precision > 0):
            raise ValueError(f"prior: expected a concentration and precisions above 0, got {self}")
        pairs = batch_size, num_states, num_actions
        return Posterior(
            torch.full((*pairs, num_states), self.concentration, device=device),
            torch.full(pairs, self.reward_mean, device=device),
            torch.full(pairs, self.reward_precision, device=device),
            self.noise_precision,
        )


TABULARL = Prior()
"""TabulaRL's defaults, which the published baselines used: mean rewards around 0, though they are drawn around 1."""

FLAT = Prior(concentration=1e-4, reward_precision=1e-4)
"""TabulaRL's prior of its greedy agents: nearly none, so means are those of the sample."""

NO_PRIOR = Prior(concentration=1e-5, reward_precision=1e-4)
"""TabulaRL's prior of UCRL2, less still."""

TRUE_PRIOR = Prior(reward_mean=1.0)
"""How Duan et al.'s random MDPs are drawn: flat Dirichlet, mean rewards from N(1, 1), reward noise N(0, 1)."""


class Posterior(NamedTuple):
    """The belief over B MDPs.

    Attributes:
        concentration: [B, S, A, S] float32, of each state-action's Dirichlet over next states.
        reward_mean: [B, S, A] float32, of its mean reward's Normal.
        reward_precision: [B, S, A] float32, of its mean reward's Normal.
        noise_precision: of a reward around its mean.
    """

    concentration: Tensor
    reward_mean: Tensor
    reward_precision: Tensor
    noise_precision: float

    @property
    def transition(self) -> Tensor:
        """[B, S, A, S] float32, the mean transition probabilities."""
        return self.concentration / self.concentration.sum(dim=-1, keepdim=True)

    @property
    def reward_std(self) -> Tensor:
        """[B, S, A] float32, how uncertain the mean reward is."""
        return self.reward_precision.rsqrt()

    def observe(self, state: Tensor, action: Tensor, reward: Tensor, next_state: Tensor, seen: Tensor) -> Posterior:
        """Return the posterior after one step of every MDP.

        Args:
            state: [B] int64, where it was taken.
            action: [B] int64.
            reward: [B] float32.
            next_state: [B] int64, where it led.
            seen: [B] bool, whether `next_state` is where it led. An episode's last step is followed by the next
                episode's first state, so it tells of its reward alone (TabulaRL leaves it out as well).

        Raises:
            ValueError: if a reward is not finite.
        """
        if not bool(torch.isfinite(reward).all()):
            raise ValueError("reward: expected finite numbers, got inf or NaN; look at what the environment pays")
        row = torch.arange(len(state), device=state.device)
        pair = (row, state, action)
        before = self.reward_precision[pair]
        after = before + self.noise_precision
        mean = (before * self.reward_mean[pair] + self.noise_precision * reward) / after
        return self._replace(
            concentration=self.concentration.index_put((*pair, next_state), seen.float(), accumulate=True),
            reward_mean=self.reward_mean.index_put(pair, mean),
            reward_precision=self.reward_precision.index_put(pair, after),
        )

    def select(self, rows: Tensor) -> Posterior:
        """Return the belief over the MDPs with the given indices [N]."""
        return self._replace(
            concentration=self.concentration[rows],
            reward_mean=self.reward_mean[rows],
            reward_precision=self.reward_precision[rows],
        )

    def sample(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw one MDP for each belief: transition probabilities [B, S, A, S] and mean rewards [B, S, A]."""
        transition = sampling.dirichlet(self.concentration, generator)
        return transition, sampling.normal(self.reward_mean, self.reward_std, generator)
