"""The figure: the reward of every episode of the trial."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rl2lib.evaluation.rows import Measured, columns
from rl2lib.experiments.papers.mdp_players import BLIND, ORACLE
from rl2lib.experiments.papers.table2_planning.players import (
    BEST_PLANNER,
    OPTIMAL,
    PLANNING_IMITATED,
    RL2,
    RL2_MESSAGES,
    RL2_PAIRS,
    RL2_PLANNING,
)
from rl2lib.experiments.papers.table2_planning.trained import CELLS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DRAWN = (RL2_MESSAGES, RL2_PLANNING, PLANNING_IMITATED, RL2_PAIRS, RL2, BEST_PLANNER, BLIND)
TITLES = {"chain": "chains", "sparse": "nearly deterministic MDPs"}


def draw(measured: Measured) -> Figure:
    """Draw the reward of every episode of the trial, a panel a cell."""
    import matplotlib.pyplot as plt

    from rl2lib.evaluation.figures import MARKERS, band

    there = measured.cells()
    figure, grid = plt.subplots(
        -(-len(there) // 2), 2, figsize=(9, 0.8 + 2.8 * -(-len(there) // 2)), squeeze=False, layout="constrained"
    )
    for axes, cell in zip(grid.flat, there, strict=False):
        kind, episodes = CELLS[cell]
        for line, marker in zip(DRAWN, MARKERS, strict=False):
            look = {"label": line, "marker": marker, "markersize": 4, "markevery": max(1, episodes // 10)}
            band(axes, *columns(measured.line(cell, line)), **look)
        for name, style in ((OPTIMAL, ":"), (ORACLE, (0, (6, 3)))):
            if points := measured.line(cell, name):
                ink = axes.yaxis.label.get_color()
                axes.plot([p.x for p in points], [p.y for p in points], color=ink, linestyle=style, label=name)
        axes.set(title=f"{TITLES[kind]}, {episodes} episodes", xlabel="episode", ylabel="reward of the episode")
    for axes in grid.flat[len(there) :]:
        axes.axis("off")
    lines = {label: line for axes in grid.flat for line, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(lines.values(), lines.keys(), loc="outside lower center", ncols=3)
    return figure
