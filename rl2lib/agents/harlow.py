"""The optimal agent of the Harlow task (Wang et al. 2016, section 3.2.2): one guess, and no error after it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from rl2lib.types import RuleAgent, StepInput


class HarlowOptimal(RuleAgent[Tensor | None]):
    """Guesses once; then whether it was paid tells which image is the right one, and it follows that image.

    Of n choices it expects n - 1/2 right ones, and no agent that is not told the task can expect more: the first
    choice is a guess for all of them. Its state is what was shown at the step before, left and right image
    [B, 2, D] float32; None at a trial's first step.
    """

    def initial_state(self, batch_size: int, tasks: Any = None) -> None:
        """Return the memory of a fresh trial: nothing."""
        return None

    def act(self, state: Tensor | None, inputs: StepInput, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Guess a side at first; afterwards choose the side on which the right image is."""
        now = inputs.observation
        if state is None:
            guess = torch.randint(2, (len(now),), generator=generator, device=generator.device)
            return guess, now
        row = torch.arange(len(now), device=now.device)
        paid = inputs.prev_reward > 0
        right = state[row, torch.where(paid, inputs.prev_action, 1 - inputs.prev_action)]
        # the images come back as they were, to the last bit: the right one is on the side where nothing differs
        return (now[:, 1] == right).flatten(1).all(dim=1).long(), now
