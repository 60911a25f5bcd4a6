"""Means with their errors, paired differences and normalised scores."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from scipy.special import stdtrit
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

    def format(self, decimals: int = 2) -> str:
        """Write mean and half the interval, "6.61 ± 0.03"."""
        return f"{self.mean:.{decimals}f} ± {(self.high - self.low) / 2:.{decimals}f}"


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
    return _interval(values.mean().item(), values.std().item() / math.sqrt(len(values)), len(values))


def paired_difference(values: Tensor, others: Tensor) -> Estimate:
    """Return the mean of values - others, both [N] on the same tasks: what the tasks share cancels."""
    expect_shape("others", others, "[N]", tuple(values.shape))
    return mean_estimate(values.double() - others.double())


def normalised_score(values: Tensor, random: Tensor, reference: Tensor) -> Estimate:
    """Return (x - random) / (reference - random), a ratio of means over the same tasks.

    The error is the delta method's: of the mean of (x - random) - score · (reference - random), in units of
    the reference's lead. Like a paired difference, it forgets what all three share.

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
    return _interval(score, residual.standard_error / lead.mean().item(), len(values))


def _interval(mean: float, standard_error: float, count: int) -> Estimate:
    reach = float(stdtrit(count - 1, 0.975)) * standard_error
    return Estimate(mean, standard_error, mean - reach, mean + reach)
