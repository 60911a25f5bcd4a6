"""The figure: the matrix of regrets, and regret by pull where the paper shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rl2lib.evaluation.rows import Measured, columns
from rl2lib.experiments.papers.dependent_bandits.players import CLASSIC, GITTINS, OPTIMAL, RL2, TS, TUNED, UCB
from rl2lib.experiments.papers.dependent_bandits.trained import CELLS, trained_on

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANELS = (("independent", "independent"), ("uniform", "uniform"), ("medium", "easy"), ("medium", "hard"))
"""Trained on, tested on: the paper's figure 2 a, c, d, e."""
SHOWN = (OPTIMAL, GITTINS, TUNED, TS, UCB)


def draw(measured: Measured) -> Figure:
    """Draw the matrix of regrets as a heat map, and regret by pull where the paper shows it."""
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(8, 9), layout="constrained")
    halves: Any = figure.subfigures(2, 1, height_ratios=(1.1, 1))
    _heat_map(halves[0].subplots(), measured)
    panels = halves[1].subplots(2, 2, sharex=True)
    for axes, (trained, cell) in zip(panels.flat, PANELS, strict=True):
        _curves(axes, measured, trained, cell)
    for axes in panels[1]:
        axes.set_xlabel("pull")
    halves[1].supylabel("cumulative regret", fontsize="medium")
    halves[1].legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _heat_map(axes: Axes, measured: Measured) -> None:
    from matplotlib import colormaps
    from matplotlib.colors import LogNorm

    there = measured.cells()
    kept = [(RL2, trained_on(name)) for name in CELLS] + [(agent, "") for agent in (OPTIMAL, *CLASSIC)]
    regret = [[measured.row(cell, agent, variant).mean for cell in there] for agent, variant in kept]
    floors = [measured.row(cell, OPTIMAL).ceiling or 1.0 for cell in there]
    colours, norm = colormaps["cividis"], LogNorm(1, 8, clip=True)
    ratios = [[max(value, 0.01) / floor for value, floor in zip(line, floors, strict=True)] for line in regret]
    image = axes.imshow(ratios, aspect="auto", cmap=colours, norm=norm)
    for row, line in enumerate(regret):
        for column, value in enumerate(line):
            # the other end of the colour map stands out, whatever the page's ground
            colour = colours(float(norm(ratios[row][column]) < 0.5))
            axes.text(column, row, f"{value:.2f}", ha="center", va="center", color=colour)
    axes.set_xticks(range(len(there)), there)
    axes.set_yticks(range(len(kept)), [f"{agent}, {variant}" if variant else agent for agent, variant in kept])
    axes.set(xlabel="tested on", title="regret after the last pull; colours: times the least possible")
    axes.grid(False)
    bar = axes.figure.colorbar(image, ax=axes, ticks=[1, 2, 4, 8], format="%g")
    bar.minorticks_off()


def _curves(axes: Axes, measured: Measured, trained: str, cell: str) -> None:
    from rl2lib.evaluation.figures import band

    for name in (trained_on(trained), *SHOWN):
        # before the first pull nothing is lost
        from_zero = ([0.0, *part] for part in columns(measured.line(cell, name)))
        band(axes, *from_zero, label=RL2 if name == trained_on(trained) else name)
    axes.set_title(f"trained on {trained}, tested on {cell}", fontsize="medium")
    axes.margins(x=0)
    axes.set_ylim(bottom=0)
