"""Duan et al. 2016, section 3.1: is the architecture the limit, or the slow learner?

At 500 pulls of 50 arms the paper's RL² was behind the Gittins index. To find the bottleneck the authors trained the
same network by supervised learning on trajectories that the index had played, and it played as well as the index. Here
one network learns by PPO and by imitation, from the index's trials and from its own, on whole trials and on short ones
first: PPO and imitation on whole trials are table 1's runs, the others are trained here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from rl2lib.agents.bandit import Counts, Random
from rl2lib.agents.gittins import FiniteHorizonGittins
from rl2lib.evaluation.choice import acting_best, draw_tasks
from rl2lib.evaluation.evaluate import Player, compare, play
from rl2lib.evaluation.rows import Measured, Point, Row, columns
from rl2lib.evaluation.statistics import mean_estimate
from rl2lib.experiments.papers.figure2 import curve_points, learning_curve
from rl2lib.experiments.papers.short_trials_first import Part, Parts, imitating, reinforcing, scaled
from rl2lib.experiments.papers.table1.players import BEST_KNOWN
from rl2lib.experiments.papers.table1.published import PUBLISHED, PUBLISHED_TASKS, RANDOM, RL2
from rl2lib.experiments.papers.table1.trained import CELLS, gru_name, gru_run, imitation_name, imitation_run, setting
from rl2lib.experiments.plan import Claim, Experiment, Run, Scale, Trained
from rl2lib.experiments.verdicts import Verdict
from rl2lib.tasks.sampling import make_generator
from rl2lib.training.imitation import label_ties
from rl2lib.types import Trajectory

if TYPE_CHECKING:
    from matplotlib.figure import Figure


ID = "imitation"
RL2_SHORT_FIRST = "RL², short trials first"
DAGGER, CLONED = "RL² network, DAgger", "RL² network, behaviour cloning"
SHORT_FIRST = f"{DAGGER}, short trials first"
HALF = f"{SHORT_FIRST}, half as long"
HARD, EASIER = "n500_k50", "n100_k50"
LEVEL = 0.02
"""The largest distance from the index, of its lead over random play, that counts as its level."""


@dataclass(frozen=True)
class Size:
    """How much is computed at a scale.

    Attributes:
        parts: the schedule of trial lengths, by cell of table 1.
        cloning: iterations, trials in each and minibatch of behaviour cloning, by cell.
        test_tasks: of the comparison.
        validation_tasks: of the choice between greedy and sampled actions.
        watched_tasks: trials in which every choice is held against the index.
    """

    parts: dict[str, Parts]
    cloning: dict[str, tuple[int, int, int]]
    test_tasks: int = 10_000
    validation_tasks: int = 500
    watched_tasks: int = 500


FIRST = (Part(20, 20, 256, 32, (5e-3, 5e-3), "teacher"), Part(20, 30, 256, 32, (5e-3, 3e-3)))
PARTS = {
    EASIER: (*FIRST, Part(50, 60, 256, 32, (4e-3, 1e-3)), Part(100, 80, 256, 32, (2e-3, 0.0))),
    HARD: (
        *FIRST,
        Part(50, 50, 256, 32, (4e-3, 1e-3)),
        Part(150, 60, 128, 16, (2e-3, 5e-4)),
        Part(500, 30, 64, 16, (1e-3, 0.0)),
    ),
}
SIZES: dict[Scale, Size] = {
    "smoke": Size(
        {"n10_k5": (Part(3, 1, 16, 8, (5e-3, 5e-3), "teacher"), Part(10, 1, 16, 8, (5e-3, 0.0)))},
        {"n10_k5": (1, 16, 8)},
        64,
        16,
        16,
    ),
    "laptop": Size(PARTS, {EASIER: (80, 256, 64), HARD: (80, 64, 16)}),
    # on the order of a hundred million steps, as the paper's cells had
    "paper": Size(
        {cell: scaled(parts, iterations=10, trials=4) for cell, parts in PARTS.items()},
        {EASIER: (800, 1024, 256), HARD: (800, 256, 64)},
    ),
}


def cells(scale: Scale) -> tuple[str, ...]:
    """Return the cells, short trials first."""
    return tuple(SIZES[scale].parts)


# --------------------------------------------------------------------------------------- what is trained


def runs(scale: Scale) -> list[Run]:
    """Return table 1's two runs of every cell, and what is trained here: the same network in other ways."""
    planned = []
    for cell, parts in SIZES[scale].parts.items():
        num_pulls, num_arms = CELLS[cell]
        whole = imitation_run(CELLS[cell], scale)
        iterations, trials, minibatch = SIZES[scale].cloning[cell]
        cloning = (Part(num_pulls, iterations, trials, minibatch, (5e-3, 0.0), "teacher"),)
        imitate = partial(imitating, num_pulls, num_arms)
        half = scaled(parts, iterations=0.5)
        ways = {
            RL2_SHORT_FIRST: partial(reinforcing, num_arms, parts),
            SHORT_FIRST: partial(imitate, parts),
            HALF: partial(imitate, half),
            CLONED: partial(imitate, cloning),
        }
        planned += [gru_run(CELLS[cell], scale), whole]
        planned += [
            replace(whole, owner=ID, name=networks(cell)[agent][0], stages=stages) for agent, stages in ways.items()
        ]
    return planned


# --------------------------------------------------------------------------------------- who plays


def measure(cell: str, scale: Scale, trained: Trained) -> Measured:
    """Play everybody on the same tasks, and hold the networks' choices against the index's."""
    num_pulls, num_arms = CELLS[cell]
    distribution, env = setting(CELLS[cell])
    size = SIZES[scale]
    place = 4_000_000 + 1_000 * num_pulls + num_arms
    tasks, validation = draw_tasks(distribution, size, "imitation", seed=place)
    index = IndexWithTies(num_arms, num_pulls)
    players = [
        Player(RANDOM, [Random(num_arms)], published=PUBLISHED[CELLS[cell], RANDOM]),
        Player(BEST_KNOWN, [index]),
    ]
    points = []
    theirs = play(index, env, tasks[: size.watched_tasks], seed=place)
    for agent, (run, how) in networks(cell).items():
        policies = acting_best(trained.policies(run), env, validation, seed=place)
        steps = f"{trained.cards(run)[0]['env_steps'] / 1e6:.3g} million steps"
        published = PUBLISHED[CELLS[cell], RL2] if agent == RL2 else None
        players.append(Player(agent, policies, how, published, seeds=len(policies), setting=steps))
        own = play(policies[0], env, tasks[: size.watched_tasks], seed=place)
        points += agreement(cell, f"{OWN}{agent}", index, own, own.action)
        with torch.no_grad():
            likeliest = policies[0].unroll(theirs.step_inputs())[0].argmax(dim=-1)
        points += agreement(cell, f"{THEIRS}{agent}", index, theirs, likeliest)
    rows = compare(
        ID,
        cell,
        players,
        env,
        tasks,
        seed=place,
        random=RANDOM,
        reference=BEST_KNOWN,
        published_tasks=PUBLISHED_TASKS,
    ).rows
    found = Measured(rows, points)
    random, best = (found.row(cell, agent).mean for agent in (RANDOM, BEST_KNOWN))
    for agent, (run, _) in networks(cell).items():
        cards, row = trained.cards(run), found.row(cell, agent)
        end = cards[0]["env_steps"] / 1e6
        share = row.share
        found.points.append(Point(ID, cell, f"{TESTED}{agent}", end, share.mean, share.low, share.high))
        if agent in (RL2, DAGGER):  # elsewhere other lengths, or the index itself, are played while learning
            curves = [learning_curve(card, num_pulls, num_arms, random, best) for card in cards]
            found.points.extend(curve_points(ID, cell, f"{WHILE_TRAINING}{agent}", curves))
    return found


WHILE_TRAINING, TESTED = "while training: ", "tested: "
OWN, THEIRS = "agrees on its own trials: ", "agrees on the index's trials: "
"""What a line's name begins with."""


def networks(cell: str) -> dict[str, tuple[str, str]]:
    """Return every network's run, and how it learned."""
    own = "the index's answers on its own trials"
    return {
        RL2: (gru_name(CELLS[cell]), "PPO alone"),
        RL2_SHORT_FIRST: (f"gru-short-first-{cell}", "PPO alone, short trials first"),
        CLONED: (f"cloned-{cell}", "the index's trials"),
        DAGGER: (imitation_name(CELLS[cell]), own),
        HALF: (f"dagger-short-first-half-{cell}", own),
        SHORT_FIRST: (f"dagger-short-first-{cell}", own),
    }


class IndexWithTies(FiniteHorizonGittins):
    """The finite-horizon index, which also tells which arms it holds equal: those not tried yet, for one."""

    def optimal_actions(self, counts: Counts) -> Tensor:
        """Return [B, K] bool, the arms of the highest index, for the state in which it has just chosen."""
        values = self.indices(counts.successes, counts.failures, self.num_pulls - counts.steps + 1)
        return values == values.amax(dim=1, keepdim=True)


def agreement(cell: str, line: str, index: IndexWithTies, trajectory: Trajectory, choices: Tensor) -> list[Point]:
    """Return how often choices in each part of a trial are such as the index would make there, ties accepted.

    Args:
        cell: the cell's name.
        line: the points' line.
        index: whom the choices are held against, in the states of the trials.
        trajectory: B trials of T pulls, whoever played them.
        choices: [B, T] int64, what is judged, played or not.
    """
    generator = make_generator(0, "index")  # it draws nothing
    accepted = label_ties(index, trajectory, None, generator)
    agrees = accepted.gather(-1, choices[..., None]).squeeze(-1).double()  # [B, T]
    points = []
    for pulls in torch.arange(agrees.shape[1]).tensor_split(min(50, agrees.shape[1])):
        share = mean_estimate(agrees[:, pulls].mean(dim=1))
        x = 1 + pulls.double().mean().item()
        points.append(Point(ID, cell, line, x, share.mean, share.low, share.high))
    return points


# --------------------------------------------------------------------------------------- what is shown and claimed

DRAWN = {
    RL2: "PPO",
    RL2_SHORT_FIRST: "PPO, short trials first",
    CLONED: "behaviour cloning",
    DAGGER: "DAgger",
    HALF: "DAgger, short trials first, half as long",
    SHORT_FIRST: "DAgger, short trials first",
}


def draw(measured: Measured) -> Figure:
    """Draw a row for each cell: scores against steps of training, and agreement with the index within a trial."""
    import matplotlib.pyplot as plt

    from rl2lib.evaluation.figures import MARKERS, band

    there = measured.cells()
    figure, grid = plt.subplots(len(there), 2, figsize=(10, 3.4 * len(there)), squeeze=False)
    for cell, (left, right) in zip(there, grid, strict=True):
        num_pulls, num_arms = CELLS[cell]
        left.axhline(1.0, color=left.yaxis.label.get_color(), linestyle=":", linewidth=1)
        for (agent, name), marker in zip(DRAWN.items(), MARKERS, strict=False):
            band(
                right,
                *columns(measured.line(cell, f"{OWN}{agent}")),
                label=name,
                marker=marker,
                markersize=3,
                linewidth=1,
            )
            last = right.get_lines()[-1]
            look = {"color": last.get_color(), "linestyle": last.get_linestyle(), "linewidth": 1}
            if line := measured.line(cell, f"{WHILE_TRAINING}{agent}"):
                band(left, *columns(line), **look)
            x, low, y, high = columns(measured.line(cell, f"{TESTED}{agent}"))
            spread = [[y[0] - low[0]], [high[0] - y[0]]]
            left.errorbar(x, y, spread, marker=marker, markersize=8, linestyle="none", color=look["color"], zorder=3)
        left.set(xlim=(0, None), ylabel=f"n = {num_pulls}, k = {num_arms}\nnormalised score")
        right.set(ylim=(0, 1.02), ylabel="choices as the index's")
    grid[-1, 0].set_xlabel("environment steps of training, millions")
    grid[-1, 1].set_xlabel("pull of the trial, in a network's own trials")
    grid[0, 1].legend(loc="upper left", bbox_to_anchor=(1.02, 1.0))
    figure.tight_layout()
    return figure


def _said(row: Row) -> str:
    return f"{DRAWN[row.agent]} {row.share.percent()} ({row.setting})"


def _agreed(measured: Measured, cell: str, agent: str) -> str:
    """How often it chooses as the index, over whole trials."""
    shares = []
    for whose, where in ((THEIRS, "the index's trials"), (OWN, "its own")):
        line = [point.y for point in measured.line(cell, f"{whose}{agent}")]
        shares += [f"{sum(line) / len(line):.0%} on {where}"] if line else []
    return f"; it agrees in {' and '.join(shares)}" if shares else ""


def _falls_short(measured: Measured, cell: str) -> Verdict:
    """Whether PPO's score is shown to lie further below the index than `LEVEL`."""
    row = measured.row(cell, RL2)
    short = row.share.high < 1 - LEVEL
    return Verdict("matched" if short else "not reached", _said(row) + _agreed(measured, cell, RL2))


def _level_with_index(measured: Measured, cell: str, agent: str) -> Verdict:
    """Whether a score is shown to lie at most `LEVEL` below the index: a one-sided test at 5%."""
    row = measured.row(cell, agent)
    level = row.share.mean - 1.645 * row.share.standard_error > 1 - LEVEL
    return Verdict("matched" if level else "not reached", _said(row) + _agreed(measured, cell, agent))


def _ahead(measured: Measured, behind: str, ahead: str) -> Verdict:
    """Whether one agent is ahead of another in every cell, the intervals apart."""
    words, apart = [], []
    for cell in measured.cells():
        low, high = measured.row(cell, behind), measured.row(cell, ahead)
        apart.append(low.share.high < high.share.low)
        words.append(f"{cell}: {_said(low)}, {_said(high)}")
    if not words:
        raise KeyError("a cell")
    return Verdict("matched" if all(apart) else "not reached", "; ".join(words))


EXPERIMENT = Experiment(
    id=ID,
    title="Is the architecture the limit, or the slow learner? Imitation of the Gittins index",
    source="Duan et al. 2016, section 3.1",
    about=(
        "One network, a plain GRU of table 1's size, learns in six ways; all play the same tasks, scored by expected "
        "reward. PPO uses expected rewards and a baseline that sees the task. Behaviour cloning is the paper's way: "
        "cross-entropy on trials that the index played. DAgger asks the index about the network's own trials instead. "
        "'Short trials first': the first 20 pulls of a trial (the index's trials at first, then its own), then more, "
        "then all; the index plans for whole trials throughout, and PPO is given the same trials' lengths, and as many "
        "steps. The other runs are of whole trials alone. The index is the finite-horizon one, the best that is known; "
        "the paper's is another approximation. Normalised: 0 is random play, 1 the "
        f"index. Its level means at most {LEVEL:.0%} below it; the paper says 'the same level of performance' and "
        "gives no number. In the figure, lines on the left are scores while training, with sampled actions, where "
        "whole trials are played by the network; markers are scores on test tasks. A choice agrees if the index holds "
        f"no other arm higher there; of the first seed, in {SIZES['laptop'].watched_tasks} trials."
    ),
    cells=cells,
    runs=runs,
    measure=measure,
    draw=draw,
    alt=(
        "Left: normalised scores against steps of training for PPO, behaviour cloning and DAgger, on whole trials and "
        "on short ones first. Right: how often each chooses as the Gittins index would, pull by pull of a trial."
    ),
    claims=(
        Claim(
            "RL² by PPO alone is behind the index at n = 500, k = 50 (a noticeable gap).",
            partial(_falls_short, cell=HARD),
        ),
        Claim(
            "The same network, trained on the index's trajectories, plays at its level at n = 500, k = 50.",
            partial(_level_with_index, cell=HARD, agent=CLONED),
            reason=(
                "likely that on the index's trials the answer is nearly always the arm before: it agrees with the "
                "index there, and hardly in its own trials (see the figure); at n = 100 the same training gets further"
            ),
        ),
        Claim(
            "The same network, told what the index would do in its own trials, short ones first, plays at the index's "
            "level at n = 500, k = 50.",
            partial(_level_with_index, cell=HARD, agent=SHORT_FIRST),
            reason="the number of steps: half of them is further behind (see below), and the score still rises",
        ),
        Claim(
            "Told the same, it plays at the index's level at n = 100, k = 50.",
            partial(_level_with_index, cell=EASIER, agent=SHORT_FIRST),
            reason="the number of steps: half of them is further behind (see below), and the score still rises",
        ),
        Claim(
            "On the same trials' lengths, after the same number of steps, imitation is ahead of PPO: PPO is not at the "
            "architecture's limit.",
            partial(_ahead, behind=RL2_SHORT_FIRST, ahead=SHORT_FIRST),
        ),
        Claim(
            "Twice as much imitation still gains.",
            partial(_ahead, behind=HALF, ahead=SHORT_FIRST),
        ),
        Claim(
            "Short trials first gain over whole trials alone.",
            partial(_ahead, behind=DAGGER, ahead=SHORT_FIRST),
        ),
    ),
)
