"""How many of the 24 cells must have been goals in training before others are found? (notebook 06)

An order of the cells for each seed: the first k are training goals, the last six are held out from every agent of
that seed. Agents, grid and learner are `goal_gridworld`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    SIZE,
    SIZES,
    Group,
    policy_of,
    shuffled_cells,
    stage_of,
)
from rl2lib.experiments.plan import Claim, Experiment, Run, Scale, Stage, Trained
from rl2lib.experiments.verdicts import Verdict
from rl2lib.tasks.gridworld import GridEnv
from rl2lib.types import Policy

if TYPE_CHECKING:
    from matplotlib.figure import Figure


ID = "goal-generalisation"
NUM_GOALS = {"1_goal": 1, "3_goals": 3, "6_goals": 6, "12_goals": 12, "18_goals": 18}
NUM_HELD_OUT = 6
RECURRENT, RANDOM = "Recurrent", "Random"
KNOWN, NEW = "training goals", "held-out goals"


def cells(scale: Scale) -> tuple[str, ...]:
    """Return the numbers of training goals, in rising order."""
    return tuple(NUM_GOALS)


def training_goals(cell: str, seed: int) -> tuple[int, ...]:
    """Return the goals that a seed's agent is trained on."""
    return tuple(shuffled_cells(seed)[: NUM_GOALS[cell]])


def held_out_goals(seed: int) -> tuple[int, ...]:
    """Return the goals that no agent of a seed was trained on."""
    return tuple(shuffled_cells(seed)[-NUM_HELD_OUT:])


def runs(scale: Scale) -> list[Run]:
    """Return the recurrent policy by PPO, once for each number of training goals; the seed chooses which."""
    make = partial(policy_of, "recurrent", scale)
    return [Run(ID, cell, (cell,), make, partial(_stages, cell, scale)) for cell in cells(scale)]


def _stages(cell: str, scale: Scale, policy: SoftmaxPolicy, seed: int) -> Iterator[Stage]:
    yield stage_of(Group(training_goals(cell, seed), "PPO"), "recurrent", scale, policy, seed)


# --------------------------------------------------------------------------------------- who plays


def measure(cell: str, scale: Scale, trained: Trained) -> Measured:
    """Play every seed's agent, sampled actions, on its training goals and on those held out from it."""
    policies, rows = trained.policies(cell), []
    for which, goals in (
        (KNOWN, [training_goals(cell, seed) for seed in range(len(policies))]),
        (NEW, [held_out_goals(seed) for seed in range(len(policies))]),
    ):
        players: dict[str, Sequence[Policy[Any]]] = {RECURRENT: policies, RANDOM: [Random(4)] * len(policies)}
        for agent, those in players.items():
            found = [_found(player, there, scale) for player, there in zip(those, goals, strict=True)]
            rows.append(_row(cell, agent, which, found))
    return Measured(sorted(rows, key=lambda row: -row.mean))


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
        "trial, that find the goal. Each seed has an order of the cells: the first k are training goals, the last six "
        "are held out from all agents of that seed. Rows are of the median seed. Actions are sampled."
    ),
    cells=cells,
    runs=runs,
    measure=measure,
    draw=draw,
    alt=(
        "Share of episodes that find the goal against the number of training goals: 1 on training goals; on held-out "
        "ones below a random walk for few training goals, and about level with it for 18."
    ),
    claims=(
        Claim("On its training goals every agent is reliable, whatever their number.", _knows_its_own),
        Claim(
            "With up to six training goals held-out ones are found less often than by a random walk.",
            _learns_where_not_to_look,
        ),
        Claim("With 18 they are found more often.", _finds_others),
    ),
    unit="share of episodes",
)
