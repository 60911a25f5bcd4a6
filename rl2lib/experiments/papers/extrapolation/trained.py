"""Cells beyond table 1's, and those of its runs that are played in them: nothing is trained here."""

from __future__ import annotations

from dataclasses import replace

from rl2lib.evaluation.choice import TaskCounts
from rl2lib.experiments.papers.table1.trained import Cell, equivariant_run, gru_run, imitation_run
from rl2lib.experiments.plan import Run, Scale

ID = "extrapolation"
TRAINED_PULLS, TRAINED_ARMS = 100, (5, 10, 50)
HOME = Cell(100, 10)
"""The cell that UCB1's width and the choice between greedy and sampled actions come from, everywhere."""
BY_ARMS = tuple(Cell(100, num_arms) for num_arms in (2, 5, 10, 20, 50, 100))
BY_PULLS = tuple(Cell(num_pulls, 10) for num_pulls in (50, 100, 200, 500))
CELLS = {cell.name: cell for cell in (*BY_ARMS, *BY_PULLS, Cell(200, 20))}
"""By name; table 1 has three of them."""


SIZES: dict[Scale, TaskCounts] = {
    "smoke": TaskCounts(test_tasks=64, validation_tasks=16),
    "laptop": TaskCounts(),
    "paper": TaskCounts(),
}
"""Validation tasks are of `HOME`, which both choices are made on."""
SMOKE_CELLS = (Cell(100, 2).name, Cell(50, 10).name)


def cells(scale: Scale) -> tuple[str, ...]:
    """Return the cells: by number of arms, by number of pulls, and both new at once."""
    return SMOKE_CELLS if scale == "smoke" else tuple(CELLS)


def runs(scale: Scale) -> list[Run]:
    """Return what is played: two of table 1's runs; the plain GRU wherever there are its ten arms."""
    there = cells(scale)
    ten_arms = tuple(cell for cell in there if CELLS[cell].num_arms == 10)
    planned = [equivariant_run(TRAINED_PULLS, there, scale)]
    planned += [replace(run(HOME, scale), cells=ten_arms) for run in (gru_run, imitation_run)]
    return planned


def was_trained(cell: str) -> bool:
    """Return whether the policy with a memory per arm was trained on a cell."""
    return CELLS[cell].num_pulls == TRAINED_PULLS and CELLS[cell].num_arms in TRAINED_ARMS
