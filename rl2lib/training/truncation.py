"""Unrolling a policy for learning, through whole trials or with the gradient cut every few steps.

Truncated backpropagation through time (Williams & Peng 1990) runs the same forward pass, piece by piece, and lets
no gradient through the state between two pieces: what came before a cut still moves the logits behind it, but they
cannot teach the policy to remember it. That tames the gradients of very long trials, and biases them. It saves no
memory here, since one loss covers all pieces.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from rl2lib.agents.softmax_policy import PolicyWithValues, SoftmaxPolicy
from rl2lib.nested import map_tensors
from rl2lib.types import StepInput


def unroll(policy: SoftmaxPolicy, inputs: StepInput, bptt_steps: int | None = None) -> Tensor:
    """Return logits [B, T, A] of whole trials.

    Args:
        policy: unrolled from the trials' start.
        inputs: [B, T, ...].
        bptt_steps: how many steps a gradient may go back, at most: the state is detached after each such piece.
            None cuts nowhere.

    Raises:
        ValueError: if `bptt_steps` is below 1.
    """
    (logits,) = _in_pieces(policy.unroll, inputs, bptt_steps)
    return logits


def unroll_with_values(
    policy: PolicyWithValues, inputs: StepInput, bptt_steps: int | None = None
) -> tuple[Tensor, Tensor]:
    """Return logits [B, T, A] and values [B, T] from one pass of a policy with a value head; as `unroll` otherwise.

    Args:
        policy: unrolled from the trials' start.
        inputs: [B, T, ...].
        bptt_steps: as for `unroll`.
    """
    logits, values = _in_pieces(policy.logits_and_values, inputs, bptt_steps)
    return logits, values


def _in_pieces(run: Callable[..., tuple[Any, ...]], inputs: StepInput, bptt_steps: int | None) -> list[Tensor]:
    """Return the outputs [B, T, ...] of `run(inputs, state) -> (*outputs, last state)`."""
    num_steps = inputs.prev_action.shape[1]
    if bptt_steps is not None and bptt_steps < 1:
        raise ValueError(f"bptt_steps: expected at least 1, or None for whole trials, got {bptt_steps}")
    if bptt_steps is None or bptt_steps >= num_steps:
        *outputs, _ = run(inputs)
        return outputs
    pieces, state = [], None
    for start in range(0, num_steps, bptt_steps):
        piece = StepInput(*(part[:, start : start + bptt_steps] for part in inputs))
        *outputs, state = run(piece, state)
        state = map_tensors(state, Tensor.detach)
        pieces.append(outputs)
    return [torch.cat(parts, dim=1) for parts in zip(*pieces, strict=True)]
