"""Learning curves as a finished run's card holds them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch

NUM_HISTORY = 200
"""Points that a card keeps of a learning curve, at most; each is the mean of a piece of it."""


def thinned(values: list[float]) -> list[float | None]:
    """Means over equal pieces, at most NUM_HISTORY of them: a learning curve that a card can hold; None for a gap."""
    pieces = torch.tensor(values, dtype=torch.float64).tensor_split(min(NUM_HISTORY, len(values)))
    means = [float(f"{piece.nanmean().item():.6g}") for piece in pieces]
    return [mean if math.isfinite(mean) else None for mean in means]


def trials_played(card: Mapping[str, Any]) -> list[float]:
    """Return how many trials had been played at each point of a card's history, all stages together."""
    played = [0.0]
    for stage in card["config"]["stages"]:
        training = stage["training"]
        played += [played[-1] + training["trials_per_iteration"] * (i + 1) for i in range(training["iterations"])]
    return [point for point in thinned(played[1:]) if point is not None]
