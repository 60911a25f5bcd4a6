"""The baselines of a comparison on tabular MDPs, by column: as published, with the true prior, updated every step.

Duan et al. 2016 (table 2) ran TabulaRL with its own priors, planning once an episode. The MDPs are drawn from a
known prior, and nothing forbids planning again after every step: the same algorithms do better with both, and
these are the honest targets.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import torch

from rl2lib.agents.optimism import BEB, SCALINGS, UCRL2, TransitionBlind
from rl2lib.agents.posterior import TRUE_PRIOR, Prior
from rl2lib.agents.tabular import OPSRL, PSRL, EpsilonGreedy, Greedy, TabularAgent, Update

Variant = Literal["as published", "true prior", "true prior, every step"]

VARIANTS: tuple[Variant, ...] = get_args(Variant)
"""The columns' names, in order."""


class Scalings(NamedTuple):
    """What is chosen by a search, for one setting and on tasks other than those of the comparison.

    Attributes:
        num_samples: of OPSRL, at least 1.
        ucrl2: of UCRL2's confidence widths, at least 0.
        beb: of BEB's bonus, at least 0.
        epsilon: of ε-greedy, in [0, 1].
        blind: how many standard deviations the transition-blind rule adds, at least 0.
    """

    num_samples: int = 10
    ucrl2: float = SCALINGS[18]
    beb: float = SCALINGS[6]
    epsilon: float = 0.1
    blind: float = 1.0


GRIDS: dict[str, tuple[str, tuple[float, ...]]] = {
    "OPSRL": ("num_samples", tuple(range(1, 21))),
    "UCRL2": ("ucrl2", SCALINGS),
    "BEB": ("beb", SCALINGS),
    "ε-greedy": ("epsilon", tuple(i / 10 for i in range(1, 11))),
    "Transition-blind": ("blind", tuple(i / 5 for i in range(11))),
}
"""For every label that has one, the field of `Scalings` and the values to choose from: the published searches'
(rllab's scripts/pacmdp/evaluate_pacmdp.py), and one of ours for the rule that was not published."""

TUNED: dict[Variant, Scalings] = {
    "as published": Scalings(),
    "true prior": Scalings(ucrl2=SCALINGS[12], beb=SCALINGS[0], blind=0.6),
    "true prior, every step": Scalings(ucrl2=SCALINGS[12], beb=SCALINGS[2], blind=0.8),
}
"""Good choices for ten episodes of the paper's MDPs; other settings want a search of their own."""


def tabular_agents(
    variant: Variant,
    num_states: int = 10,
    num_actions: int = 5,
    horizon: int = 10,
    scalings: Scalings | None = None,
    device: torch.device | str = "cpu",
    true_prior: Prior = TRUE_PRIOR,
) -> dict[str, TabularAgent]:
    """Return the agents of one column, by label, in the published order.

    The posterior samplers are not updated every step: they explore because they keep to one sample for a whole
    episode. The transition-blind rule was not published. UCRL2 as published has TabulaRL's own backup, which
    changes its estimate in place (``compounding=True``): at 100 episodes and the best scaling that was measured at
    1935 ± 14, the plain backup at 1906 ± 14, and published at 1942.

    To choose a scaling, build the column with each value of its grid::

        field, values = GRIDS["BEB"]
        agents = [tabular_agents(variant, scalings=Scalings()._replace(**{field: v}))["BEB"] for v in values]

    Args:
        variant: one of `VARIANTS`.
        num_states: S.
        num_actions: A.
        horizon: T, the steps of an episode.
        scalings: what was chosen by a search; None is the variant's in `TUNED`.
        device: where the agents' memories live.
        true_prior: what MDPs are drawn from, of the columns after the first; the default is the paper's.

    Raises:
        ValueError: on another variant, or if an agent refuses a setting.
    """
    if variant not in VARIANTS:
        raise ValueError(f"variant: expected one of {', '.join(map(repr, VARIANTS))}, got {variant!r}")
    chosen = TUNED[variant] if scalings is None else scalings
    published = variant == "as published"
    prior = None if published else true_prior  # None is each class's own
    update: Update = "step" if variant == "true prior, every step" else "episode"
    size = num_states, num_actions, horizon
    agents: dict[str, TabularAgent] = {}
    if update == "episode":
        agents["PSRL"] = PSRL(*size, prior, device)
        agents["OPSRL"] = OPSRL(*size, chosen.num_samples, prior, device)
    agents["UCRL2"] = UCRL2(*size, chosen.ucrl2, prior, update, compounding=published, device=device)
    agents["BEB"] = BEB(*size, chosen.beb, prior, update, device)
    agents["ε-greedy"] = EpsilonGreedy(*size, chosen.epsilon, prior, update, device)
    agents["Greedy"] = Greedy(*size, prior, update, device)
    if not published:
        agents["Transition-blind"] = TransitionBlind(*size, chosen.blind, prior, update, device)
    return agents
