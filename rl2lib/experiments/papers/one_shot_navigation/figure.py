"""The figure: steps and successes of every episode of a trial."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rl2lib.evaluation.rows import Measured, columns
from rl2lib.experiments.papers.one_shot_navigation.players import ORACLE, RANDOM, RL2, SEARCHER, WIPED

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(measured: Measured) -> Figure:
    """Draw steps and successes of every episode of a trial."""
    import matplotlib.pyplot as plt
    from matplotlib.ticker import FixedLocator, NullLocator

    from rl2lib.evaluation.figures import MARKERS, band

    there = measured.cells()
    figure, grid = plt.subplots(
        2, len(there), figsize=(4 * len(there) + 3, 5.4), sharex=True, squeeze=False, layout="constrained"
    )
    for cell, (upper, lower) in zip(there, grid.T, strict=True):
        for agent, marker in zip((RL2, WIPED, RANDOM, SEARCHER, ORACLE), MARKERS, strict=False):
            for axes, what, factor in ((upper, "steps", 1), (lower, "found", 100)):
                x, *heights = columns(measured.line(cell, f"{what}: {agent}"))
                scaled = ([factor * height for height in part] for part in heights)
                band(axes, x, *scaled, label=agent, marker=marker, markersize=5)
        upper.set(title=f"four rooms, {cell}", yscale="log", ylabel="steps to the goal, log scale")
        upper.yaxis.set_major_locator(FixedLocator([3, 5, 10, 20, 50, 100, 200]))
        upper.yaxis.set_major_formatter("{x:.0f}")
        upper.yaxis.set_minor_locator(NullLocator())
        lower.set(xlabel="episode of the trial", ylabel="goal found, %", ylim=(0, 105), xticks=range(1, 6))
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside right center")
    return figure
