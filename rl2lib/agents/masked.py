"""A recurrent policy that is kept from part of its input: what an input is worth is seen by leaving it out."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, Unpack, get_args

import torch
from torch import Tensor

from rl2lib.agents.recurrent import PolicyOptions, RecurrentPolicy
from rl2lib.types import StepInput

Hidden = Literal["action", "reward", "flag"]


_FIELDS: dict[Hidden, str] = {"action": "prev_action", "reward": "prev_reward", "flag": "prev_end"}


def hide(inputs: StepInput, hides: Collection[Hidden]) -> StepInput:
    """Return the inputs with a trial's first placeholder, zero, in what is hidden."""
    return inputs._replace(**{_FIELDS[name]: torch.zeros_like(getattr(inputs, _FIELDS[name])) for name in hides})


class MaskedPolicy(RecurrentPolicy):
    """RL²'s policy without the previous action, reward or flag: it reads a trial's first placeholder there, always.

    The network has as many weights as ever; the hidden part is constant, acting and learning alike.

    Args:
        hides: what it does not see, some of "action", "reward" and "flag".
        others: as for `RecurrentPolicy`.

    Raises:
        ValueError: if it is to hide something else.
    """

    def __init__(
        self,
        observation_shape: tuple[int, ...],
        num_actions: int,
        hidden_size: int = 64,
        *,
        hides: tuple[Hidden, ...],
        **options: Unpack[PolicyOptions],
    ) -> None:
        super().__init__(observation_shape, num_actions, hidden_size, **options)
        for name in hides:
            if name not in get_args(Hidden):
                raise ValueError(f"hides: expected some of {', '.join(get_args(Hidden))}, got {name!r}")
        self.hides = hides

    def features(self, inputs: StepInput) -> Tensor:
        """Return what the core reads, [..., F], with the hidden inputs at their placeholders."""
        return super().features(hide(inputs, self.hides))

    def extra_repr(self) -> str:
        """Say what it does not see, on a checkpoint's card."""
        return f"hides={self.hides}"
