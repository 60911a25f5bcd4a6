"""Figure 2: a column for each n, a row for each way of learning, a line for each k."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rl2lib.evaluation.rows import Measured, columns
from rl2lib.experiments.papers.figure2.players import CURVES
from rl2lib.experiments.papers.table1.players import RL2_EQUIVARIANT
from rl2lib.experiments.papers.table1.trained import ARMS, CELLS, Cell

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
                look = {"label": f"k = {num_arms}", "marker": marker, "markersize": 2, "linewidth": 1.2}
                if drawn.agent == RL2_EQUIVARIANT:
                    look["linestyle"] = "none"  # between its rounds on k arms it learned on others
                band(axes, *columns(measured.line(Cell(num_pulls, num_arms).name, drawn.agent)), **look)
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
