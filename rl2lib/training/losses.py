"""The slow learners' losses as pure functions of [B, T] tensors; the learners differ in how they use them."""

from __future__ import annotations

import torch
from torch import Tensor

from rl2lib.types import expect_shape


def action_log_probs(logits: Tensor, action: Tensor) -> Tensor:
    """Return log π(a_t | history) [B, T] of the actions [B, T] taken, from logits [B, T, A]."""
    expect_shape("action", action, "[B, T]", tuple(logits.shape[:-1]))
    return logits.log_softmax(dim=-1).gather(-1, action[..., None]).squeeze(-1)


def entropy(logits: Tensor, mask: Tensor) -> Tensor:
    """Return the policy's entropy in nats, averaged over the steps within trials."""
    log_probs = logits.log_softmax(dim=-1)
    return masked_mean(-(log_probs.exp() * log_probs).sum(dim=-1), mask)


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of values [B, T] over the steps within trials."""
    expect_shape("mask", mask, "[B, T]", tuple(values.shape))
    return torch.where(mask, values, 0.0).sum() / mask.sum()


def reinforce_loss(log_prob: Tensor, advantage: Tensor, mask: Tensor) -> Tensor:
    """Return -Σ_t log π(a_t) A_t, summed over a trial and averaged over trials (Williams 1992).

    Its gradient is an unbiased estimate of minus the gradient of the expected return, if the advantage is the
    return less a baseline that has not seen a_t. No gradient flows into the advantage.

    Args:
        log_prob: [B, T] float32.
        advantage: [B, T] float32.
        mask: [B, T] bool.
    """
    expect_shape("advantage", advantage, "[B, T]", tuple(log_prob.shape))
    expect_shape("mask", mask, "[B, T]", tuple(log_prob.shape))
    return -torch.where(mask, log_prob * advantage.detach(), 0.0).sum(dim=1).mean()


def clipped_loss(log_prob: Tensor, old_log_prob: Tensor, advantage: Tensor, mask: Tensor, clip: float) -> Tensor:
    """Return PPO's loss -min(ρ A, clip(ρ, 1 - c, 1 + c) A), averaged over steps, ρ = π / π_old.

    Args:
        log_prob: [B, T] float32, of the taken actions now.
        old_log_prob: [B, T] float32, when they were taken.
        advantage: [B, T] float32.
        mask: [B, T] bool.
        clip: c, how far the ratio may profit from moving (Schulman et al. 2017, eq. 7).
    """
    expect_shape("old_log_prob", old_log_prob, "[B, T]", tuple(log_prob.shape))
    ratio = (log_prob - old_log_prob.detach()).exp()
    advantage = advantage.detach()
    return -masked_mean(torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage), mask)


def surrogate(log_prob: Tensor, old_log_prob: Tensor, advantage: Tensor, mask: Tensor) -> Tensor:
    """Return TRPO's objective, the mean of ρ A over steps, ρ = π / π_old (Schulman et al. 2015, eq. 14).

    Its gradient at π = π_old is the policy gradient. Arguments as for `clipped_loss`.
    """
    expect_shape("old_log_prob", old_log_prob, "[B, T]", tuple(log_prob.shape))
    return masked_mean((log_prob - old_log_prob.detach()).exp() * advantage.detach(), mask)


def kl_divergence(old_logits: Tensor, logits: Tensor, mask: Tensor) -> Tensor:
    """Return KL(old ‖ new) of two policies in nats, exact at every step and averaged over the steps within trials.

    Args:
        old_logits: [B, T, A] float32; no gradient flows into them.
        logits: [B, T, A] float32.
        mask: [B, T] bool.
    """
    expect_shape("old_logits", old_logits, "[B, T, A]", tuple(logits.shape))
    old = old_logits.detach().log_softmax(dim=-1)
    return masked_mean((old.exp() * (old - logits.log_softmax(dim=-1))).sum(dim=-1), mask)


def sampled_kl(log_prob: Tensor, old_log_prob: Tensor, mask: Tensor) -> Tensor:
    """Return an estimate of KL(old ‖ new) from the taken actions alone, the mean of ρ - 1 - log ρ: never negative.

    Args:
        log_prob: [B, T] float32, of the taken actions now.
        old_log_prob: [B, T] float32, when they were taken.
        mask: [B, T] bool.
    """
    expect_shape("old_log_prob", old_log_prob, "[B, T]", tuple(log_prob.shape))
    log_ratio = log_prob - old_log_prob
    return masked_mean(log_ratio.exp() - 1 - log_ratio, mask)


def imitation_loss(logits: Tensor, accepted: Tensor, mask: Tensor) -> Tensor:
    """Return -log of the probability that the policy gives to accepted actions, averaged over steps.

    With one accepted action a step it is the cross-entropy. Among several the policy may choose as it likes.

    Args:
        logits: [B, T, A] float32.
        accepted: [B, T, A] bool, at least one at every step.
        mask: [B, T] bool.
    """
    expect_shape("accepted", accepted, "[B, T, A]", tuple(logits.shape))
    log_probs = logits.log_softmax(dim=-1).masked_fill(~accepted, float("-inf"))
    return -masked_mean(log_probs.logsumexp(dim=-1), mask)


def baseline_loss(value: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Return half the squared error of the values [B, T], averaged over steps; the target is held fixed."""
    expect_shape("target", target, "[B, T]", tuple(value.shape))
    return 0.5 * masked_mean((value - target.detach()).square(), mask)


def centre_by_step(advantage: Tensor, mask: Tensor) -> Tensor:
    """Subtract from every step its mean over trials, then divide everything by one standard deviation.

    Early steps of a trial have larger returns than late ones: a mean over all steps would push every early
    action up and every late one down. One scale for all steps keeps their relative weight.

    Args:
        advantage: [B, T] float32.
        mask: [B, T] bool.
    """
    expect_shape("mask", mask, "[B, T]", tuple(advantage.shape))
    inside = mask.to(advantage.dtype)
    mean = (advantage * inside).sum(dim=0) / inside.sum(dim=0).clamp(min=1)
    centred = (advantage - mean) * inside
    return centred / (centred.square().sum() / inside.sum()).sqrt().clamp(min=1e-8)
