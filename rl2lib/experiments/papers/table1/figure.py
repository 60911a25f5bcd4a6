"""Table 1 as a figure: normalised scores, whole and the top enlarged, where the claims are decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rl2lib.evaluation.rows import Measured
from rl2lib.experiments.papers.table1.players import BEST_KNOWN, RL2_EQUIVARIANT, RL2_IMITATION
from rl2lib.experiments.papers.table1.published import GREEDY, RANDOM, RL2, TS, UCB1
from rl2lib.experiments.papers.table1.trained import CELLS, PULLS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DRAWN = (BEST_KNOWN, UCB1, TS, GREEDY, RL2, RL2_IMITATION, RL2_EQUIVARIANT)


def draw(measured: Measured) -> Figure:
    """Draw normalised scores: a panel for each n, a place for each k, a small bar for every seed; below, the top."""
    import matplotlib.pyplot as plt

    there = [n for n in PULLS if any(CELLS[name].num_pulls == n for name in measured.cells())]
    size = 3.2 * len(there) + 1.6, 6.0
    figure, grid = plt.subplots(2, len(there), figsize=size, sharex="col", sharey="row", squeeze=False)
    for num_pulls, whole, top in zip(there, *grid, strict=True):
        found = [name for name in measured.cells() if CELLS[name].num_pulls == num_pulls]
        for axes in (whole, top):
            _draw_panel(axes, measured, found)
        top.set_xticks(range(len(found)), [f"k = {CELLS[name].num_arms}" for name in found])
        whole.set_title(f"n = {num_pulls}")
    for axes, label in zip(grid[:, 0], ("normalised score", "the same, from .93"), strict=True):
        axes.set_ylabel(label)
    grid[1, 0].set_ylim(0.93, 1.03)
    grid[0, -1].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    figure.tight_layout()
    return figure


def _draw_panel(axes: Axes, measured: Measured, cells_of: list[str]) -> None:
    from rl2lib.evaluation.figures import MARKERS

    axes.axhline(1.0, color=axes.yaxis.label.get_color(), linestyle=":", linewidth=1)
    for index, (agent, marker) in enumerate(zip(DRAWN, MARKERS, strict=False)):
        rows = [next((row for row in measured.cell(cell) if row.agent == agent), None) for cell in cells_of]
        # side by side, since several agents share the top
        places = [place + (index - len(DRAWN) / 2) * 0.09 for place in range(len(cells_of))]
        shown = [(x, row) for x, row in zip(places, rows, strict=True) if row and row.normalised is not None]
        heights = [row.share.mean for _, row in shown]
        errors = [row.share.half for _, row in shown]
        style: dict[str, Any] = {"label": agent, "marker": marker, "markersize": 5, "linestyle": "none"}
        colour = axes.errorbar([x for x, _ in shown], heights, errors, **style)[0].get_color()
        for x, row in shown:
            seeds = [_on_scale(measured, row.cell, mean) for mean in row.every_seed]
            axes.plot([x] * len(seeds), seeds, linestyle="none", marker="_", color=colour, markersize=7)
            if agent == RL2 and row.published is not None:
                told: dict[str, Any] = {"color": axes.yaxis.label.get_color(), "fillstyle": "none", "linestyle": "none"}
                label = "RL², published" if row is shown[0][1] else None
                axes.plot([x], [_on_scale(measured, row.cell, row.published)], marker="o", label=label, **told)


def _on_scale(measured: Measured, cell: str, mean: float) -> float:
    """A return of a cell as a normalised score, by the means of random play and of who scores 1."""
    zero = measured.row(cell, RANDOM).mean
    one = next(row.mean for row in measured.cell(cell) if row.normalised_mean == 1.0)
    return (mean - zero) / (one - zero)
