"""Table 2 as a figure: the reward of an episode, and the lead over the transition-blind rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rl2lib.evaluation.rows import Measured
from rl2lib.experiments.papers.mdp_players import BLIND
from rl2lib.experiments.papers.table2.players import EVERY_STEP, IMITATED, PPO_ALONE, RL2_PAIRS
from rl2lib.experiments.papers.table2.published import OPSRL, PUBLISHED, RL2
from rl2lib.experiments.papers.table2.trained import CELLS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(measured: Measured) -> Figure:
    """Draw what each agent earns an episode against the trial's length, and the lead over the transition-blind rule."""
    import matplotlib.pyplot as plt

    from rl2lib.evaluation.figures import MARKERS

    figure, (whole, top) = plt.subplots(1, 2, figsize=(10, 5), layout="constrained")
    there = measured.cells()
    lengths = [CELLS[cell] for cell in there]

    def per_episode(agent: str, variant: str) -> tuple[list[float], list[float]]:
        rows = [measured.row(cell, agent, variant) for cell in there]
        means = [row.mean / length for row, length in zip(rows, lengths, strict=True)]
        return means, [row.score.half / length for row, length in zip(rows, lengths, strict=True)]

    drawn = [(OPSRL, "as published"), ("BEB", "as published"), ("BEB", EVERY_STEP), (BLIND, EVERY_STEP)]
    drawn += [(RL2, PPO_ALONE), (RL2_PAIRS, PPO_ALONE), (RL2_PAIRS, IMITATED)]
    rule, _ = per_episode(BLIND, EVERY_STEP)
    for (agent, variant), marker in zip(drawn, MARKERS, strict=False):
        means, halves = per_episode(agent, variant)
        look: dict[str, Any] = {"label": f"{agent}, {variant}", "marker": marker, "markersize": 5, "linewidth": 1}
        whole.errorbar(lengths, means, halves, **look)
        top.plot(lengths, [mean - other for mean, other in zip(means, rule, strict=True)], **look)
    told = [PUBLISHED[CELLS[cell], RL2] / CELLS[cell] for cell in there]
    look = {"color": whole.yaxis.label.get_color(), "marker": "o", "fillstyle": "none", "linestyle": "none"}
    whole.plot(lengths, told, label="RL², published", **look)
    top.plot(lengths, [mean - other for mean, other in zip(told, rule, strict=True)], **look)
    top.set_ylim(-1.5, 0.3)  # the plain GRU lies far below
    whole.set_ylabel("reward of an episode")
    top.set_ylabel("the same, less the transition-blind rule's")
    for axes in (whole, top):
        axes.set_xlabel("episodes of a trial, n")
    figure.legend(*whole.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure
