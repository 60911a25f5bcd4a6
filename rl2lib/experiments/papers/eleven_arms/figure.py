"""The figure: training, and what everybody earns pull by pull."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rl2lib.evaluation.rows import Measured, columns
from rl2lib.experiments.papers.eleven_arms.players import OPTIMAL, TS, by_pull
from rl2lib.experiments.papers.eleven_arms.trained import FORMS, RETURN

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(measured: Measured) -> Figure:
    """Draw training, by trials, and what everybody earns pull by pull."""
    import matplotlib.pyplot as plt

    from rl2lib.evaluation.figures import MARKERS, band

    figure, (left, right) = plt.subplots(1, 2, figsize=(8.6, 4.6), layout="constrained", width_ratios=(1.25, 1))
    for form in FORMS:
        trials, *heights = columns(measured.line(RETURN, form.line))
        band(left, [x / 1000 for x in trials], *heights, label=f"{form.agent}, {form.variant}")
        marker = MARKERS[FORMS.index(form)]
        pulls = measured.line(RETURN, by_pull(f"{form.agent} ({form.variant})"))
        right.plot([p.x for p in pulls], [p.y for p in pulls], marker=marker, markersize=5)
    for agent, variant, marker in ((TS, "true prior", MARKERS[5]), (OPTIMAL, "", MARKERS[6])):
        name = f"{agent} ({variant})" if variant else agent
        pulls = measured.line(RETURN, by_pull(name))
        (line,) = right.plot([p.x for p in pulls], [p.y for p in pulls], marker=marker, markersize=5, label=name)
        for row in (row for row in measured.cell(RETURN) if row.agent == agent):
            left.axhline(row.mean, color=line.get_color(), linestyle=line.get_linestyle(), linewidth=1)
    left.set(xlabel="thousand trials of training", ylabel="trial return")
    left.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    right.set(xlabel="pull", ylabel="reward", xticks=range(1, 6))
    figure.legend(loc="outside lower center", ncols=2)
    return figure
