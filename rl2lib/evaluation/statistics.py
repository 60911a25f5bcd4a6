"""Means with their errors, paired differences, normalised scores, and tests of difference and of equivalence.

scipy.stats is imported where it is used: it takes as long to load as the rest of the library.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
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
class PairedTest:
    """Student's paired t-test, two-sided, of "no difference in mean".

    Attributes:
        difference: mean of values - others over the tasks; its interval leaves out 0 just where p < .05.
        statistic: t, the difference in units of its standard error.
        p_value: of a difference at least this large either way, if there were none.
    """

    difference: Estimate
    statistic: float
    p_value: float


def paired_test(values: Tensor, others: Tensor) -> PairedTest:
    """Test whether two agents differ on the same tasks.

    Where the scores differ by the same on every task there is no doubt left: t is 0 and p 1 if that is zero, and
    t is infinite and p 0 if it is not.

    Args:
        values: [N], one agent's scores, N >= 2.
        others: [N], the other's, on the same tasks.

    Raises:
        ValueError: if the lengths differ, N < 2, or a score is not finite.
    """
    from scipy import stats

    difference = paired_difference(values, others)
    if difference.standard_error == 0:
        if difference.mean == 0:
            return PairedTest(difference, 0.0, 1.0)
        return PairedTest(difference, math.copysign(math.inf, difference.mean), 0.0)
    result = stats.ttest_rel(_array(values), _array(others))
    return PairedTest(difference, float(result.statistic), float(result.pvalue))


def paired_bootstrap(values: Tensor, others: Tensor, *, seed: int, num_resamples: int = 9_999) -> Estimate:
    """Return the mean of values - others with a bootstrap interval: whole tasks are drawn again, with replacement.

    The interval is bias-corrected and accelerated (BCa; Efron 1987), which follows skewed differences where
    Student's t is symmetric; `low` and `high` need not lie evenly around the mean. Time grows with N²: a second at
    N = 10,000, where the two intervals agree unless a few tasks decide.

    Args:
        values: [N], one agent's scores, N >= 2.
        others: [N], the other's, on the same tasks.
        seed: of the resampling.
        num_resamples: at least 1,000; fewer leave the interval's ends to chance.

    Returns:
        The estimate; of zero width where the scores differ by the same on every task.

    Raises:
        ValueError: if the lengths differ, N < 2, a score is not finite, or there are too few resamples.
    """
    from scipy import stats

    if num_resamples < 1_000:
        raise ValueError(f"num_resamples: expected at least 1,000, got {num_resamples}")
    mean = paired_difference(values, others).mean
    differences = _array(values) - _array(others)
    if np.ptp(differences) == 0:
        return Estimate(mean, 0.0, mean, mean)
    result = stats.bootstrap(
        (differences,),
        np.mean,
        n_resamples=num_resamples,
        batch=max(1, 2**20 // len(differences)),  # 8 MB at a time
        confidence_level=0.95,
        method="BCa",
        random_state=np.random.default_rng(seed),  # scipy's older word for rng, known to all versions
    )
    low, high = (float(end) for end in result.confidence_interval)
    return Estimate(mean, float(result.standard_error), low, high)


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


def _array(values: Tensor) -> npt.NDArray[np.float64]:
    array: npt.NDArray[np.float64] = values.detach().double().cpu().numpy()
    return array
