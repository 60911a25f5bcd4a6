"""What is trained beside table 1's runs: the same network by reinforcement and by imitation, short trials first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from rl2lib.evaluation.choice import TaskCounts
from rl2lib.experiments.papers.imitation.short_trials_first import Part, Parts, imitating, reinforcing, scaled
from rl2lib.experiments.papers.table1.published import RL2
from rl2lib.experiments.papers.table1.trained import CELLS, Cell, gru_name, gru_run, imitation_name, imitation_run
from rl2lib.experiments.plan import Run, Scale

ID = "imitation"
RL2_SHORT_FIRST = "RL², short trials first"
DAGGER, CLONED = "RL² network, DAgger", "RL² network, behaviour cloning"
SHORT_FIRST = f"{DAGGER}, short trials first"
HALF = f"{SHORT_FIRST}, half as long"
HARD, EASIER = Cell(500, 50).name, Cell(100, 50).name


@dataclass(frozen=True)
class Size(TaskCounts):
    """How much is computed at a scale.

    Attributes:
        parts: the schedule of trial lengths, by cell of table 1.
        cloning: iterations, trials in each and minibatch of behaviour cloning, by cell.
        watched_tasks: trials in which every choice is held against the index.
    """

    parts: dict[str, Parts]
    cloning: dict[str, tuple[int, int, int]]
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
        {Cell(10, 5).name: (Part(3, 1, 16, 8, (5e-3, 5e-3), "teacher"), Part(10, 1, 16, 8, (5e-3, 0.0)))},
        {Cell(10, 5).name: (1, 16, 8)},
        16,
        test_tasks=64,
        validation_tasks=16,
    ),
    "laptop": Size(PARTS, {EASIER: (80, 256, 64), HARD: (80, 64, 16)}, validation_tasks=500),
    # on the order of a hundred million steps, as the paper's cells had
    "paper": Size(
        {cell: scaled(parts, iterations=10, trials=4) for cell, parts in PARTS.items()},
        {EASIER: (800, 1024, 256), HARD: (800, 256, 64)},
        validation_tasks=500,
    ),
}


def cells(scale: Scale) -> tuple[str, ...]:
    """Return the cells, short trials first."""
    return tuple(SIZES[scale].parts)


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
