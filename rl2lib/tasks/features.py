"""What networks read as rows of numbers: a step input, or a task for those who may see it, which no policy does."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from rl2lib.types import StepInput


def flat_step_input(inputs: StepInput, num_actions: int) -> Tensor:
    """Lay step inputs of [B] or [B, T] steps flat: observation, one-hot previous action, previous reward, flag.

    Returns:
        [..., D] float32, D = the observation's numbers + A + 2.
    """
    observation = inputs.observation.reshape(*inputs.prev_action.shape, -1)
    action = one_hot(inputs.prev_action, num_actions).to(torch.float32)
    return torch.cat([observation, action, inputs.prev_reward[..., None], inputs.prev_end[..., None]], dim=-1)


def flatten_tasks(tasks: Any) -> Tensor:
    """Return each task's parameters side by side, [B, F] float32.

    Args:
        tasks: one tensor [B, ...], or a record of such tensors, as a distribution samples them.
    """
    parts = [tasks] if isinstance(tasks, Tensor) else list(tasks)
    return torch.cat([part.reshape(len(part), -1).to(torch.float32) for part in parts], dim=1)
