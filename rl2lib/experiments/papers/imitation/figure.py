"""The figure: scores against steps of training, and agreement with the index within a trial."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rl2lib.evaluation.rows import Measured, columns
from rl2lib.experiments.papers.imitation.players import OWN, TESTED, WHILE_TRAINING
from rl2lib.experiments.papers.imitation.trained import CLONED, DAGGER, HALF, RL2_SHORT_FIRST, SHORT_FIRST
from rl2lib.experiments.papers.table1.published import RL2
from rl2lib.experiments.papers.table1.trained import CELLS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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
            own = columns(measured.line(cell, f"{OWN}{agent}"))
            band(right, *own, label=name, marker=marker, markersize=3, linewidth=1)
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
