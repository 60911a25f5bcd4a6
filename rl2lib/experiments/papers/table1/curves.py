"""The learning curves of table 1's runs, which figure 2 and imitation draw."""

from __future__ import annotations

from typing import Any

import torch

from rl2lib.experiments.history import NUM_HISTORY
from rl2lib.experiments.papers.learning_curves import Curve
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
    lengths = [stage["training"]["iterations"] for stage in card["config"]["stages"]]
    rounds = [part.num_arms for part in ROUNDS[num_pulls]] if len(lengths) > 1 else [num_arms]
    arms_of = torch.tensor([arms for arms, length in zip(rounds, lengths, strict=True) for _ in range(length)])
    pieces = arms_of.tensor_split(min(NUM_HISTORY, len(arms_of)))  # as the card's history was thinned
    here = torch.tensor([bool((piece == num_arms).all()) for piece in pieces])
    history = card["history"]
    steps, returns = (torch.tensor(history[name], dtype=torch.float64)[here] for name in ("env_steps", "trial_return"))
    return Curve(steps / 1e6, (returns - random) / (reference - random))
