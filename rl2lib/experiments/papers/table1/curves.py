"""The learning curves of table 1's runs, which figure 2 and imitation draw."""

from __future__ import annotations

from typing import Any

from rl2lib.experiments.papers.learning_curves import Curve, curve_of
from rl2lib.experiments.papers.table1.trained import ROUNDS


def learning_curve(card: dict[str, Any], num_pulls: int, num_arms: int, random: float, reference: float) -> Curve:
    """Return the part of a card's learning curve that was met on bandits of one number of arms.

    The arm-equivariant policy takes turns: only its rounds on `num_arms` arms count here, while its steps count all.

    Args:
        card: of a run of table 1.
        num_pulls: n.
        num_arms: k.
        random: the return that scores 0.
        reference: the return that scores 1.
    """
    rounds = [part.num_arms for part in ROUNDS[num_pulls]] if len(card["config"]["stages"]) > 1 else [num_arms]
    return curve_of(card, [arms == num_arms for arms in rounds], random, reference)
