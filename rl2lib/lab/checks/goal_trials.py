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


def expected_by_episode(trials: Trajectory, num_episodes: int) -> dict[str, Tensor]:
    """Return mean return, steps and success of every episode, each [E]."""
    ends = trials.episode_end & trials.mask
    number = torch.where(trials.mask, ends.cumsum(dim=1) - ends.long(), -1)
    inside = number[..., None] == torch.arange(num_episodes)
    values = {"return": trials.reward, "steps": trials.mask.float(), "success": (ends & ~trials.timed_out).float()}
    return {name: (value[..., None] * inside).sum(dim=1).mean(dim=0) for name, value in values.items()}
