"""What is subtracted from a return before it weighs an action: the return still to come, guessed beforehand."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor, nn

from rl2lib.types import StepInput


class Baseline(nn.Module, ABC):
    """A guess that must not see a_t; it may see the task, which no policy does, and is trained by gradients.

    It is a module, so that checkpoints keep what it has learned.
    """

    @property
    @abstractmethod
    def sees_task(self) -> bool:
        """Whether it is shown the tasks."""

    @abstractmethod
    def values(self, inputs: StepInput, tasks: Any = None) -> Tensor:
        """Return the values [B, T] of whole trials' inputs; `tasks` are None unless it sees them."""


class FittedBaseline(Baseline):
    """One that is fitted in closed form; it keeps what it learns in buffers."""

    @abstractmethod
    def fit(self, inputs: StepInput, tasks: Any, target: Tensor, mask: Tensor) -> None:
        """Fit it to `target` [B, T], the returns still to come, where `mask` [B, T] is true."""
