"""Returns and advantages over the trial: episodes end inside it, and nothing here is cut at their ends."""

from __future__ import annotations

import torch
from torch import Tensor

from rl2lib.types import expect_shape


def discounted_returns(reward: Tensor, mask: Tensor, discount: float) -> Tensor:
    """Return G_t = r_t + discount · G_{t+1}, from every step to the end of the trial.

    Args:
        reward: [B, T] float32.
        mask: [B, T] bool, steps that belong to the trial.
        discount: γ in [0, 1].

    Returns:
        [B, T], zero where masked out.
    """
    # with no values to lean on and λ = 1, what remains of GAE is the Monte Carlo return
    return gae(reward, torch.zeros_like(reward), mask, discount, 1.0)


def gae(reward: Tensor, value: Tensor, mask: Tensor, discount: float, trace: float) -> Tensor:
    """Return GAE(λ) over the trial: A_t = δ_t + γλ A_{t+1}, with δ_t = r_t + γ V_{t+1} - V_t.

    λ = 1 is the Monte Carlo return minus the baseline; λ = 0 is the one-step error δ. The trial's end is an
    end: the value beyond it is zero (Schulman et al. 2016, eq. 16).

    Args:
        reward: [B, T] float32.
        value: [B, T] float32, V at each step; no gradient flows from the result into it.
        mask: [B, T] bool, steps that belong to the trial: true up to its end, false after.
        discount: γ in [0, 1].
        trace: λ in [0, 1].

    Returns:
        [B, T], zero where masked out.

    Raises:
        ValueError: if shapes differ or a number is outside of [0, 1].
    """
    shape = (reward.shape[0], reward.shape[1]) if reward.ndim == 2 else (-1, -1)
    for name, tensor in (("reward", reward), ("value", value), ("mask", mask)):
        expect_shape(name, tensor, "[B, T]", shape)
    for name, number in (("discount", discount), ("trace", trace)):
        if not 0 <= number <= 1:
            raise ValueError(f"{name}: expected a number in [0, 1], got {number}")
    inside = mask.to(reward.dtype)
    value = value.detach() * inside
    advantages = torch.zeros_like(reward)
    advantage = next_value = torch.zeros_like(reward[:, 0])
    for t in reversed(range(reward.shape[1])):
        error = reward[:, t] + discount * next_value - value[:, t]
        advantage = inside[:, t] * (error + discount * trace * advantage)
        advantages[:, t] = advantage
        next_value = value[:, t]
    return advantages
