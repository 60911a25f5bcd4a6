"""Figure 3: a panel for each policy, a line for each n."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rl2lib.evaluation.rows import Measured, columns
from rl2lib.experiments.papers.figure3.players import NETWORKS
from rl2lib.experiments.papers.table2.trained import CELLS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(measured: Measured) -> Figure:
    """Draw a panel for each policy, a line for each n."""
    import matplotlib.pyplot as plt

    from rl2lib.evaluation.figures import MARKERS, band

    figure, panels = plt.subplots(1, len(NETWORKS), figsize=(9, 3.6), sharey=True)
    for agent, axes in zip(NETWORKS, panels, strict=True):
        for cell, marker in zip(measured.cells(), MARKERS, strict=False):
            look = {"label": f"n = {CELLS[cell]}", "marker": marker, "markersize": 3, "linewidth": 1.2}
            band(axes, *columns(measured.line(cell, agent)), **look)
        axes.axhline(1.0, color=axes.yaxis.label.get_color(), linestyle=":", linewidth=1)
        axes.set(title=agent, xlabel="environment steps, millions")
    panels[0].set_ylabel("normalised score (OPSRL: 1)")
    panels[-1].legend(loc="upper left", bbox_to_anchor=(1.02, 1.0))
    figure.tight_layout()
    return figure
