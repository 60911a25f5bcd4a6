"""Planning in known tabular MDPs with a finite horizon, all MDPs of a batch at once.

With an end in sight the best action depends on how many steps are left, so values are per step: `[B, T, S, A]`,
index i where i steps are left *after* this one (0 is an episode's last step).
"""

from __future__ import annotations

import torch
from torch import Tensor

from rl2lib.tasks.episodes import expect_counts
from rl2lib.types import expect_shape


def backward_induction(transition: Tensor, reward: Tensor, num_steps: int) -> Tensor:
    """Return the optimal values of every state-action with 0, ..., num_steps - 1 steps left after it.

    Q_0 = R and Q_i(s, a) = R_i(s, a) + Σ_s' P(s' | s, a) max_a' Q_{i-1}(s', a').

    Args:
        transition: [B, S, A, S] float32, probabilities of the next state; they need not sum to 1.
        reward: [B, S, A] float32, expected rewards; or [B, T, S, A], if they depend on the steps left.
        num_steps: T, at least 1.

    Returns:
        [B, T, S, A] float32.

    Raises:
        ValueError: on other shapes.
    """
    reward = _reward_by_step(transition, reward, num_steps)
    values = [reward[:, 0]]
    for left in range(1, num_steps):
        best_next = values[-1].amax(dim=-1)
        values.append(reward[:, left] + _expectation(transition, best_next))
    return torch.stack(values, dim=1)


def extended_value_iteration(
    transition: Tensor, reward: Tensor, slack: Tensor, num_steps: int, *, compounding: bool = False
) -> Tensor:
    """Return values under the most favourable transitions within a distance of the given ones.

    At each backup half of the slack is moved to the best next state, taken from the worst ones first (Jaksch et
    al. 2010, figure 2): the optimum over all distributions within `slack` in L1 distance.

    Args:
        transition: [B, S, A, S] float32, the centre of the set.
        reward: [B, S, A] float32, expected rewards; optimistic ones, if wanted.
        slack: [B, S, A] float32, at least 0.
        num_steps: T, at least 1.
        compounding: start each backup from the transitions that the one before moved, where they did not
            collapse onto one state. TabulaRL's code does so, by changing its estimate in place.

    Returns:
        [B, T, S, A] float32, by steps left.

    Raises:
        ValueError: on other shapes.
    """
    reward = _reward_by_step(transition, reward, num_steps)
    expect_shape("slack", slack, "[B, S, A]", tuple(transition.shape[:-1]))
    values = [reward[:, 0]]
    if compounding:
        # before an episode's end all states are worth nothing, and the last in order is taken for the best
        transition = _favour(transition, slack, torch.zeros_like(values[0][..., 0]), compounding)[1]
    for left in range(1, num_steps):
        best_next = values[-1].amax(dim=-1)
        favoured, transition = _favour(transition, slack, best_next, compounding)
        values.append(reward[:, left] + _expectation(favoured, best_next))
    return torch.stack(values, dim=1)


def _favour(transition: Tensor, slack: Tensor, worth: Tensor, compounding: bool) -> tuple[Tensor, Tensor]:
    """Move probability towards the states of most worth [B, S]; also return what the next backup starts from."""
    order = worth.argsort(dim=-1, stable=True)[:, None, None].expand_as(transition)
    worst_first = transition.gather(-1, order)
    wanted = worst_first[..., -1] + slack / 2
    moved = worst_first.clone()
    moved[..., -1] = wanted.clamp(max=1)
    surplus = moved.sum(dim=-1, keepdim=True) - 1
    before = moved.cumsum(dim=-1) - moved
    moved = moved - (surplus - before).clamp(min=0).minimum(moved)
    favoured = torch.zeros_like(transition).scatter(-1, order, moved)
    if not compounding:
        return favoured, transition
    return favoured, torch.where(wanted[..., None] > 1, transition, favoured)


def _expectation(transition: Tensor, worth: Tensor) -> Tensor:
    """Σ_s' P(s' | s, a) worth(s'): [B, S, A]."""
    return (transition * worth[:, None, None]).sum(dim=-1)


def _reward_by_step(transition: Tensor, reward: Tensor, num_steps: int) -> Tensor:
    expect_counts(num_steps=num_steps)
    if transition.ndim != 4 or transition.shape[1] != transition.shape[3]:
        raise ValueError(f"transition: expected [B, S, A, S], got {tuple(transition.shape)}")
    batch, states, actions, _ = transition.shape
    if reward.ndim == 4:
        expect_shape("reward", reward, "[B, T, S, A]", (batch, num_steps, states, actions))
        return reward
    expect_shape("reward", reward, "[B, S, A]", (batch, states, actions))
    return reward[:, None].expand(-1, num_steps, -1, -1)
