"""The figure: learning curves above, and what happens from episode to episode of a trial below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rl2lib.evaluation.rows import Measured, columns
from rl2lib.experiments.papers.rl1_vs_rl2.players import OPTIMAL, ORACLE
from rl2lib.experiments.papers.rl1_vs_rl2.trained import BANDIT, CORRIDOR, LONG_CORRIDOR, RL1, RL2

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLES = {BANDIT: "two-point bandit", CORRIDOR: "corridor, d = 5", LONG_CORRIDOR: "corridor, d = 10"}


def draw(measured: Measured) -> Figure:
    """Draw learning curves above, and what happens from episode to episode of a trial below."""
    import matplotlib.pyplot as plt

    there = measured.cells()
    figure, grid = plt.subplots(2, len(there), figsize=(3.7 * len(there), 6), squeeze=False, layout="constrained")
    for column, cell in enumerate(there):
        learning, by_episode = grid[:, column]
        best, told = (measured.row(cell, name).mean for name in (OPTIMAL, ORACLE))
        _draw_lines(learning, measured, cell, "learning")
        grey = learning.yaxis.label.get_color()
        learning.axhline(best, color=grey, linestyle=":", label="optimum")
        learning.axhline(told, color=grey, linestyle=(0, (6, 3)), label="told the task from the start")
        _draw_lines(by_episode, measured, cell, "by episode", marked=True)
        for name, dashes in ((OPTIMAL, ":"), (ORACLE, (0, (6, 3)))):
            line = measured.line(cell, f"{name}: by episode")
            by_episode.plot([p.x for p in line], [p.y for p in line], color=grey, linestyle=dashes)
        unit = {BANDIT: "reward of ten pulls", CORRIDOR: "steps, both episodes"}
        learning.set(title=TITLES[cell], xlabel="training trials", ylabel=unit.get(cell, "steps, mean of an episode"))
        bandit = cell == BANDIT
        by_episode.set(xlabel="pull" if bandit else "episode", ylabel="reward" if bandit else "steps")
        by_episode.set_xticks([p.x for p in measured.line(cell, f"{OPTIMAL}: by episode")])
        if not bandit:
            learning.set_ylim(bottom=0)
            by_episode.set_ylim(bottom=0)
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4, handlelength=3)
    return figure


def _draw_lines(axes: Axes, measured: Measured, cell: str, kind: str, *, marked: bool = False) -> None:
    from rl2lib.evaluation.figures import MARKERS, band

    for name, marker in zip((RL2, RL1, f"{RL2}, A2C", f"{RL1}, A2C"), MARKERS, strict=False):
        line = measured.line(cell, f"{name}: {kind}")
        if line:
            shape = {"marker": marker, "markersize": 4} if marked else {}
            band(axes, *columns(line), label=name, **shape)
