"""The figure: return and steps by episode, a column a training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rl2lib.evaluation.rows import Measured, Point
from rl2lib.experiments.papers.goal_gridworld.players import OPTIMAL
from rl2lib.experiments.papers.goal_gridworld.trained import (
    ALL,
    FOLD_CELLS,
    GROUPS,
    HELD_OUT,
    KINDS,
    SIZES,
    THREE,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(measured: Measured) -> Figure:
    """Draw return and steps by episode, a column a training; dashed on goals that were held out."""
    import matplotlib.pyplot as plt

    from rl2lib.evaluation.figures import MARKERS, band

    there = [name for name in (*THREE, ALL) if name in measured.cells()]
    figure, grid = plt.subplots(
        2, len(there), figsize=(3.2 * len(there), 6), squeeze=False, sharex=True, sharey="row", layout="constrained"
    )
    for column, name in enumerate(there):
        group = GROUPS[name]
        held_out = [cell for cell in (FOLD_CELLS if name == ALL else (name + HELD_OUT,)) if cell in measured.cells()]
        for axes, what in zip(grid[:, column], ("returns", "steps"), strict=True):
            for number, agent in enumerate(KINDS):
                for cells_of, dashes, told in (([name], "-", "training goals"), (held_out, "--", "held-out goals")):
                    lines = [measured.line(cell, f"{agent} ({group.learner}): {what}") for cell in cells_of]
                    if lines and lines[0]:
                        x = [point.x for point in lines[0]]
                        low, middle, high = (_across(lines, part) for part in ("low", "y", "high"))
                        look: dict[str, Any] = {"color": f"C{number}", "linestyle": dashes, "marker": MARKERS[number]}
                        # the twin below and thicker, so that both are seen where they lie on each other
                        look |= {"linewidth": 1.2 + 1.4 * number, "markersize": 4 + 3 * number, "zorder": 3 - number}
                        band(axes, x, low, middle, high, label=f"{agent}, {told}", **look)
            for agent, cells_of, pattern, label in (
                (OPTIMAL, [name], ":", f"{OPTIMAL}, training goals"),
                ("Random", [name], "-.", "Random, training goals"),
                ("Random", held_out, (0, (5, 2, 1, 2, 1, 2)), "Random, held-out goals"),
            ):
                if lines := [measured.line(cell, f"{agent}: {what}") for cell in cells_of]:
                    x, grey = [point.x for point in lines[0]], axes.yaxis.label.get_color()
                    axes.plot(x, _across(lines, "y"), color=grey, linestyle=pattern, label=label)
        goals = "all 24 cells" if name == ALL else f"{len(group.goals)} goals"
        grid[0, column].set_title(f"{goals}, {group.learner}, {SIZES['laptop'].trials(group):,} trials", fontsize=10)
        grid[1, column].set(xlabel="episode of the trial", xticks=(1, 2, 3))
    grid[0, 0].set_ylabel("return of the episode")
    grid[1, 0].set_ylabel("steps of the episode")
    handles = {text: line for axes in grid[0] for line, text in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=3, handlelength=3)
    return figure


def _across(lines: list[list[Point]], part: str) -> list[float]:
    """Mean over cells, point by point."""
    return [sum(getattr(point, part) for point in points) / len(points) for points in zip(*lines, strict=True)]
