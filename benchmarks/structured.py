"""What structure in the policy buys: each recipe trained whole, its time, and its score beside the best rule known.

Scores are of greedy actions by expected reward on held-out tasks that the rule plays too; one torch thread.
"""

from __future__ import annotations

import statistics
import time
from typing import Any, cast

from benchmarks.measure import Benchmark, Figure, Measurement, Settings
from benchmarks.ours import num_tasks, shortened
from rl2lib.agents.bandit import Random
from rl2lib.agents.equivariant import ArmEquivariantPolicy
from rl2lib.agents.gittins import FiniteHorizonGittins
from rl2lib.agents.optimism import TransitionBlind
from rl2lib.agents.posterior import TRUE_PRIOR
from rl2lib.evaluation.evaluate import evaluate
from rl2lib.evaluation.statistics import Estimate, paired_difference
from rl2lib.experiments.recipes import Recipe, equivariant_bandits, pair_memory_mdps
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.tasks.sampling import make_generators
from rl2lib.tasks.tabular import TabularEnv
from rl2lib.training.loop import torch_threads, train
from rl2lib.types import Policy, TrialEnv

NUM_TASKS = 5_000
BANDITS, MDPS = "arm-equivariant, n=100, k=10", "memory per state-action, random MDPs, n=10"

BANDIT_TIME = Figure(f"{BANDITS}: training", "s", 150.0, lower_is_better=True)
BANDIT_SCORE = Figure(f"{BANDITS}: normalised to finite-horizon Gittins", "score", 0.985)
BANDIT_WIDE = Figure("the same weights on k=50, untrained there: normalised", "score", 0.98)
MDP_TIME = Figure(f"{MDPS}: training", "s", 90.0, lower_is_better=True)
MDP_LEAD = Figure(f"{MDPS}: lead over the transition-blind rule, its interval's upper end", "reward", 0.0)


def bandits(settings: Settings) -> list[Measurement]:
    """Train on ten arms; score there and on fifty."""
    seconds, scores, wide = [], [], []
    for seed in range(settings.repeats):
        recipe = shortened(settings, equivariant_bandits(seed=seed))
        seconds.append(_trained(recipe))
        policy = cast(ArmEquivariantPolicy, recipe.policy)
        for num_arms, kept in ((10, scores), (50, wide)):
            kept.append(_normalised(settings, policy.for_bandits(num_arms), num_arms, seed))
    note = f"greedy actions, median of {settings.repeats} seeds ({{}}), {num_tasks(settings, NUM_TASKS):,} tasks each"
    steps = recipe.training.iterations * recipe.training.trials_per_iteration * 100
    return [
        BANDIT_TIME.measured(statistics.median(seconds), f"{steps:,} steps, one thread, {_listed(seconds, 0)}"),
        BANDIT_SCORE.measured(statistics.median(scores), note.format(_listed(scores, 4))),
        BANDIT_WIDE.measured(statistics.median(wide), note.format(_listed(wide, 4))),
    ]


def mdps(settings: Settings) -> list[Measurement]:
    """Train on ten episodes; compare with the rule on the same tasks, seed by seed."""
    seconds: list[float] = []
    leads: list[Estimate] = []
    for seed in range(settings.repeats):
        recipe = shortened(settings, pair_memory_mdps(seed=seed))
        seconds.append(_trained(recipe))
        leads.append(_lead(settings, recipe, seed))
    leads.sort(key=lambda lead: lead.mean)
    median = leads[len(leads) // 2]
    steps = recipe.training.iterations * recipe.training.trials_per_iteration * 100
    return [
        MDP_TIME.measured(statistics.median(seconds), f"{steps:,} steps, one thread, {_listed(seconds, 0)}"),
        MDP_LEAD.measured(
            median.high,
            f"paired 95% interval [{median.low:.2f}, {median.high:.2f}] of the median seed of {len(leads)}; greedy "
            f"actions, c=1, true prior, every step, {num_tasks(settings, NUM_TASKS):,} tasks",
        ),
    ]


def _trained(recipe: Recipe) -> float:
    """Train by a recipe; return the seconds."""
    with torch_threads(1):
        began = time.perf_counter()
        train(recipe.learner(), recipe.distribution, recipe.env, recipe.training, progress=False)
        return time.perf_counter() - began


def _normalised(settings: Settings, policy: ArmEquivariantPolicy, num_arms: int, seed: int) -> float:
    num_pulls = 100
    agents: dict[str, Policy[Any]] = {
        "trained": policy.acting("greedy"),
        "Gittins": FiniteHorizonGittins(num_arms, num_pulls),
        "random": Random(num_arms),
    }
    env: TrialEnv[Any] = BanditEnv(num_arms, num_pulls)
    tasks = IndependentBandits(num_arms).sample(num_tasks(settings, NUM_TASKS), _held_out(seed))
    with torch_threads(1):
        row = evaluate(agents, env, tasks, seed=seed, random="random", reference="Gittins")["trained"]
    return float("nan") if row.normalised is None else row.normalised.mean


def _lead(settings: Settings, recipe: Recipe, seed: int) -> Estimate:
    env = cast(TabularEnv, recipe.env)
    rule = TransitionBlind(env.num_states, env.num_actions, env.horizon, 1.0, TRUE_PRIOR, "step")
    tasks = recipe.distribution.sample(num_tasks(settings, NUM_TASKS), _held_out(seed))
    with torch_threads(1):
        scores = evaluate({"trained": recipe.policy.acting("greedy"), "rule": rule}, env, tasks, seed=seed).scores
    return paired_difference(scores["trained"], scores["rule"])


def _held_out(seed: int) -> Any:
    return make_generators(seed, "held-out tasks")["held-out tasks"]


def _listed(values: list[float], decimals: int) -> str:
    return " ".join(f"{value:.{decimals}f}" for value in values)


BENCHMARKS = (
    Benchmark("equivariant", "the arm-equivariant policy's recipe", (BANDIT_TIME, BANDIT_SCORE, BANDIT_WIDE), bandits),
    Benchmark("pair-memory", "the recipe of a memory per state-action", (MDP_TIME, MDP_LEAD), mdps),
)
