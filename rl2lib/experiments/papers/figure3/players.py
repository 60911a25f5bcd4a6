"""Who is in figure 3: random play and OPSRL, which make the scale, and runs of table 2 on it."""

from __future__ import annotations

from typing import Any

from rl2lib.agents.bandit import Random
from rl2lib.agents.tabular_variants import tabular_agents
from rl2lib.evaluation.evaluate import Player, compare
from rl2lib.evaluation.rows import Measured, Row
from rl2lib.experiments.papers.learning_curves import FINAL, Curve, curve_of, curve_points, end_row, on_scale
from rl2lib.experiments.papers.mdp_players import RANDOM
from rl2lib.experiments.papers.table2 import EXPERIMENT as TABLE2
from rl2lib.experiments.papers.table2.players import RL2_PAIRS
from rl2lib.experiments.papers.table2.published import OPSRL, PUBLISHED, PUBLISHED_TASKS, RL2
from rl2lib.experiments.papers.table2.trained import CELLS, Network, run_name, setting
from rl2lib.experiments.plan import Run, Scale, Trained
from rl2lib.tasks.sampling import make_generator

ID = "figure3"
NETWORKS: dict[str, Network] = {RL2: "gru", RL2_PAIRS: "pairs"}
"""By agent."""
TEST_TASKS: dict[Scale, int] = {"smoke": 8, "laptop": 2_000, "paper": 2_000}


def runs(scale: Scale) -> list[Run]:
    """Return those of table 2's runs whose curves are drawn: what learned by PPO alone."""
    drawn = {run_name(network, cell) for network in NETWORKS.values() for cell in TABLE2.cells(scale)}
    return [run for run in TABLE2.runs(scale) if run.name in drawn]


def measure(cell: str, scale: Scale, trained: Trained) -> Measured:
    """Measure a cell's scale, and put the curves of its runs on it."""
    num_episodes = CELLS[cell]
    distribution, env = setting(num_episodes)
    tasks = distribution.sample(TEST_TASKS[scale], make_generator(num_episodes, "figure 3: test"))
    players = [Player(RANDOM, [Random(env.num_actions)]), Player(OPSRL, [tabular_agents("as published")[OPSRL]])]
    returns = compare(ID, cell, players, env, tasks, seed=num_episodes, random=RANDOM, reference=OPSRL, chunk=500)
    zero, one = (next(row for row in returns.rows if row.agent == agent) for agent in (RANDOM, OPSRL))
    published = PUBLISHED[num_episodes, RL2]
    found = Measured()
    for agent, network in NETWORKS.items():
        curves = [_last_stage(card, zero, one) for card in trained.cards(run_name(network, cell))]
        told = on_scale(published, zero, one, PUBLISHED_TASKS) if agent == RL2 else None
        steps = 10 * num_episodes  # ten steps an episode
        found.rows.append(end_row(ID, cell, agent, FINAL, curves, zero, one, steps_per_trial=steps, told=told))
        found.points.extend(curve_points(ID, cell, agent, curves))
    return found


def _last_stage(card: dict[str, Any], zero: Row, one: Row) -> Curve:
    """A card's learning curve without the first stage's shorter trials, whose steps are counted."""
    *before, _ = card["config"]["stages"]
    return curve_of(card, [False for _ in before] + [True], zero.mean, one.mean)
