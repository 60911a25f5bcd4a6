"""Duan et al. 2016, figure 2: learning curves of table 1's runs, 0 at random play and 1 at the Gittins index.

Nothing is trained here. The curves are those on the cards of table 1's runs: the mean return of each iteration's fresh
trials while the policy learned, with sampled actions. What is measured is the scale: random play and the index on one
set of tasks in every cell.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from msgspec.structs import replace
from torch import Tensor

from rl2lib.agents.bandit import Random
from rl2lib.agents.bayes_optimal import BayesOptimal
from rl2lib.agents.gittins import FiniteHorizonGittins
from rl2lib.evaluation.evaluate import Player, compare, median_of
from rl2lib.evaluation.rows import Measured, Point, Row, columns
from rl2lib.evaluation.statistics import mean_estimate
from rl2lib.experiments.history import NUM_HISTORY
from rl2lib.experiments.papers.table1 import EXPERIMENT as TABLE1
from rl2lib.experiments.papers.table1.players import BEST_KNOWN, OPTIMAL, RL2_EQUIVARIANT, RL2_IMITATION
from rl2lib.experiments.papers.table1.published import PUBLISHED, PUBLISHED_TASKS, RANDOM, RL2
from rl2lib.experiments.papers.table1.trained import (
    ARMS,
    CELLS,
    ROUNDS,
    Cell,
    cells,
    equivariant_name,
    gru_name,
    imitation_name,
    runs,
    setting,
)
from rl2lib.experiments.plan import Claim, Experiment, Scale, Trained
from rl2lib.experiments.verdicts import Verdict, at_least
from rl2lib.tasks.sampling import make_generator

if TYPE_CHECKING:
    from matplotlib.figure import Figure


ID = "figure2"
END = 0.2
"""The share of a curve that counts as its end."""
LEVEL = 0.9
"""The normalised score whose reaching is timed: the same for all, and above what learning at n = 500 begins with."""
SMOOTHED = 5  # points of the curve that a score is averaged over before it counts as reached

FINAL, STEPS = "the curve's end", f"million steps to {LEVEL:g}"


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


class Curve(NamedTuple):
    """A run's learning curve in one cell.

    Attributes:
        steps: [L] float64, millions of environment steps after which each score was met.
        score: [L] float64, the normalised score of that iteration's trials.
    """

    steps: Tensor
    score: Tensor


# --------------------------------------------------------------------------------------- what is measured


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


def learning_curve(card: dict[str, Any], num_pulls: int, num_arms: int, random: float, reference: float) -> Curve:
    """Return the part of a card's learning curve that was met on bandits of one number of arms.

    The arm-equivariant policy takes turns: only its rounds on `num_arms` arms count here, while its steps count all.

    Args:
        card: of a run of table 1.
        num_pulls: n.
        num_arms: k.
        random: the return that scores 0.
        reference: the return that scores 1.
    """
    lengths = [stage["training"]["iterations"] for stage in card["config"]["stages"]]
    rounds = [part.num_arms for part in ROUNDS[num_pulls]] if len(lengths) > 1 else [num_arms]
    arms_of = torch.tensor([arms for arms, length in zip(rounds, lengths, strict=True) for _ in range(length)])
    pieces = arms_of.tensor_split(min(NUM_HISTORY, len(arms_of)))  # as the card's history was thinned
    here = torch.tensor([bool((piece == num_arms).all()) for piece in pieces])
    history = card["history"]
    steps, returns = (torch.tensor(history[name], dtype=torch.float64)[here] for name in ("env_steps", "trial_return"))
    return Curve(steps / 1e6, (returns - random) / (reference - random))


def end_of(curve: Curve) -> Tensor:
    """Return the scores of a curve's end, at least one."""
    return curve.score[-max(1, math.ceil(END * len(curve.score))) :]


def steps_to(curve: Curve, level: float = LEVEL) -> float:
    """Return after how many million steps the mean of the last few iterations reached a level; infinity if never."""
    window = min(SMOOTHED, len(curve.score))
    reached = (curve.score.unfold(0, window, 1).mean(dim=1) >= level).nonzero()
    return curve.steps[window - 1 + int(reached[0])].item() if len(reached) else math.inf


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


# --------------------------------------------------------------------------------------- what is shown and claimed


def draw(measured: Measured) -> Figure:
    """Draw a column for each n, as the paper has it, and a row for each way of learning; a line for each k."""
    import matplotlib.pyplot as plt

    from rl2lib.evaluation.figures import MARKERS, band

    there = measured.cells()
    lengths = sorted({CELLS[cell].num_pulls for cell in there})
    figure, grid = plt.subplots(
        len(CURVES), len(lengths), figsize=(3 * len(lengths) + 1, 2.4 * len(CURVES)), sharey=True, squeeze=False
    )
    for drawn, line_of_axes in zip(CURVES, grid, strict=True):
        for num_pulls, axes in zip(lengths, line_of_axes, strict=True):
            for reference in (0.0, 1.0):
                axes.axhline(reference, color=axes.yaxis.label.get_color(), linestyle=":", linewidth=1)
            # the k of all panels share one order, so that a colour means the same everywhere
            for num_arms, marker in zip(ARMS, MARKERS, strict=False):
                line = measured.line(Cell(num_pulls, num_arms).name, drawn.agent)
                look = {"label": f"k = {num_arms}", "marker": marker, "markersize": 2, "linewidth": 1.2}
                if drawn.agent == RL2_EQUIVARIANT:
                    look["linestyle"] = "none"  # between its rounds on k arms it learned on others
                band(axes, *columns(line), **look)
            axes.set(ylim=(-0.1, 1.1), xlim=(0, None))
            if drawn is CURVES[0]:
                axes.set_title(f"n = {num_pulls}")
            if drawn is CURVES[-1]:
                axes.set_xlabel("environment steps, millions")
        line_of_axes[0].set_ylabel(f"{drawn.how}\nnormalised score")
    # beside the panels, so that it covers no curve
    grid[0, -1].legend(loc="upper left", bbox_to_anchor=(1.02, 1.0))
    for height, name in ((1.0, "Gittins"), (0.0, "random")):
        for line_of_axes in grid[1:]:
            line_of_axes[-1].annotate(
                name, (1, height), (4, 0), xycoords=("axes fraction", "data"), textcoords="offset points", va="center"
            )
    figure.tight_layout()
    return figure


def _ends(measured: Measured, agent: str) -> dict[str, Row]:
    """An agent's rows at its curve's end, by cell."""
    how = next(drawn.how for drawn in CURVES if drawn.agent == agent)
    return {cell: measured.row(cell, agent, f"{how}, {FINAL}") for cell in measured.cells()}


def _reaches(measured: Measured, agent: str) -> Verdict:
    """Whether the end of an agent's curve is at `LEVEL` in every cell."""
    ends = _ends(measured, agent)
    words = "; ".join(f"{cell} {row.score.percent()}" for cell, row in ends.items())
    return Verdict(at_least((row.score for row in ends.values()), LEVEL), words)


def _hardest(measured: Measured) -> Verdict:
    """Whether RL² ends lowest at n = 500, k = 50, by unpaired intervals."""
    ends = _ends(measured, RL2)
    if len(ends) < len(CELLS):
        raise KeyError("all cells of table 1")
    hardest = ends.pop(list(CELLS)[-1])
    nearest = min(ends.values(), key=lambda row: row.mean)
    apart = nearest.mean - hardest.mean > 1.96 * math.hypot(nearest.se, hardest.se)
    others = f"of the others the lowest is {nearest.cell} with {nearest.score.percent()}"
    evidence = f"{hardest.score.percent()} there; {others}"
    return Verdict("matched" if apart else "not reached", evidence)


def _longer_is_slower(measured: Measured) -> Verdict:
    """Whether RL² needs more steps to `LEVEL` the longer the trials, the ranges over seeds apart, at every k."""
    words, right, wrong, silent = [], 0, 0, []
    for num_arms in ARMS:
        there = [cell for cell in measured.cells() if CELLS[cell].num_arms == num_arms]
        taken = [_taken(measured, cell) for cell in there]
        words += [f"{cell} {_range(span)}" for cell, span in zip(there, taken, strict=True)]
        told = right + wrong
        for shorter, longer in pairwise(taken):
            apart = shorter[1] < longer[0]
            # one that was given up earlier than the other got there tells nothing
            known = apart or longer[1] < shorter[0] or max(shorter[1], longer[1]) < math.inf
            right, wrong = right + apart, wrong + (known and not apart)
        silent += [f"k = {num_arms}"] if told == right + wrong and len(there) > 1 else []
    if not right + wrong:
        raise KeyError("two lengths of one k")
    evidence = f"million steps to {LEVEL:g}: {'; '.join(words)}"
    if silent:
        evidence += f". The longer ones were given up too early to tell at {', '.join(silent)}"
    return Verdict("not reached" if wrong else "open" if silent else "matched", evidence)


def _taken(measured: Measured, cell: str) -> tuple[float, float]:
    """The fewest and most million steps that a seed of RL² needed; from all that it had to infinity if it never did."""
    wanted = (RL2, f"{CURVES[0].how}, {STEPS}")
    found = [row.every_seed for row in measured.cell(cell) if (row.agent, row.variant) == wanted]
    if found:
        return found[0][0], found[0][-1]
    return max(point.x for point in measured.line(cell, RL2)), math.inf


def _range(span: tuple[float, float]) -> str:
    if span[1] == math.inf:
        return f"not within {span[0]:.2g}"
    return f"{span[0]:.2g}" if span[0] == span[1] else f"{span[0]:.2g} to {span[1]:.2g}"


EXPERIMENT = Experiment(
    id=ID,
    title="Figure 2: learning curves on bandits",
    source="Duan et al. 2016, figure 2",
    about=(
        "Learning curves of table 1's runs on the figure's scale: 0 is random play, 1 the finite-horizon Gittins "
        "index, both measured on one set of 10,000 tasks a cell. A curve is of training: each point is the mean over "
        "an iteration's fresh tasks, by expected reward, with sampled actions, which score less than the greedy ones "
        "that table 1 plays. The paper's panels are the first row: a plain GRU, learning by reinforcement alone (there "
        "TRPO, up to 1,000 iterations of 250,000 steps; here PPO, for the steps on the axis). Below it the same "
        "network as it imitates the index, and the policy with a memory per arm, which learns on 5, 10 and 50 arms in "
        "turn: its points stand where it met k arms, and its steps are those of all its rounds; at n = 500 all but the "
        "last three rounds imitate the index, too. The table has the mean of a curve's last fifth, and, where whole "
        f"runs are of one k, after how many million steps {SMOOTHED} iterations in a row averaged {LEVEL:g} (the "
        "median seed's); no such row means not within the run. What was published are table 1's returns on this "
        "scale, since the figure prints no numbers. Bands are ranges over seeds."
    ),
    cells=cells,
    runs=runs,
    measure=measure,
    draw=draw,
    alt=(
        "Learning curves in a grid: a column for each number of pulls, a row for each way of learning, a line for "
        "each number of arms; the normalised score, 0 for random play and 1 for the Gittins index, against steps."
    ),
    claims=(
        Claim(
            f"RL² ends near the Gittins index: at {LEVEL:g} or more, in every cell.",
            partial(_reaches, agent=RL2),
            reason="not told apart are fewer steps, fewer hidden units and PPO in TRPO's place (see table 1)",
        ),
        Claim(
            f"The same network ends at {LEVEL:g} or more in every cell when it imitates the index.",
            partial(_reaches, agent=RL2_IMITATION),
            reason="on many arms whole trials are slow to imitate; short ones first get there (see `imitation`)",
        ),
        Claim(
            f"The policy with a memory per arm ends at {LEVEL:g} or more in every cell (at n = 500 after imitation).",
            partial(_reaches, agent=RL2_EQUIVARIANT),
        ),
        Claim("RL² needs more steps the longer the trials are, at every number of arms.", _longer_is_slower),
        Claim("RL² ends furthest from the index at n = 500, k = 50 (section 3.1).", _hardest),
    ),
    reasons=TABLE1.reasons,
    unit="normalised score",
)
