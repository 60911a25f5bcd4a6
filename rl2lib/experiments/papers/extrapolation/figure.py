"""The figure: scores against the number of arms and of pulls, hollow where an agent was not trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from rl2lib.evaluation.rows import Measured, Row
from rl2lib.experiments.papers.extrapolation.players import NEW_CLOCK, OWN_CLOCK
from rl2lib.experiments.papers.extrapolation.trained import BY_ARMS, BY_PULLS, CELLS, HOME, was_trained
from rl2lib.experiments.papers.table1.players import RL2_EQUIVARIANT, RL2_IMITATION
from rl2lib.experiments.papers.table1.published import GREEDY, RL2, UCB1
from rl2lib.experiments.papers.table1.trained import Cell

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def is_home(row: Row) -> bool:
    """Return whether a row's agent was trained, or tuned, on its cell."""
    if row.agent == RL2_EQUIVARIANT:
        return was_trained(row.cell)
    return row.cell == HOME.name and row.agent != GREEDY  # which has nothing to tune


Part = Literal["num_pulls", "num_arms"]
DRAWN = (
    (OWN_CLOCK, RL2_EQUIVARIANT, OWN_CLOCK),
    (NEW_CLOCK, RL2_EQUIVARIANT, NEW_CLOCK),
    ("plain GRU by imitation", RL2_IMITATION, None),
    ("plain GRU by PPO", RL2, None),
    ("UCB1, tuned at n = 100, k = 10", UCB1, None),
    (GREEDY, GREEDY, None),
)


def draw(measured: Measured) -> Figure:
    """Draw normalised scores against the number of arms and of pulls; hollow where it was not trained."""
    import matplotlib.pyplot as plt
    from matplotlib.ticker import NullLocator

    from rl2lib.evaluation.figures import MARKERS

    figure, both = plt.subplots(1, 2, figsize=(9.5, 3.8), sharey=True)
    panels: tuple[tuple[tuple[Cell, ...], Part, str], ...] = (
        (BY_ARMS, "num_arms", "arms k, log scale (n = 100)"),
        (BY_PULLS, "num_pulls", "pulls n, log scale (k = 10)"),
    )
    for axes, (wanted, part, label) in zip(both, panels, strict=True):
        axes.axhline(1.0, color=axes.yaxis.label.get_color(), linestyle=":", linewidth=1)
        there = [cell for cell in wanted if cell.name in measured.cells()]
        for (name, agent, variant), marker in zip(DRAWN, MARKERS, strict=False):
            # with as many pulls as in training both clocks are one
            at_home = OWN_CLOCK if variant == NEW_CLOCK and part == "num_pulls" else variant
            rows = [
                row
                for cell in there
                for row in measured.cell(cell.name)
                if _is(row, agent, at_home if cell == HOME else variant)
            ]
            x, y = [_at(row, part) for row in rows], [row.share for row in rows]
            middle, half = [share.mean for share in y], [share.half for share in y]
            drawn = axes.errorbar(x, middle, half, label=name, marker=marker, markersize=6, linewidth=1)
            new = [row for row in rows if not is_home(row)]
            colour = drawn.lines[0].get_color()
            axes.plot(
                [_at(row, part) for row in new],
                [row.share.mean for row in new],
                color=colour,
                linestyle="none",
                marker=marker,
                markersize=6,
                markerfacecolor=axes.get_facecolor(),
                zorder=3,
            )
        axes.set(xscale="log", xlabel=label)
        ticks = [getattr(cell, part) for cell in there]
        axes.set_xticks(ticks, [str(tick) for tick in ticks])
        axes.xaxis.set_minor_locator(NullLocator())
    both[0].set_ylabel("normalised score\n(0 random, 1 Gittins index)")
    both[1].legend(loc="center left", bbox_to_anchor=(1.02, 0.5), title="hollow: neither trained nor tuned there")
    figure.tight_layout()
    return figure


def _is(row: Row, agent: str, variant: str | None) -> bool:
    return row.agent == agent and variant in (None, row.variant)


def _at(row: Row, part: Part) -> int:
    place: int = getattr(CELLS[row.cell], part)
    return place
