"""How many of the 24 cells must have been goals in training before others are found? (notebook 06)

Each seed holds out six cells from all of its agents, a fold of `goal_gridworld`'s; the first k of the others, in an
order of their own, are training goals. Agents, grid and learner are those of `goal_gridworld`, and the agents with all
18 are its very runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from rl2lib.agents.bandit import Random
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.evaluation.curves import episodes
from rl2lib.evaluation.evaluate import median_of, play
from rl2lib.evaluation.rows import Measured, Row
from rl2lib.evaluation.statistics import mean_estimate, paired_difference
from rl2lib.experiments.papers.goal_gridworld.players import even_tasks
from rl2lib.experiments.papers.goal_gridworld.trained import (
    FOLD_CELLS,
    SIZE,
    SIZES,
    Group,
    fold,
    policy_of,
    shuffled_cells,
    stage_of,
)
from rl2lib.experiments.papers.goal_gridworld.trained import runs as goal_gridworld_runs
from rl2lib.experiments.plan import Claim, Experiment, Run, Scale, Stage, Trained
from rl2lib.experiments.verdicts import Verdict
from rl2lib.tasks.gridworld import GridEnv
from rl2lib.types import Policy

if TYPE_CHECKING:
    from matplotlib.figure import Figure


ID = "goal-generalisation"
NUM_GOALS = {"1_goal": 1, "6_goals": 6, "18_goals": 18}
ALL_18 = "18_goals"
NUM_HELD_OUT = 6
SEEDS = 3
FOLD_RUNS = tuple(f"{name}-recurrent" for name in FOLD_CELLS[:SEEDS])
RECURRENT, RANDOM = "Recurrent", "Random"
KNOWN, NEW = "training goals", "held-out goals"


def cells(scale: Scale) -> tuple[str, ...]:
    """Return the numbers of training goals, in rising order."""
    return tuple(NUM_GOALS)


def order_of(seed: int) -> list[int]:
    """Return the 24 cells in a seed's order, its fold last."""
    held_out = fold(seed)
    return [cell for cell in shuffled_cells(seed) if cell not in held_out] + list(held_out)


def training_goals(cell: str, seed: int) -> tuple[int, ...]:
    """Return the goals that a seed's agent is trained on."""
    return tuple(order_of(seed)[: NUM_GOALS[cell]])


def held_out_goals(seed: int) -> tuple[int, ...]:
    """Return the goals that no agent of a seed was trained on."""
    return tuple(order_of(seed)[-NUM_HELD_OUT:])


def runs(scale: Scale) -> list[Run]:
    """Return the recurrent policy by PPO, for each number of training goals; the seed, or the run, chooses which."""
    make = partial(policy_of, "recurrent", scale)
    few = [Run(ID, cell, (cell,), make, partial(_stages, cell, scale), SEEDS) for cell in NUM_GOALS if cell != ALL_18]
    shared = [run for run in goal_gridworld_runs(scale) if run.name in FOLD_RUNS]
    return few + [replace(run, cells=(ALL_18,), seeds=SEEDS) for run in shared]


def _stages(cell: str, scale: Scale, policy: SoftmaxPolicy, seed: int) -> Iterator[Stage]:
    yield stage_of(Group(training_goals(cell, seed), "PPO"), "recurrent", scale, policy, seed)


# --------------------------------------------------------------------------------------- who plays


def measure(cell: str, scale: Scale, trained: Trained) -> Measured:
    """Play every seed's agent, sampled actions, on its training goals and on those held out from it."""
    policies, rows = agents(cell, trained.policies), []
    for which, goals in (
        (KNOWN, [training_goals(cell, seed) for seed in range(len(policies))]),
        (NEW, [held_out_goals(seed) for seed in range(len(policies))]),
    ):
        players: dict[str, Sequence[Policy[Any]]] = {RECURRENT: policies, RANDOM: [Random(4)] * len(policies)}
        for agent, those in players.items():
            found = [_found(player, there, scale) for player, there in zip(those, goals, strict=True)]
            rows.append(_row(cell, agent, which, found))
    return Measured(sorted(rows, key=lambda row: -row.mean))


def agents(cell: str, policies: Callable[[str], list[SoftmaxPolicy]]) -> list[SoftmaxPolicy]:
    """Return a cell's agents, one a seed; of those with 18 goals the r-th is seed r of the r-th fold's run.

    Args:
        cell: the number of training goals.
        policies: hands out a run's, one a seed.
    """
    if cell != ALL_18:
        return policies(cell)
    by_fold = [policies(name) for name in FOLD_RUNS]
    return [several[seed] for seed, several in enumerate(by_fold) if seed < len(several)]


def _found(policy: Policy[Any], goals: Sequence[int], scale: Scale) -> Tensor:
    """The share of a trial's episodes that find the goal, [N]."""
    tasks = even_tasks(goals, SIZES[scale].test_tasks, torch.Generator())
    return (~episodes(play(policy, GridEnv(SIZE), tasks, seed=3)).timed_out).double().mean(dim=1)


def _row(cell: str, agent: str, which: str, found: list[Tensor]) -> Row:
    """The median seed's row; every seed has goals of its own, so nobody is compared task by task."""
    found.sort(key=lambda values: values.mean().item())
    estimate = mean_estimate(median_of(found))
    return Row(
        id=ID,
        cell=cell,
        agent=agent,
        variant=which,
        actions="sampled" if agent == RECURRENT else "own rule",
        mean=estimate.mean,
        se=estimate.standard_error,
        num_tasks=len(found[0]),
        seeds=len(found) if agent == RECURRENT else 0,
        every_seed=tuple(values.mean().item() for values in found),
    )


# --------------------------------------------------------------------------------------- what is shown and claimed


def draw(measured: Measured) -> Figure:
    """Draw the share of episodes that find the goal, of training and of held-out ones."""
    import matplotlib.pyplot as plt

    from rl2lib.evaluation.figures import MARKERS, band

    figure, axes = plt.subplots(figsize=(6.4, 4), layout="constrained")
    there = measured.cells()
    x = [NUM_GOALS[cell] for cell in there]
    for which, dashes, marker in ((KNOWN, "-", MARKERS[0]), (NEW, "--", MARKERS[1])):
        seeds = [measured.row(cell, RECURRENT, which).every_seed for cell in there]
        low, middle, high = (
            [part(values) for values in seeds] for part in (min, lambda values: sum(values) / len(values), max)
        )
        band(axes, x, low, middle, high, label=f"{RECURRENT}, {which}", linestyle=dashes, marker=marker)
    walk = [measured.row(cell, RANDOM, NEW).mean for cell in there]
    axes.plot(x, walk, color=axes.yaxis.label.get_color(), linestyle=":", label=f"{RANDOM}, {NEW}")
    axes.set(xlabel="number of training goals", ylabel="episodes that find the goal", xticks=x, ylim=(0, 1.05))
    axes.legend()
    return figure


def _knows_its_own(measured: Measured) -> Verdict:
    """Whether every agent finds 95% of its training goals."""
    shares = {cell: measured.row(cell, RECURRENT, KNOWN).every_seed for cell in measured.cells()}
    evidence = "; ".join(f"{cell}: {', '.join(f'{s:.2f}' for s in seeds)}" for cell, seeds in shares.items())
    return Verdict("matched" if min(min(seeds) for seeds in shares.values()) > 0.95 else "not reached", evidence)


def _finds_others(measured: Measured) -> Verdict:
    """Whether with 18 training goals held-out ones are found more often than by a random walk, paired by seed."""
    ours, walk = (
        torch.tensor(measured.row("18_goals", agent, NEW).every_seed, dtype=torch.float64)
        for agent in (RECURRENT, RANDOM)
    )
    if len(ours) < 2:
        raise KeyError("several seeds")
    ahead = paired_difference(ours, walk)
    evidence = f"{', '.join(f'{s:.2f}' for s in ours)}; a random walk {', '.join(f'{s:.2f}' for s in walk)}"
    return Verdict("matched" if ahead.low > 0 else "not reached" if ahead.high < 0 else "open", evidence)


def _learns_where_not_to_look(measured: Measured) -> Verdict:
    """Whether with up to six training goals held-out ones are found less often than by a random walk."""
    words, apart = [], True
    for cell in (cell for cell in measured.cells() if NUM_GOALS[cell] <= 6):
        ours, walk = (measured.row(cell, agent, NEW).every_seed for agent in (RECURRENT, RANDOM))
        apart &= max(ours) < min(walk)
        words.append(f"{cell}: {', '.join(f'{s:.2f}' for s in ours)} ({', '.join(f'{s:.2f}' for s in walk)})")
    return Verdict("matched" if apart else "not reached", "; ".join(words) + "; in brackets a random walk")


EXPERIMENT = Experiment(
    id=ID,
    title="How many training goals until others are found",
    source="The explainer's coding exercise, its last question; notebook 06",
    about=(
        "The grid, the GRU and the PPO of goal-gridworld, trained on k of the 24 cells; share of episodes, three a "
        "trial, that find the goal. Each seed holds out six cells, a fold of goal-gridworld's, from all of its agents, "
        "and has an order of the others: the first k are training goals. With 18 it is goal-gridworld's agents, one of "
        "each of three folds. Rows are of the median seed. Actions are sampled."
    ),
    cells=cells,
    runs=runs,
    measure=measure,
    draw=draw,
    alt=(
        "Share of episodes that find the goal against the number of training goals: 1 on training goals; on held-out "
        "ones below a random walk for one training goal; for six and 18 from below it to far above, by seed."
    ),
    claims=(
        Claim("On its training goals every agent is reliable, whatever their number.", _knows_its_own),
        Claim(
            "With one and with six training goals held-out ones are found less often than by a random walk.",
            _learns_where_not_to_look,
        ),
        Claim("With 18 they are found more often.", _finds_others),
    ),
    unit="share of episodes",
)
