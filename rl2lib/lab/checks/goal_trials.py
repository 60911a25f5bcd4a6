"""Trials whose episodes are written down beforehand: how long each was, and whether the goal was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rl2lib.types import Trajectory


@dataclass(frozen=True)
class EpisodeScript:
    """B trials of E episodes each.

    Attributes:
        episodes: by trial, (length, whether the goal was found) of every episode; one not found is a time-out.
        step_reward: paid at every step; a found goal pays 1 in addition.
    """

    episodes: Sequence[Sequence[tuple[int, bool]]]
    step_reward: float = -0.04


def scripted_trials(script: EpisodeScript) -> Trajectory:
    """Return the script as a trajectory, shorter trials padded."""
    lengths = [sum(length for length, _ in trial) for trial in script.episodes]
    shape = (len(lengths), max(lengths))
    reward, ends, late, last = torch.zeros(shape), *(torch.zeros(shape, dtype=torch.bool) for _ in range(3))
    mask = torch.arange(shape[1]) < torch.tensor(lengths)[:, None]
    for row, trial in enumerate(script.episodes):
        step = -1
        for length, found in trial:
            reward[row, step + 1 : step + 1 + length] = script.step_reward
            step += length
            reward[row, step] += float(found)
            ends[row, step] = True
            late[row, step] = not found
        last[row, step] = True
    return Trajectory(
        observation=torch.zeros(*shape, 25),
        action=torch.zeros(shape, dtype=torch.int64),
        reward=reward,
        episode_end=ends,
        timed_out=late,
        trial_end=last,
        mask=mask,
    )


def _sums(trials: Trajectory, number: Tensor, num_episodes: int) -> tuple[Tensor, Tensor]:
    """Return rewards and steps summed by episode, [B, E], for episode numbers [B, T]; others are left out."""
    rewards, steps = [], []
    for episode in range(num_episodes):
        inside = number == episode
        rewards.append((trials.reward * inside).sum(dim=1))
        steps.append(inside.sum(dim=1).float())
    return torch.stack(rewards, dim=1), torch.stack(steps, dim=1)


def _record(returns: Tensor, steps: Tensor, success: Tensor) -> dict[str, Tensor]:
    return {"return": returns.mean(dim=0), "steps": steps.mean(dim=0), "success": success.mean(dim=0)}


def _parts(trials: Trajectory, num_episodes: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the episode number of every step [B, T], and returns, steps, successes [B, E]."""
    ends = trials.episode_end & trials.mask
    number = torch.where(trials.mask, ends.cumsum(dim=1) - ends.long(), -1)
    returns, steps = _sums(trials, number, num_episodes)
    missed, _ = _sums(trials._replace(reward=trials.timed_out.float()), number, num_episodes)
    return number, returns, steps, 1 - missed


def expected_by_episode(trials: Trajectory, num_episodes: int) -> dict[str, Tensor]:
    """Return mean return, steps and success of every episode, each [E]."""
    _, returns, steps, success = _parts(trials, num_episodes)
    return _record(returns, steps, success)


def episode_slips(trials: Trajectory, num_episodes: int) -> dict[str, dict[str, Tensor]]:
    """What the usual slips give on these trials."""
    number, returns, steps, success = _parts(trials, num_episodes)
    ends = (trials.episode_end & trials.mask).long()
    shifted = _sums(trials, torch.where(trials.mask, ends.cumsum(dim=1), -1), num_episodes)
    last = torch.where(trials.mask, number, num_episodes - 1)
    found = success > 0
    only_found = torch.where(found, steps, 0.0).sum(dim=0) / found.sum(dim=0).clamp(min=1)
    right = _record(returns, steps, success)
    each = _record(returns, steps, success)
    return {
        "time_outs_are_successes": {**right, "success": torch.ones(num_episodes)},
        "success_read_from_the_return": {**right, "success": (returns > 0).float().mean(dim=0)},
        "end_counted_with_the_next_episode": _record(*shifted, success),
        "padding_counts_as_steps": {**right, "steps": _sums(trials, last, num_episodes)[1].mean(dim=0)},
        "sum_over_trials": {name: value * len(returns) for name, value in each.items()},
        "steps_of_successes_only": {**right, "steps": only_found},
        "reward_per_step": {**right, "return": (returns / steps).mean(dim=0)},
        "returns_pile_up": {**right, "return": returns.cumsum(dim=1).mean(dim=0)},
        "by_step_not_by_episode": {**right, "return": trials.reward[:, :num_episodes].mean(dim=0)},
    }
