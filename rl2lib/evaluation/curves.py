"""What happens inside a trial, from a trajectory: regret pull by pull, return and steps episode by episode.

`play` of `evaluate` makes the trajectory. Everything is summed for all trials at once, [B, ...], and only then
averaged, so that a curve's error is over trials.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from scipy.special import stdtrit
from torch import Tensor

from rl2lib.types import Trajectory, expect_shape


@dataclass(frozen=True)
class Curve:
    """A mean over trials at each of L places, with its error.

    Attributes:
        x: [L] int64, the place, counted from 1: a pull, a step or an episode.
        mean: [L] float64, over the trials that reach the place; NaN where none does.
        standard_error: [L] float64; NaN where fewer than two trials do.
        low: [L] float64, lower end of the 95% Student-t interval of this place alone; NaN likewise.
        high: [L] float64, upper end.
        num_trials: [L] int64, how many trials reach the place.
    """

    x: Tensor
    mean: Tensor
    standard_error: Tensor
    low: Tensor
    high: Tensor
    num_trials: Tensor


class Episodes(NamedTuple):
    """Every episode of B trials, E the most that any of them has; what a trial does not have is 0 and False.

    Attributes:
        returns: [B, E] float64, undiscounted reward summed over the episode.
        steps: [B, E] int64, its length; 0 where the trial has no such episode.
        ended: [B, E] bool, it was played to its end; False for one that was cut off.
        timed_out: [B, E] bool, it ended by its horizon, not by the task.
    """

    returns: Tensor
    steps: Tensor
    ended: Tensor
    timed_out: Tensor


def episodes(trajectory: Trajectory, *, expected: bool = False) -> Episodes:
    """Sum a trajectory by episode.

    Args:
        trajectory: B trials, of episodes of any lengths.
        expected: sum `expected_reward` in place of the sampled rewards (less noise, same mean).

    Raises:
        ValueError: if expected rewards are wanted and the environment did not tell them.
    """
    reward = _expected_reward(trajectory) if expected else trajectory.reward
    mask, ends = trajectory.mask, trajectory.episode_end & trajectory.mask
    # the step that ends an episode still belongs to it; padding is counted to the first, and adds nothing
    number = torch.where(mask, ends.cumsum(dim=1) - ends.long(), 0)
    num_episodes = int(number.max()) + 1

    def by_episode(values: Tensor) -> Tensor:
        sums = values.new_zeros(len(values), num_episodes)
        return sums.scatter_add(1, number, torch.where(mask, values, torch.zeros_like(values)))

    return Episodes(
        returns=by_episode(reward.double()),
        steps=by_episode(mask.long()),
        ended=by_episode(ends.long()).bool(),
        timed_out=by_episode(trajectory.timed_out.long()).bool(),
    )


def cumulative_regret(trajectory: Trajectory, best: Tensor) -> Tensor:
    """Return [B, T] float64, the regret so far: the sum of μ* - μ of the chosen arm, of means and not of samples.

    After a trial's end it stays where it was.

    Args:
        trajectory: B trials of an environment that tells expected rewards.
        best: [B], the largest expected reward of each task (a bandit's ``means.amax(dim=1)``), or [B, T] where it
            changes within the trial.

    Raises:
        ValueError: if there are no expected rewards, or one is larger than the best.
    """
    expected, mask = _expected_reward(trajectory), trajectory.mask
    if best.ndim == 1:
        expect_shape("best", best, "[B]", (len(mask),))
        best = best[:, None].expand(mask.shape)
    expect_shape("best", best, "[B] or [B, T]", tuple(mask.shape))
    gap = torch.where(mask, best.double() - expected.double(), 0.0)
    # float32 rounding is relative to the rewards' size
    if bool((gap < -1e-5 * best.abs().clamp(min=1)).any()):
        raise ValueError(
            f"best: expected no less than any expected reward, got one {-gap.min():g} larger; "
            "are these the tasks that were played?"
        )
    return gap.cumsum(dim=1)


def mean_curve(values: Tensor, present: Tensor | None = None) -> Curve:
    """Average over trials at each place.

    Args:
        values: [B, L].
        present: [B, L] bool, what counts; None: everything.

    Raises:
        ValueError: if the shapes differ, or a value that counts is not finite.
    """
    if values.ndim != 2:
        raise ValueError(f"values: expected [B, L], got shape {tuple(values.shape)}")
    present = torch.ones_like(values, dtype=torch.bool) if present is None else present
    expect_shape("present", present, "[B, L]", tuple(values.shape))
    values = torch.where(present, values.detach().double(), 0.0).cpu()
    if not bool(torch.isfinite(values).all()):
        raise ValueError("values: expected finite numbers, got NaN or infinity")
    present = present.cpu()
    count = present.sum(dim=0)
    mean = values.sum(dim=0) / count  # 0 / 0 is NaN
    squares = torch.where(present, values - mean, 0.0).square().sum(dim=0)
    error = (squares / (count - 1) / count).sqrt()
    error[count < 2] = torch.nan
    reach = torch.from_numpy(stdtrit((count - 1).clamp(min=1).double().numpy(), 0.975)) * error
    return Curve(torch.arange(1, len(count) + 1), mean, error, mean - reach, mean + reach, count)


def regret_curve(trajectory: Trajectory, best: Tensor) -> Curve:
    """Return the mean cumulative regret after each pull; see `cumulative_regret`."""
    return mean_curve(cumulative_regret(trajectory, best), trajectory.mask)


def return_curve(trajectory: Trajectory, *, expected: bool = False) -> Curve:
    """Return the mean return of the first, second, ... episode, over the trials that played it to its end."""
    played = episodes(trajectory, expected=expected)
    return mean_curve(played.returns, played.ended)


def steps_curve(trajectory: Trajectory) -> Curve:
    """Return the mean length of the first, second, ... episode, over the trials that played it to its end."""
    played = episodes(trajectory)
    return mean_curve(played.steps, played.ended)


def success_curve(trajectory: Trajectory) -> Curve:
    """Return the share of the first, second, ... episodes that the task ended, not the horizon."""
    played = episodes(trajectory)
    return mean_curve(~played.timed_out, played.ended)


def _expected_reward(trajectory: Trajectory) -> Tensor:
    if trajectory.expected_reward is None:
        raise ValueError("expected_reward: this environment does not tell it; regret and expected returns need it")
    return trajectory.expected_reward
