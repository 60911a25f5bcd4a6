"""Duan et al. 2016, figure 3: learning curves of table 2's runs, 0 at random play and 1 at OPSRL.

Nothing is trained here: the curves are those on the cards of table 2's runs, as in `figure2`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from rl2lib.agents.bandit import Random
from rl2lib.agents.tabular_variants import tabular_agents
from rl2lib.evaluation.evaluate import Player, compare
from rl2lib.evaluation.rows import Measured, Row, columns
from rl2lib.experiments.papers.figure2 import FINAL, Curve, curve_points, end_row, on_scale
from rl2lib.experiments.papers.mdp_players import RANDOM
from rl2lib.experiments.papers.table2 import EXPERIMENT as TABLE2
from rl2lib.experiments.papers.table2.players import RL2_PAIRS
from rl2lib.experiments.papers.table2.published import OPSRL, PUBLISHED, PUBLISHED_TASKS, RL2
from rl2lib.experiments.papers.table2.trained import CELLS, gru_name, pairs_name, setting
from rl2lib.experiments.plan import Claim, Experiment, Run, Scale, Trained
from rl2lib.experiments.verdicts import Verdict, at_least
from rl2lib.tasks.sampling import make_generator

if TYPE_CHECKING:
    from matplotlib.figure import Figure


ID = "figure3"
NAMES = {RL2: gru_name, RL2_PAIRS: pairs_name}
"""By agent, what a cell's run is called."""
TEST_TASKS: dict[Scale, int] = {"smoke": 8, "laptop": 2_000, "paper": 2_000}


def runs(scale: Scale) -> list[Run]:
    """Return those of table 2's runs whose curves are drawn."""
    drawn = {name(CELLS[cell]) for name in NAMES.values() for cell in TABLE2.cells(scale)}
    return [run for run in TABLE2.runs(scale) if run.name in drawn]


def measure(cell: str, scale: Scale, trained: Trained) -> Measured:
    """Measure a cell's scale, and put the curves of its runs on it."""
    (num_episodes,) = CELLS[cell]
    distribution, env = setting(CELLS[cell])
    tasks = distribution.sample(TEST_TASKS[scale], make_generator(num_episodes, "figure 3: test"))
    players = [Player(RANDOM, [Random(env.num_actions)]), Player(OPSRL, [tabular_agents("as published")[OPSRL]])]
    returns = compare(ID, cell, players, env, tasks, seed=num_episodes, random=RANDOM, reference=OPSRL, chunk=500)
    zero, one = (next(row for row in returns.rows if row.agent == agent) for agent in (RANDOM, OPSRL))
    published = PUBLISHED[CELLS[cell], RL2]
    found = Measured()
    for agent, name in NAMES.items():
        curves = [_curve(card, num_episodes, zero, one) for card in trained.cards(name(CELLS[cell]))]
        told = on_scale(published, zero, one, PUBLISHED_TASKS) if agent == RL2 else None
        steps = 10 * num_episodes  # ten steps an episode
        found.rows.append(end_row(ID, cell, agent, FINAL, curves, zero, one, steps_per_trial=steps, told=told))
        found.points.extend(curve_points(ID, cell, agent, curves))
    return found


def _curve(card: dict[str, Any], num_episodes: int, zero: Row, one: Row) -> Curve:
    """A card's learning curve, normalised; the first stage's shorter trials are left out, their steps counted."""
    lengths = [stage["training"]["iterations"] for stage in card["config"]["stages"]]
    steps, returns = (
        torch.tensor(card["history"][name], dtype=torch.float64) for name in ("env_steps", "trial_return")
    )
    # the card's history is thinned: a point tells of the last stage if all of its iterations do
    last = sum(lengths) - lengths[-1]
    first = [int(piece[0]) for piece in torch.arange(sum(lengths)).tensor_split(len(returns))]
    here = torch.tensor([index >= last for index in first])
    return Curve(steps[here] / 1e6, (returns[here] - zero.mean) / (one.mean - zero.mean))


def draw(measured: Measured) -> Figure:
    """Draw a panel for each policy, a line for each n."""
    import matplotlib.pyplot as plt

    from rl2lib.evaluation.figures import MARKERS, band

    figure, panels = plt.subplots(1, len(NAMES), figsize=(9, 3.6), sharey=True)
    for agent, axes in zip(NAMES, panels, strict=True):
        for cell, marker in zip(measured.cells(), MARKERS, strict=False):
            line = measured.line(cell, agent)
            band(
                axes,
                *columns(line),
                label=f"n = {CELLS[cell].num_episodes}",
                marker=marker,
                markersize=3,
                linewidth=1.2,
            )
        axes.axhline(1.0, color=axes.yaxis.label.get_color(), linestyle=":", linewidth=1)
        axes.set(title=agent, xlabel="environment steps, millions")
    panels[0].set_ylabel("normalised score (OPSRL: 1)")
    panels[-1].legend(loc="upper left", bbox_to_anchor=(1.02, 1.0))
    figure.tight_layout()
    return figure


def _ends_above_opsrl(measured: Measured, agent: str) -> Verdict:
    ends = {cell: measured.row(cell, agent) for cell in measured.cells()}
    words = "; ".join(f"{cell} {row.score.percent()}" for cell, row in ends.items())
    return Verdict(at_least((row.score for row in ends.values()), 1.0), words)


EXPERIMENT = Experiment(
    id=ID,
    title="Figure 3: learning curves on random MDPs",
    source="Duan et al. 2016, figure 3",
    about=(
        "Learning curves of table 2's runs on the figure's scale: 0 is random play, 1 is OPSRL with TabulaRL's own "
        "priors, both measured on one set of MDPs a cell. A curve is of training, by expected reward and with sampled "
        "actions. A memory per state-action learns on trials of ten episodes first; those are left out where n is "
        "larger, and their steps are counted. The published number is table 2's return on this scale, since the "
        "figure prints none. Bands are ranges over seeds."
    ),
    cells=TABLE2.cells,
    runs=runs,
    measure=measure,
    draw=draw,
    alt="Learning curves of the plain GRU and of a memory per state-action, normalised, a line for each n.",
    claims=(
        Claim(
            "RL² ends at OPSRL's score or above in every cell.",
            partial(_ends_above_opsrl, agent=RL2),
            reason=TABLE2.reasons[RL2],
        ),
        Claim(
            "A memory per state-action ends at OPSRL's score or above in every cell.",
            partial(_ends_above_opsrl, agent=RL2_PAIRS),
        ),
    ),
    reasons=TABLE2.reasons,
    unit="normalised score",
)
