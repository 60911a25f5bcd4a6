"""Learning curves as the figures draw them: scores against steps, their ends, published numbers beside them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from rl2lib.evaluation.evaluate import median_of
from rl2lib.evaluation.rows import Point, Row
from rl2lib.evaluation.statistics import mean_estimate

END = 0.2
"""The share of a curve that counts as its end."""
FINAL = "the curve's end"


class Curve(NamedTuple):
    """A run's learning curve in one cell.

    Attributes:
        steps: [L] float64, millions of environment steps after which each score was met.
        score: [L] float64, the normalised score of that iteration's trials.
    """

    steps: Tensor
    score: Tensor


def curve_of(card: Mapping[str, Any], counts: Sequence[bool], zero: float, one: float) -> Curve:
    """Return the part of a run's learning curve that was met in some of its stages; steps are those of all.

    Args:
        card: the run's, whose history is thinned: a point is kept if all of its iterations count.
        counts: for each stage, whether its trials count.
        zero: the return that scores 0.
        one: the return that scores 1.
    """
    lengths = [stage["training"]["iterations"] for stage in card["config"]["stages"]]
    iterations = torch.tensor([there for there, length in zip(counts, lengths, strict=True) for _ in range(length)])
    steps, returns = (
        torch.tensor(card["history"][name], dtype=torch.float64) for name in ("env_steps", "trial_return")
    )
    kept = torch.tensor([bool(piece.all()) for piece in iterations.tensor_split(len(returns))])
    return Curve(steps[kept] / 1e6, (returns[kept] - zero) / (one - zero))


def end_of(curve: Curve) -> Tensor:
    """Return the scores of a curve's end, at least one."""
    return curve.score[-max(1, math.ceil(END * len(curve.score))) :]


def on_scale(told: float, zero: Row, one: Row, num_tasks: int) -> tuple[float, float]:
    """Return a published return, printed to a tenth, on a figure's scale, and its standard error.

    The figures themselves print no numbers. The scale is ours: the paper's own reference is another algorithm.

    Args:
        told: the return.
        zero: who scores 0.
        one: who scores 1.
        num_tasks: that the published mean is over.
    """
    lead = one.mean - zero.mean
    spread = one.se * math.sqrt(one.num_tasks)
    rounding = 0.1 / math.sqrt(12)  # uniform, up to .05 to either side
    return round((told - zero.mean) / lead, 3), math.hypot(spread / math.sqrt(num_tasks), rounding) / lead


def end_row(
    experiment: str,
    cell: str,
    agent: str,
    variant: str,
    curves: list[Curve],
    zero: Row,
    one: Row,
    *,
    steps_per_trial: int,
    told: tuple[float, float] | None = None,
) -> Row:
    """Return the median seed's score at its curve's end.

    Args:
        experiment: its id.
        cell: the cell's name.
        agent: whose curves they are.
        variant: how it learned.
        curves: one a seed.
        zero: who scores 0.
        one: who scores 1.
        steps_per_trial: to tell how many trials the end is made of.
        told: the published score and its standard error, where there is one.
    """
    steps = curves[0].steps.diff(prepend=curves[0].steps.new_zeros(1))[-1].item()  # of one point
    lead = one.mean - zero.mean
    ends = sorted((end_of(curve) for curve in curves), key=lambda end: end.mean().item())
    end = median_of(ends)
    score = end.mean().item()
    noise = mean_estimate(end).standard_error if len(end) > 1 else math.nan
    return Row(
        experiment,
        cell,
        agent,
        variant,
        actions="sampled",
        mean=score,
        se=math.hypot(noise, score * one.se / lead, (1 - score) * zero.se / lead),  # the scale is measured too
        num_tasks=round(steps * 1e6 / steps_per_trial * len(end)),
        seeds=len(curves),
        every_seed=tuple(each.mean().item() for each in ends),
        published=told[0] if told else None,
        published_se=told[1] if told else None,
    )


def curve_points(experiment: str, cell: str, agent: str, curves: list[Curve]) -> list[Point]:
    """Return a line's points, the mean of the seeds with their range, at most some sixty of them.

    Args:
        experiment: its id.
        cell: the cell's name.
        agent: the line's.
        curves: one a seed, all with the same steps.
    """
    score = torch.stack([curve.score for curve in curves])
    points = []
    for piece in torch.arange(score.shape[1]).tensor_split(min(60, score.shape[1])):
        by_seed = score[:, piece].mean(dim=1)
        x = curves[0].steps[piece].mean().item()
        low, middle, high = by_seed.min().item(), by_seed.mean().item(), by_seed.max().item()
        points.append(Point(experiment, cell, agent, x, middle, low, high))
    return points
