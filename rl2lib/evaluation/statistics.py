"""Means with their errors, paired differences, normalised scores, and a test of equivalence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from scipy.special import stdtr, stdtrit
from torch import Tensor

from rl2lib.types import expect_shape


@dataclass(frozen=True)
class Estimate:
    """A number estimated from a sample.

    Attributes:
        mean: the estimate.
        standard_error: its standard deviation over repetitions of the whole sample.
        low: lower end of the 95% interval.
        high: upper end.
    """

    mean: float
    standard_error: float
    low: float
    high: float

    @property
    def half(self) -> float:
        """Half the interval."""
        return (self.high - self.low) / 2

    def format(self, decimals: int = 2) -> str:
        """Write mean and half the interval, "6.61 ± 0.03"; the mean alone where there is no interval."""
        half = "" if math.isnan(self.half) else f" ± {self.half:.{decimals}f}"
        return f"{self.mean:.{decimals}f}{half}"

    def percent(self) -> str:
        """Write a share with half its interval, "99.3% ± 0.2"."""
        return f"{100 * self.mean:.1f}% ± {100 * self.half:.1f}"


def normal_estimate(mean: float, standard_error: float) -> Estimate:
    """Return a mean over many tasks with its 95% interval, of which only the standard error was kept."""
    reach = 1.96 * standard_error
    return Estimate(mean, standard_error, mean - reach, mean + reach)


def student_estimate(mean: float, standard_error: float, count: int) -> Estimate:
    """Return a mean over `count` values with its 95% Student-t interval."""
    reach = float(stdtrit(count - 1, 0.975)) * standard_error
    return Estimate(mean, standard_error, mean - reach, mean + reach)


def mean_estimate(values: Tensor) -> Estimate:
    """Return the mean of values [N] with a Student-t interval, so that three seeds are treated as three.

    Raises:
        ValueError: if there are fewer than two values, or one is not finite.
    """
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(f"values: expected [N] with N >= 2, got shape {tuple(values.shape)}")
    if not bool(torch.isfinite(values).all()):
        raise ValueError("values: expected finite numbers, got NaN or infinity")
    values = values.double()
    return student_estimate(values.mean().item(), values.std().item() / math.sqrt(len(values)), len(values))


def over_tasks_and_seeds(values: Sequence[Tensor]) -> Estimate:
    """Return the mean with a 95% interval over tasks and, where there are several seeds, over seeds.

    The two half-intervals add like independent errors. Of differences between two agents on the same tasks it is a
    paired interval.

    Args:
        values: [N] on the same tasks, one tensor a seed.
    """
    every = torch.stack(list(values)).double()
    tasks = mean_estimate(every.mean(dim=0))
    error, half = tasks.standard_error, tasks.high - tasks.mean
    if len(every) > 1:
        seeds = mean_estimate(every.mean(dim=1))
        error, half = math.hypot(error, seeds.standard_error), math.hypot(half, seeds.high - seeds.mean)
    return Estimate(tasks.mean, error, tasks.mean - half, tasks.mean + half)


def paired_difference(values: Tensor, others: Tensor) -> Estimate:
    """Return the mean of values - others, both [N] on the same tasks: what the tasks share cancels."""
    expect_shape("others", others, "[N]", tuple(values.shape))
    return mean_estimate(values.double() - others.double())


def normalised_score(values: Tensor, random: Tensor, reference: Tensor) -> Estimate:
    """Return (x - random) / (reference - random), a ratio of means over the same tasks.

    The error is the delta method's: of the mean of (x - random) - score · (reference - random), in units of
    the reference's lead. Like a paired difference, it forgets what all three share.

    With greedy in random's place it is the part that exploration earns, (x - greedy) / (reference - greedy):
    ``normalised_score(scores["RL²"], scores["greedy"], scores["Bayes-optimal"])``. It may well be negative, and
    its interval is wide where greedy is nearly as good as the reference.

    Args:
        values: [N], the agent's scores.
        random: [N], the random agent's.
        reference: [N], the best known agent's.

    Raises:
        ValueError: if the reference is not ahead of random.
    """
    expect_shape("random", random, "[N]", tuple(values.shape))
    expect_shape("reference", reference, "[N]", tuple(values.shape))
    gain, lead = (values - random).double(), (reference - random).double()
    if lead.mean() <= 0:
        raise ValueError(f"reference: expected a mean above random's, got {lead.mean():g} above")
    score = (gain.mean() / lead.mean()).item()
    residual = mean_estimate(gain - score * lead)
    return student_estimate(score, residual.standard_error / lead.mean().item(), len(values))


@dataclass(frozen=True)
class Equivalence:
    """Two one-sided t-tests of "the means differ by `bound` or more" (Schuirmann 1987).

    A difference that is not significant is no evidence of equivalence; this is. The tests reject at 5% just where
    the 90% interval lies within -bound..bound.

    Attributes:
        bound: the largest difference that would not matter; stated beforehand.
        difference: mean of values less mean of others.
        low: lower end of its 90% interval.
        high: upper end.
        p_value: the larger one of the two tests.
    """

    bound: float
    difference: float
    low: float
    high: float
    p_value: float

    @property
    def equivalent(self) -> bool:
        """Whether the means are shown, at 5%, to differ by less than the bound."""
        return self.p_value < 0.05


def equivalence_test(values: Tensor, others: Tensor, bound: float, *, paired: bool) -> Equivalence:
    """Test whether two means are the same up to a stated bound.

    Args:
        values: [N], e.g. the final scores of N runs of one method.
        others: [M], the other's; M = N and the same tasks if paired.
        bound: the largest difference that would not matter, positive.
        paired: the paired t-test; False: Welch's, for independent samples of unequal variances.

    Returns:
        The tests' answer; where the scores leave no doubt (no variance at all), p is 0 within the bound, else 1.

    Raises:
        ValueError: if the bound is not a positive number, a sample has fewer than two values or one that is not
            finite, or paired samples differ in length.
    """
    if not 0 < bound < math.inf:
        raise ValueError(f"bound: expected a positive number, got {bound}")
    if paired:
        estimate = paired_difference(values, others)
        difference, error, freedom = estimate.mean, estimate.standard_error, len(values) - 1.0
    else:
        one, other = mean_estimate(values), mean_estimate(others)
        difference, error = one.mean - other.mean, math.hypot(one.standard_error, other.standard_error)
        shares = one.standard_error**4 / (len(values) - 1) + other.standard_error**4 / (len(others) - 1)
        freedom = error**4 / shares if shares > 0 else 1.0
    if error == 0:
        p_value = 0.0 if abs(difference) < bound else 1.0
    else:
        # the side on which the difference is nearer to the bound has the larger p
        p_value = float(stdtr(freedom, (abs(difference) - bound) / error))
    reach = float(stdtrit(freedom, 0.95)) * error
    return Equivalence(bound, difference, difference - reach, difference + reach, p_value)
