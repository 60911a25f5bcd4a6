"""The figure: right choices from first to tenth, and how they were learned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from rl2lib.evaluation.rows import Measured, Point, columns
from rl2lib.experiments.papers.harlow.players import LEARNING, NETWORKS, OPTIMAL, RANDOM
from rl2lib.experiments.papers.harlow.trained import CEILING, CELLS, CHOICES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw(measured: Measured) -> Figure:
    """Draw, for each size of images, the share of right choices from first to tenth, and how it was learned."""
    import matplotlib.pyplot as plt

    there = measured.cells()
    num_panels = max(1, len(there))
    figure, panels = plt.subplots(
        2, num_panels, figsize=(2 + 2.4 * num_panels, 5.6), sharey="row", squeeze=False, layout="constrained"
    )
    for cell, (by_choice, by_trial) in zip(there, panels.T, strict=False):
        _lines(
            by_choice, {name: measured.line(cell, name) for name in (*NETWORKS, RANDOM)}, (("o", 8), ("s", 3), ("", 0))
        )
        ink = by_choice.yaxis.label.get_color()
        best = measured.line(cell, OPTIMAL)
        by_choice.plot([p.x for p in best], [p.y for p in best], color=ink, linestyle=":", linewidth=1, label=OPTIMAL)
        by_choice.set(xlabel="choice of the trial", title=f"images of {CELLS[cell]} numbers", xticks=range(1, 11))
        curves = {name: measured.line(cell, f"{name}, {LEARNING}") for name in NETWORKS}
        _lines(by_trial, {name: [replace(p, x=p.x / 1000) for p in line] for name, line in curves.items()})
        by_trial.axhline(CEILING, color=ink, linestyle=":", linewidth=1)
        by_trial.set(xlabel="thousand trials of training", xlim=(0, None))
    panels[0, 0].set(ylabel="share of right choices", ylim=(0.4, 1.05))
    panels[1, 0].set(ylabel=f"right choices of {CHOICES}", ylim=(4.7, 10))
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def _lines(axes: Axes, lines: dict[str, list[Point]], markers: tuple[tuple[str, float], ...] = ()) -> None:
    """Draw lines with their bands; a marker's size keeps lines apart that lie on one another."""
    from rl2lib.evaluation.figures import band

    for place, (name, points) in enumerate(lines.items()):
        marker, size = markers[place] if place < len(markers) else ("", 0.0)
        band(axes, *columns(points), label=name, marker=marker, markersize=size, markerfacecolor="none")
