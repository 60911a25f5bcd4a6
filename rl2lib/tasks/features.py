"""A task as numbers, for those who may see it: a baseline at training time, a table of results; never a policy."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def flatten_tasks(tasks: Any) -> Tensor:
    """Return each task's parameters side by side, [B, F] float32.

    Args:
        tasks: one tensor [B, ...], or a record of such tensors, as a distribution samples them.
    """
    parts = [tasks] if isinstance(tasks, Tensor) else list(tasks)
    return torch.cat([part.reshape(len(part), -1).to(torch.float32) for part in parts], dim=1)
