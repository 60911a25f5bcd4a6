"""Index policies for Bernoulli bandits: pull the arm of the highest Gittins index, each arm judged by itself.

Gittins' theorem makes this optimal when rewards are discounted for ever, and no trial is like that. Duan et al.
2016 took the best of three approximations for each setting; `Gittins` has all three. `FiniteHorizonGittins` asks
the question of a trial with an end, and is the best known policy for long trials (not a ceiling: an index is
optimal for one arm against a sure reward, not for several arms).
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from rl2lib.agents.bandit import CountingAgent, Counts
from rl2lib.agents.gittins_tables import (
    discounted_indices,
    finite_horizon_indices,
    stopping_indices,
    whittle_indices,
)
from rl2lib.tasks.episodes import expect_counts
from rl2lib.types import TellsTies

Approximation = Literal["whittle", "stopping", "calibration"]

DISCOUNTS = (0.9, 0.99, 0.999, 0.9999)
"""The discounts to choose from for a setting, on tasks other than those of the comparison."""


class Gittins(CountingAgent):
    """Pulls the arm of the highest Gittins index, by one of three approximations (Duan et al. 2016, section 3.1).

    "whittle" is a closed form, "stopping" an undiscounted stopping problem over at most `num_pulls` pulls of one
    arm, "calibration" the discounted index itself, by backward induction against retirement.

    Args:
        num_arms: K.
        num_pulls: n, the length of a trial.
        approximation: "whittle", "stopping" or "calibration".
        discount: γ in (0, 1); "stopping" has none and does not look at it.
        device: where its counts live.

    Raises:
        ValueError: on another approximation, a discount outside (0, 1), or a trial without pulls.
    """

    def __init__(
        self,
        num_arms: int,
        num_pulls: int,
        approximation: Approximation = "calibration",
        discount: float = 0.99,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__(num_arms, device)
        expect_counts(num_pulls=num_pulls)
        if approximation == "whittle":
            tried = torch.arange(num_pulls, dtype=torch.float32)[:, None]
            table = whittle_indices(tried.T, (tried - tried.T).clamp(min=0), discount)
        elif approximation == "stopping":
            table = stopping_indices(num_pulls)
        elif approximation == "calibration":
            table = discounted_indices(num_pulls, discount)
        else:
            raise ValueError(f'approximation: expected "whittle", "stopping" or "calibration", got {approximation!r}')
        self.num_pulls = num_pulls
        self.table = table.to(self.device)

    def choose(self, counts: Counts, generator: torch.Generator) -> Tensor:
        """Return the arm of the highest index.

        Raises:
            ValueError: if the trial is longer than `num_pulls`.
        """
        _pulls_left(self.num_pulls, counts)
        return self.table[counts.pulls.long(), counts.successes.long()].argmax(dim=1)


class FiniteHorizonGittins(CountingAgent, TellsTies[Counts]):
    """Pulls the arm of the highest finite-horizon index: its best mean reward over the pulls that are left.

    The indices are solved once for a length of trial and kept on disk (`gittins_tables.finite_horizon_indices`).

    Args:
        num_arms: K.
        num_pulls: n, the length of a trial.
        device: where its counts live.
    """

    def __init__(self, num_arms: int, num_pulls: int, device: torch.device | str = "cpu") -> None:
        super().__init__(num_arms, device)
        self.num_pulls = num_pulls
        self.indices = finite_horizon_indices(num_pulls).to(self.device)

    def choose(self, counts: Counts, generator: torch.Generator) -> Tensor:
        """Return the arm of the highest index.

        Raises:
            ValueError: if the trial is longer than `num_pulls`.
        """
        left = _pulls_left(self.num_pulls, counts)
        return self.indices(counts.successes, counts.failures, left).argmax(dim=1)

    def optimal_actions(self, counts: Counts) -> Tensor:
        """Return [B, K] bool, the arms of the highest index, for the state in which it has just chosen."""
        values = self.indices(counts.successes, counts.failures, self.num_pulls - counts.steps + 1)
        return values == values.amax(dim=1, keepdim=True)


def _pulls_left(num_pulls: int, counts: Counts) -> int:
    if counts.steps >= num_pulls:
        raise ValueError(
            f"counts: expected at most {num_pulls - 1} pulls before the last one, got {counts.steps}; "
            "make the agent with the trial's own num_pulls"
        )
    return num_pulls - counts.steps
