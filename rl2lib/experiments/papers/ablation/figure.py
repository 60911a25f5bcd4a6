"""The figure: what every ablation costs, and the reward of every episode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rl2lib.evaluation.rows import Measured, columns
from rl2lib.experiments.papers.ablation.players import RL2
from rl2lib.experiments.papers.ablation.trained import ABLATIONS, BANDIT, MDP, WHOLE

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(measured: Measured) -> Figure:
    """Draw what every ablation costs, and the reward of every episode."""
    import matplotlib.pyplot as plt
    from matplotlib.ticker import MaxNLocator

    from rl2lib.evaluation.figures import MARKERS, band

    there = measured.cells()
    figure, (left, *right) = plt.subplots(
        1, 1 + len(there), figsize=(4.2 * (1 + len(there)), 3.8), layout="constrained"
    )
    for number, (cell, marker) in enumerate(zip(there, MARKERS, strict=False)):
        gain = abs(_gain(measured, cell))  # untrained, as at smoke scale, it may lie below random play
        costs = [measured.line(cell, f"cost: {what}")[0] for what in ABLATIONS]
        left.errorbar(
            [100 * point.y / gain for point in costs],
            [place + 0.15 * (number - 0.5) for place in range(len(ABLATIONS))],
            xerr=[100 * (point.high - point.y) / gain for point in costs],
            label=TITLES[cell],
            marker=marker,
            markersize=5,
            linestyle="none",
        )
    left.axvline(0, color=left.yaxis.label.get_color(), linewidth=1)
    left.set_yticks(range(len(ABLATIONS)), ABLATIONS)
    left.invert_yaxis()
    left.set(xlabel="cost, % of the gain over random")
    left.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0))
    for cell, axes in zip(there, right, strict=True):
        for what in (WHOLE, *ABLATIONS):
            band(axes, *columns(measured.line(cell, f"reward: {what}")), label=what)
        axes.set(title=TITLES[cell], xlabel="episode of the trial")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    right[0].set_ylabel("expected reward of the episode")
    right[-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


TITLES = {BANDIT: "bandit, n=10, k=5", MDP: "small MDPs, 4 episodes"}


def _gain(measured: Measured, cell: str) -> float:
    """What the whole agent earns beyond random play."""
    return measured.row(cell, RL2, WHOLE).mean - measured.row(cell, "Random").mean
