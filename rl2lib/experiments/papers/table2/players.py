"""Who plays table 2: the baselines in their three columns, and what was trained."""

from __future__ import annotations

from rl2lib.evaluation.choice import acting_best, draw_tasks
from rl2lib.evaluation.evaluate import Player, compare
from rl2lib.evaluation.rows import Measured
from rl2lib.experiments.papers.mdp_players import BLIND, RANDOM, baseline_players, bounds
from rl2lib.experiments.papers.table2.published import AGENTS, PUBLISHED, PUBLISHED_TASKS, RL2
from rl2lib.experiments.papers.table2.trained import CELLS, ID, SIZES, Network, run_name, setting
from rl2lib.experiments.plan import Scale, Trained
from rl2lib.tasks.tabular import TabularEnv
from rl2lib.types import expect_kind

RL2_PAIRS = "RL², memory per state-action"
PPO_ALONE, IMITATED, EVERY_STEP = "PPO", "imitation, then PPO", "true prior, every step"
TRAINED: dict[Network, tuple[str, str]] = {
    "pairs": (RL2_PAIRS, PPO_ALONE),
    "imitated": (RL2_PAIRS, IMITATED),
    "gru": (RL2, PPO_ALONE),
}
"""By network, its agent and how that learned."""


def measure(cell: str, scale: Scale, trained: Trained) -> Measured:
    """Play everybody of a cell on the same MDPs."""
    num_episodes = CELLS[cell]
    distribution, played_in = setting(num_episodes)
    env = expect_kind("env", played_in, TabularEnv)
    size = SIZES[scale]
    tasks, validation = draw_tasks(distribution, size, "table 2", seed=num_episodes)
    published = {agent: PUBLISHED[num_episodes, agent] for agent in AGENTS}
    players = bounds(env, published[RANDOM])
    players += baseline_players(env, validation, num_episodes, published, scale=scale)
    for network, (agent, how) in TRAINED.items():
        policies = acting_best(trained.policies(run_name(network, cell)), env, validation, seed=num_episodes)
        players.append(Player(agent, policies, how, published.get(agent), seeds=len(policies)))
    rows = compare(
        ID,
        cell,
        players,
        env,
        tasks,
        seed=num_episodes,
        random=RANDOM,
        reference=f"{BLIND} ({EVERY_STEP})",
        published_tasks=PUBLISHED_TASKS,
        chunk=500,
    ).rows
    return Measured(rows)
