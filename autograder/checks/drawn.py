"""What all hidden checks draw their inputs from: one NumPy generator, and what it seeds."""

from __future__ import annotations

import numpy as np
import torch


def seed(rng: np.random.Generator) -> int:
    """Draw a seed for a generator on the learner's side."""
    return int(rng.integers(2**31))


def generator(rng: np.random.Generator) -> torch.Generator:
    """Draw the seed of a torch generator for inputs."""
    return torch.Generator().manual_seed(seed(rng))


def sizes(rng: np.random.Generator, low: int, high: int, count: int) -> list[int]:
    """Draw `count` sizes from `low` to `high` - 1."""
    return [int(size) for size in rng.integers(low, high, size=count)]
