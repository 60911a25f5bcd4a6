"""How long the classic algorithms take, whole batches of tasks side by side, on one thread."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measure import Benchmark, Figure, Measurement, Settings, median_seconds
from rl2lib.agents.bandit import UCB1, Thompson
from rl2lib.agents.gittins import FiniteHorizonGittins
from rl2lib.agents.gittins_tables import finite_horizon_indices
from rl2lib.agents.optimism import BEB, UCRL2
from rl2lib.agents.tabular import OPSRL, PSRL
from rl2lib.rollout import rollout
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.tasks.sampling import make_generators
from rl2lib.tasks.tabular import RandomMDPs, TabularEnv
from rl2lib.training.loop import torch_threads
from rl2lib.types import Policy, TaskDistribution, TrialEnv

ON_BANDITS = "10,000 bandits, k=10, n=100"
BANDIT_AGENTS: dict[str, Callable[[int, int], Policy[Any]]] = {
    "Thompson": lambda num_arms, num_pulls: Thompson(num_arms),
    "UCB1": lambda num_arms, num_pulls: UCB1(num_arms),
    "finite-horizon Gittins": FiniteHorizonGittins,
}
BANDITS = {name: Figure(f"{name}, {ON_BANDITS}", "s", 3.0, lower_is_better=True) for name in BANDIT_AGENTS}
TABLE = Figure("finite-horizon Gittins table, n=500", "s", 30.0, lower_is_better=True)

ON_MDPS = "1,000 random MDPs, n=100"
MDP_AGENTS: dict[str, Callable[[int, int, int], Policy[Any]]] = {
    "PSRL": PSRL,
    "OPSRL": OPSRL,
    "BEB": BEB,
    "UCRL2": UCRL2,
}
MDPS = {name: Figure(f"{name}, {ON_MDPS}", "s", 60.0, lower_is_better=True) for name in MDP_AGENTS}


def bandits(settings: Settings) -> list[Measurement]:
    """Time the bandit algorithms, in turn; the Gittins table is ready then, and timed by itself."""
    num_tasks, num_arms, num_pulls = (10, 3, 5) if settings.quick else (10_000, 10, 100)
    distribution, env = IndependentBandits(num_arms), BanditEnv(num_arms, num_pulls)
    agents = [make(num_arms, num_pulls) for make in BANDIT_AGENTS.values()]
    with torch_threads(1):
        seconds = median_seconds(
            *(_playing(agent, distribution, env, num_tasks) for agent in agents), repeats=settings.repeats
        )
    notes = dict.fromkeys(BANDITS, "one thread") | {"finite-horizon Gittins": "one thread; its table read before"}
    return [BANDITS[name].measured(value, notes[name]) for name, value in zip(BANDIT_AGENTS, seconds, strict=True)]


def table(settings: Settings) -> list[Measurement]:
    """Solve the longest published trial's indices and write them, with nothing to start from."""
    num_pulls = 5 if settings.quick else 500

    def build() -> None:
        with tempfile.TemporaryDirectory() as folder:
            finite_horizon_indices(num_pulls, Path(folder))

    with torch_threads(1):
        (seconds,) = median_seconds(build, repeats=settings.repeats, warm_up=False)
    return [TABLE.measured(seconds, "from scratch, written to disk")]


def mdps(settings: Settings) -> list[Measurement]:
    """Time the tabular algorithms, once each."""
    num_tasks, episodes = (2, 2) if settings.quick else (1_000, 100)
    distribution, env = RandomMDPs(), TabularEnv(episodes_per_trial=episodes)
    measurements = []
    with torch_threads(1):
        for name, make in MDP_AGENTS.items():
            agent = make(env.num_states, env.num_actions, env.horizon)
            (seconds,) = median_seconds(_playing(agent, distribution, env, num_tasks), repeats=1, warm_up=False)
            measurements.append(MDPS[name].measured(seconds, "run once, one thread, the agent's own settings"))
    return measurements


def _playing(
    agent: Policy[Any], distribution: TaskDistribution[Any], env: TrialEnv[Any], num_tasks: int
) -> Callable[[], object]:
    generators = make_generators(0, "tasks", "env", "policy")
    tasks = distribution.sample(num_tasks, generators["tasks"])
    return lambda: rollout(agent, env, tasks, policy_generator=generators["policy"], env_generator=generators["env"])


BENCHMARKS = (
    Benchmark("bandit-agents", f"Thompson, UCB1 and Gittins on {ON_BANDITS}", tuple(BANDITS.values()), bandits),
    Benchmark("gittins-table", "the longest trial's indices from scratch", (TABLE,), table),
    Benchmark("mdp-agents", f"PSRL, OPSRL, BEB and UCRL2 on {ON_MDPS}", tuple(MDPS.values()), mdps),
)
