"""Who is in figure 2: random play and the index, which make the scale, and the runs of table 1 on it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from msgspec.structs import replace

from rl2lib.agents.bandit import Random
from rl2lib.agents.bayes_optimal import BayesOptimal
from rl2lib.agents.gittins import FiniteHorizonGittins
from rl2lib.evaluation.evaluate import Player, compare, median_of
from rl2lib.evaluation.rows import Measured, Row
from rl2lib.experiments.papers.learning_curves import FINAL, Curve, curve_points, end_row, on_scale
from rl2lib.experiments.papers.table1.curves import learning_curve
from rl2lib.experiments.papers.table1.players import BEST_KNOWN, OPTIMAL, RL2_EQUIVARIANT, RL2_IMITATION
from rl2lib.experiments.papers.table1.published import PUBLISHED, PUBLISHED_TASKS, RANDOM, RL2
from rl2lib.experiments.papers.table1.trained import CELLS, Cell, equivariant_name, gru_name, imitation_name, setting
from rl2lib.experiments.plan import Scale, Trained
from rl2lib.tasks.sampling import make_generator

ID = "figure2"
LEVEL = 0.9
"""The normalised score whose reaching is timed: the same for all, and above what learning at n = 500 begins with."""
SMOOTHED = 5  # points of the curve that a score is averaged over before it counts as reached
STEPS = f"million steps to {LEVEL:g}"


class Drawn(NamedTuple):
    """An agent whose curves are drawn.

    Attributes:
        agent: its name in table 1.
        how: the form of it, as in table 1's rows.
        run: makes the name of its run from a cell.
    """

    agent: str
    how: str
    run: Callable[[Cell], str]


CURVES = (
    Drawn(RL2, "plain GRU by PPO", gru_name),
    Drawn(RL2_IMITATION, "plain GRU by imitation", imitation_name),
    Drawn(RL2_EQUIVARIANT, "a memory per arm", lambda cell: equivariant_name(cell.num_pulls)),
)
TEST_TASKS: dict[Scale, int] = {"smoke": 64, "laptop": 10_000, "paper": 10_000}
"""That random play and the index are measured on."""


def measure(cell: str, scale: Scale, trained: Trained) -> Measured:
    """Measure a cell's scale, and put the curves of its runs on it."""
    num_pulls, num_arms = CELLS[cell]
    distribution, env = setting(CELLS[cell])
    place = 2_000_000 + 1_000 * num_pulls + num_arms
    tasks = distribution.sample(TEST_TASKS[scale], make_generator(place, "figure 2: test"))
    optimal = BayesOptimal(num_arms, num_pulls) if num_pulls == 10 else None
    players = [Player(RANDOM, [Random(num_arms)]), Player(BEST_KNOWN, [FiniteHorizonGittins(num_arms, num_pulls)])]
    players += [Player(OPTIMAL, [optimal])] if optimal else []
    returns = compare(ID, cell, players, env, tasks, seed=place, random=RANDOM, reference=BEST_KNOWN).rows
    zero, one = (next(row for row in returns if row.agent == agent) for agent in (RANDOM, BEST_KNOWN))
    lead = one.mean - zero.mean
    ceiling = (optimal.value - zero.mean) / lead if optimal else 1.0
    found = Measured([_scaled(row, lead, ceiling, "exact" if optimal else "best known") for row in returns])
    for drawn in CURVES:
        cards = trained.cards(drawn.run(CELLS[cell]))
        curves = [learning_curve(card, num_pulls, num_arms, zero.mean, one.mean) for card in cards]
        found.rows.extend(_rows(cell, drawn, curves, zero, one))
        found.points.extend(curve_points(ID, cell, drawn.agent, curves))
    return found


def _scaled(row: Row, lead: float, ceiling: float, ceiling_is: str) -> Row:
    """A row of returns as one of normalised scores."""
    return replace(
        row,
        setting=f"return {row.score.format(2)}",
        mean=row.normalised_mean or 0.0,
        se=row.normalised_se or 0.0,
        normalised_mean=None,
        behind=(row.behind or 0.0) / lead,
        behind_se=(row.behind_se or 0.0) / lead,
        ceiling=ceiling,
        ceiling_is=ceiling_is,
    )


def steps_to(curve: Curve, level: float = LEVEL) -> float:
    """Return after how many million steps the mean of the last few iterations reached a level; infinity if never."""
    window = min(SMOOTHED, len(curve.score))
    reached = (curve.score.unfold(0, window, 1).mean(dim=1) >= level).nonzero()
    return curve.steps[window - 1 + int(reached[0])].item() if len(reached) else math.inf


def _rows(cell: str, drawn: Drawn, curves: list[Curve], zero: Row, one: Row) -> list[Row]:
    """The median seed's score at its curve's end, and the median number of steps to `LEVEL` where that was reached."""
    num_pulls, _ = CELLS[cell]
    told = None
    if drawn.agent == RL2:
        told = on_scale(PUBLISHED[CELLS[cell], RL2], zero, one, PUBLISHED_TASKS)
    end = end_row(
        ID, cell, drawn.agent, f"{drawn.how}, {FINAL}", curves, zero, one, steps_per_trial=num_pulls, told=told
    )
    taken = tuple(sorted(steps_to(curve) for curve in curves))
    median = median_of(taken)
    # one that met this number of arms in some of its rounds only cannot have come there in any other
    if drawn.agent == RL2_EQUIVARIANT or not math.isfinite(median):
        return [end]
    reached = replace(
        end,
        variant=f"{drawn.how}, {STEPS}",
        mean=median,
        se=math.nan,
        every_seed=taken,
        published=None,
        published_se=None,
        better="lower",
    )
    return [end, reached]
