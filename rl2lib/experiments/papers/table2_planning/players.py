"""Who plays: the baselines in their three columns, the optimum of chains, and what was trained."""

from __future__ import annotations

from dataclasses import replace

from rl2lib.agents.chain_optimal import ChainOptimal
from rl2lib.evaluation.choice import acting_best, draw_tasks
from rl2lib.evaluation.curves import return_curve
from rl2lib.evaluation.evaluate import Player, compare, play
from rl2lib.evaluation.rows import Measured, Point, Row
from rl2lib.experiments.papers.mdp_players import BLIND, ORACLE, RANDOM, baseline_players, bounds
from rl2lib.experiments.papers.table2_planning.trained import (
    CELLS,
    ID,
    PRIORS,
    SIZES,
    TASKS,
    Network,
    run_name,
    setting,
)
from rl2lib.experiments.plan import Scale, Trained
from rl2lib.tasks.tabular import ChainMDPs, TabularEnv, TabularTasks
from rl2lib.types import expect_kind

RL2, RL2_PAIRS = "RL²", "RL², memory per state-action"
RL2_PLANNING, RL2_MESSAGES = "Planner with a learned bonus", "RL², messages along transitions"
PPO_ALONE, IMITATED = "PPO", "imitation, then PPO"
OPTIMAL, BEST_PLANNER = "Optimum of chains", "best planner"
TRAINED: dict[Network, tuple[str, str]] = {
    "messages": (RL2_MESSAGES, PPO_ALONE),
    "planning": (RL2_PLANNING, PPO_ALONE),
    "pairs": (RL2_PAIRS, PPO_ALONE),
    "gru": (RL2, PPO_ALONE),
    "imitated": (RL2_PLANNING, IMITATED),
}
"""By network, its agent and how that learned."""
PLANNING_IMITATED = f"{RL2_PLANNING}, imitation first"


def measure(name: str, scale: Scale, trained: Trained) -> Measured:
    """Play everybody of a cell on the same MDPs."""
    cell = CELLS[name]
    kind, episodes = cell
    distribution, played_in = setting(cell)
    env = expect_kind("env", played_in, TabularEnv)
    size, place = SIZES[scale], 100 * list(TASKS).index(kind) + episodes
    tasks, validation = draw_tasks(distribution, size, "table 2, planning", seed=place)
    players = bounds(env)
    for player in baseline_players(env, validation, place, scale=scale, prior=PRIORS[kind]):
        # a chain is drawn from no prior of this form; theirs has its moments
        told = player.variant.replace("true", "matched") if kind == "chain" else player.variant
        players.append(replace(player, variant=told))
    if isinstance(distribution, ChainMDPs):
        players.append(Player(OPTIMAL, [ChainOptimal(distribution, env.horizon, episodes)]))
    for network, (agent, how) in TRAINED.items():
        policies = acting_best(trained.policies(run_name(network, cell)), env, validation, seed=place)
        players.append(Player(agent, policies, how, seeds=len(policies)))
    reference, chunk = OPTIMAL if kind == "chain" else ORACLE, 20_000 // episodes
    rows = compare(
        ID, name, players, env, tasks, seed=place, random=RANDOM, reference=reference, apart=(OPTIMAL,), chunk=chunk
    ).rows
    return Measured(rows, _by_episode(name, players, rows, env, tasks, place))


def _by_episode(
    cell: str, players: list[Player], rows: list[Row], env: TabularEnv, tasks: TabularTasks, seed: int
) -> list[Point]:
    """The reward of every episode of the trial, of those who are drawn: means over tasks, and the range over seeds."""
    planner = best_planner(rows)
    blind = max((row for row in rows if row.agent == BLIND), key=lambda row: row.mean)
    drawn = {(row.agent, row.variant): row.agent for row in rows if row.seeds or row.agent in (OPTIMAL, ORACLE)}
    drawn[RL2_PLANNING, IMITATED] = PLANNING_IMITATED
    drawn |= {(planner.agent, planner.variant): BEST_PLANNER, (blind.agent, blind.variant): BLIND}
    points = []
    for player in players:
        if (line := drawn.get((player.agent, player.variant))) is None:
            continue
        few = TabularTasks(*(part[:500] for part in tasks))
        curves = [return_curve(play(policy, env, few, seed=seed), expected=True).mean for policy in player.policies]
        for episode, values in enumerate(zip(*(curve.tolist() for curve in curves), strict=True), start=1):
            mean = sum(values) / len(values)
            points.append(Point(ID, cell, line, episode, mean, min(values), max(values)))
    return points


def best_planner(rows: list[Row]) -> Row:
    """Return the best row that was not trained and looks at transitions, and was told neither task nor family."""
    others = (RANDOM, ORACLE, OPTIMAL, BLIND)
    return max((row for row in rows if not row.seeds and row.agent not in others), key=lambda row: row.mean)
