"""The figure: the four probabilities of staying."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rl2lib.evaluation.rows import Measured, Point
from rl2lib.experiments.papers.two_step.players import BLIND, CACHING, GIVEN, PLANNER, POOLED, RL2
from rl2lib.experiments.papers.two_step.trained import CELLS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN = (RL2, PLANNER, CACHING, BLIND)


def draw(measured: Measured) -> Figure:
    """Draw the four probabilities of staying of every agent, a row of panels for each length of trials."""
    import matplotlib.pyplot as plt

    there = [cell for cell in measured.cells() if CELLS[cell].what == "stay"]
    figure, panels = plt.subplots(
        max(1, len(there)),
        len(SHOWN),
        figsize=(9, 0.8 + 2.3 * max(1, len(there))),
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for cell, row in zip(there, panels, strict=False):
        for agent, axes in zip(SHOWN, row, strict=True):
            _bars(axes, *(measured.line(cell, f"{agent}, {variant}") for variant in (GIVEN, POOLED)))
        row[0].set_ylabel(f"{CELLS[cell].length} episodes a trial\nprobability of staying")
    for agent, axes in zip(SHOWN, panels[0], strict=True):
        axes.set_title(agent, fontsize=10)
        axes.set_ylim(0, 1.05)
    handles, labels = panels[0, 0].get_legend_handles_labels()
    order = sorted(range(len(labels)), key=lambda i: labels[i].startswith("the same"))  # bars first, then their marks
    figure.legend([handles[i] for i in order], [labels[i] for i in order], loc="outside lower center", ncols=3)
    return figure


def _bars(axes: Axes, given: list[Point], pooled: list[Point]) -> None:
    """Draw one agent's probabilities, bars given the choice and marks over all choices, in the order of outcomes."""
    ink, ground = axes.yaxis.label.get_color(), axes.get_facecolor()
    for rare, (name, hatch) in enumerate((("common transition", ""), ("rare transition", "///"))):
        points = given[rare::2]
        places = [reward + 0.4 * (rare - 0.5) for reward in range(len(points))]
        heights = [point.y for point in points]
        errors = [[point.y - point.low for point in points], [point.high - point.y for point in points]]
        axes.bar(places, heights, 0.36, color=f"C{rare}", hatch=hatch, edgecolor=ground, label=name)
        axes.errorbar(places, heights, errors, fmt="none", ecolor=ink, elinewidth=1, capsize=2)
        marks = [point.y for point in pooled[rare::2]]
        label = f"the same, {POOLED}" if rare else None
        axes.plot(places, marks, "D", markersize=5, markerfacecolor=ground, markeredgecolor=ink, label=label)
    axes.set_xticks((0, 1), ("rewarded", "unrewarded"))
    axes.grid(visible=False, axis="x")
