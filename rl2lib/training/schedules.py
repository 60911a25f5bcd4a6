"""Settings that change while training goes on: functions of the fraction already done, so that they can be resumed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

Shape = Literal["linear", "cosine", "constant"]


@dataclass(frozen=True)
class Schedule:
    """A number that moves from `start` to `end` while training goes on.

    Attributes:
        start: its value at progress 0.
        end: what it approaches at progress 1; a constant one ignores it.
        shape: "linear", "cosine" (slow, fast, slow) or "constant".

    Raises:
        ValueError: if there is no such shape.
    """

    start: float
    end: float = 0.0
    shape: Shape = "linear"

    def __post_init__(self) -> None:
        if self.shape not in get_args(Shape):
            raise ValueError(f"shape: expected one of {', '.join(get_args(Shape))}, got {self.shape!r}")

    def __call__(self, progress: float) -> float:
        """Return the value at a progress in [0, 1)."""
        if self.shape == "constant":
            return self.start
        done = progress if self.shape == "linear" else (1 - math.cos(math.pi * progress)) / 2
        return self.start * (1 - done) + self.end * done


def as_schedule(value: Schedule | float, shape: Shape = "linear") -> Schedule:
    """Return a schedule as it is, and a bare number as a schedule of this shape that ends at zero."""
    return value if isinstance(value, Schedule) else Schedule(value, 0.0, shape)
