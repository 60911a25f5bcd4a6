"""Optimists for tabular MDPs: they plan as if what was seldom tried were better than it looked so far.

They are `tabular.TabularAgent`s, with the same priors and moments of planning.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from rl2lib.agents.posterior import NO_PRIOR, TRUE_PRIOR, Posterior, Prior
from rl2lib.agents.tabular import TabularAgent, Update
from rl2lib.agents.value_iteration import backward_induction, extended_value_iteration

SCALINGS = tuple(10 ** (-4 + i / 5) for i in range(21))
"""The scalings to choose from for BEB and UCRL2, on tasks other than those of the comparison: 1e-4 to 1."""


class BEB(TabularAgent):
    """Adds a bonus for what was seldom tried to the mean MDP (Kolter & Ng 2009, as in TabulaRL).

    The reward's bonus is 1 / (precision + 1), the transition's β T i / (Σα + 1) with β = 2 T² scaling and i steps
    left after this one.

    Args:
        scaling: of the transition's bonus, at least 0; `SCALINGS` is the published search's grid.
        others: as for `TabularAgent`.
    """

    def __init__(
        self,
        num_states: int,
        num_actions: int,
        horizon: int,
        scaling: float = 4e-4,
        prior: Prior | None = None,
        update: Update = "episode",
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__(num_states, num_actions, horizon, prior, update, device)
        self.scaling = _expect_scaling(scaling)

    def plan(self, posterior: Posterior, episode: Tensor, num_steps: int, generator: torch.Generator) -> Tensor:
        """Solve the mean MDP with its bonuses."""
        beta = 2 * self.horizon**2 * self.scaling
        once = posterior.reward_mean + 1 / (posterior.reward_precision + 1)
        a_step = beta * self.horizon / (1 + posterior.concentration.sum(dim=-1))
        left = torch.arange(num_steps, device=once.device)[:, None, None]
        return backward_induction(posterior.transition, once[:, None] + left * a_step[:, None], num_steps)


class UCRL2(TabularAgent):
    """Plans for the most favourable MDP that the data do not rule out (Jaksch et al. 2010, as in TabulaRL).

    With N tries and L = ln(2 S A (e + 1) / δ) in episode e, rewards may be scaling √(4 L / max(N, 1)) higher and
    transitions scaling √(4 S L / max(N, 1)) away in L1 distance.

    Args:
        scaling: of both widths, at least 0; `SCALINGS` is the published search's grid.
        delta: the probability δ in (0, 1) of being wrong.
        compounding: TabulaRL's own backup, see `extended_value_iteration`.
        others: as for `TabularAgent`.
    """

    own_prior = NO_PRIOR

    def __init__(
        self,
        num_states: int,
        num_actions: int,
        horizon: int,
        scaling: float = 0.1,
        prior: Prior | None = None,
        update: Update = "episode",
        delta: float = 0.05,
        compounding: bool = False,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__(num_states, num_actions, horizon, prior, update, device)
        if not 0 < delta < 1:
            raise ValueError(f"delta: expected a probability inside (0, 1), got {delta}")
        self.scaling = _expect_scaling(scaling)
        self.delta = delta
        self.compounding = compounding

    def plan(self, posterior: Posterior, episode: Tensor, num_steps: int, generator: torch.Generator) -> Tensor:
        """Solve the mean MDP by extended value iteration."""
        confidence = (2 * self.num_states * self.num_actions * (episode + 1) / self.delta).log()[:, None, None]
        rewards_seen = (posterior.reward_precision - self.prior.reward_precision) / self.prior.noise_precision
        moves_seen = posterior.concentration.sum(dim=-1) - self.num_states * self.prior.concentration
        reward_slack = self.scaling * (4 * confidence / rewards_seen.clamp(min=1)).sqrt()
        slack = self.scaling * (4 * self.num_states * confidence / moves_seen.clamp(min=1)).sqrt()
        reward = posterior.reward_mean + reward_slack
        return extended_value_iteration(posterior.transition, reward, slack, num_steps, compounding=self.compounding)


class TransitionBlind(TabularAgent):
    """Takes the action of the highest mean reward + c standard deviations, wherever it may lead.

    No planning at all: on random MDPs with a flat Dirichlet, where all states are about as good, it is ahead of
    every planner of Duan et al. 2016 (table 2).

    Args:
        c: how many standard deviations of the posterior mean reward; at least 0.
        others: as for `TabularAgent`; its own prior is the true one, and it looks again at every step.
    """

    own_prior = TRUE_PRIOR

    def __init__(
        self,
        num_states: int,
        num_actions: int,
        horizon: int,
        c: float = 1.0,
        prior: Prior | None = None,
        update: Update = "step",
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__(num_states, num_actions, horizon, prior, update, device)
        if c < 0:
            raise ValueError(f"c: expected a width of at least 0, got {c}")
        self.c = c

    def plan(self, posterior: Posterior, episode: Tensor, num_steps: int, generator: torch.Generator) -> Tensor:
        """Look at the next reward alone."""
        index = posterior.reward_mean + self.c * posterior.reward_std
        return index[:, None].expand(-1, num_steps, -1, -1)


def _expect_scaling(scaling: float) -> float:
    if math.isnan(scaling) or scaling < 0:
        raise ValueError(f"scaling: expected at least 0, got {scaling}")
    return scaling
