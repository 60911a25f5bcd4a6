"""What structure in the policy buys: each trained whole, its time, and its score beside the best rule known.

Scores are of greedy actions by expected reward on held-out tasks that the rule plays too; one torch thread.
"""

from __future__ import annotations

import statistics
import time
from typing import Any, cast

from benchmarks.measure import Benchmark, Figure, Measurement, Settings
from benchmarks.ours import num_tasks, planned, shortened
from rl2lib.agents.bandit import Random
from rl2lib.agents.gittins import FiniteHorizonGittins
from rl2lib.agents.linear_baseline import NUM_BANDIT_FEATURES, LinearBaseline, bandit_features
from rl2lib.agents.optimism import TransitionBlind
from rl2lib.agents.pair_memory import PairMemoryPolicy
from rl2lib.agents.posterior import TRUE_PRIOR
from rl2lib.evaluation.evaluate import evaluate
from rl2lib.evaluation.statistics import Estimate, paired_difference
from rl2lib.experiments.papers.table2 import EXPERIMENT as TABLE2
from rl2lib.experiments.papers.table2.trained import run_name
from rl2lib.experiments.plan import Stage
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.tasks.catalogue import Setting
from rl2lib.tasks.sampling import make_generator, make_generators
from rl2lib.tasks.tabular import TabularEnv
from rl2lib.training.loop import TrainingConfig, torch_threads, train
from rl2lib.training.ppo import PPO, PPOConfig
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
        stage = shortened(settings, equivariant(seed))
        seconds.append(_trained(stage))
        policy = cast(PairMemoryPolicy, stage.learner.policy)
        for num_arms, kept in ((10, scores), (50, wide)):
            kept.append(_normalised(settings, policy.for_actions(num_arms), num_arms, seed))
    note = f"greedy actions, median of {settings.repeats} seeds ({{}}), {num_tasks(settings, NUM_TASKS):,} tasks each"
    steps = stage.training.iterations * stage.training.trials_per_iteration * 100
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
        stage = shortened(settings, planned(TABLE2, run_name("pairs", "n10"), seed))
        seconds.append(_trained(stage))
        leads.append(_lead(settings, stage, seed))
    leads.sort(key=lambda lead: lead.mean)
    median = leads[len(leads) // 2]
    steps = stage.training.iterations * stage.training.trials_per_iteration * 100
    return [
        MDP_TIME.measured(statistics.median(seconds), f"{steps:,} steps, one thread, {_listed(seconds, 0)}"),
        MDP_LEAD.measured(
            median.high,
            f"paired 95% interval [{median.low:.2f}, {median.high:.2f}] of the median seed of {len(leads)}; greedy "
            f"actions, c=1, true prior, every step, {num_tasks(settings, NUM_TASKS):,} tasks",
        ),
    ]


def equivariant(seed: int) -> Stage:
    """Return the arm-equivariant policy's training on ten arms, with a baseline that sees the task."""
    num_arms, num_pulls = 10, 100
    policy = PairMemoryPolicy(1, num_arms, 1, num_pulls, generator=make_generator(seed, "weights"))
    baseline = LinearBaseline(bandit_features, NUM_BANDIT_FEATURES, num_pulls)
    config = PPOConfig(discount=1.0, trace=0.95, learning_rate=5e-3, expected_rewards=True)
    setting = Setting(IndependentBandits(num_arms), BanditEnv(num_arms, num_pulls))
    return Stage(PPO(policy, baseline, config), setting, TrainingConfig(40, 256, seed))


def _trained(stage: Stage) -> float:
    """Train; return the seconds."""
    with torch_threads(1):
        began = time.perf_counter()
        train(stage.learner, *stage.setting, stage.training, progress=False)
        return time.perf_counter() - began


def _normalised(settings: Settings, policy: PairMemoryPolicy, num_arms: int, seed: int) -> float:
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


def _lead(settings: Settings, stage: Stage, seed: int) -> Estimate:
    env = cast(TabularEnv, stage.setting.env)
    rule = TransitionBlind(env.num_states, env.num_actions, env.horizon, 1.0, TRUE_PRIOR, "step")
    tasks = stage.setting.distribution.sample(num_tasks(settings, NUM_TASKS), _held_out(seed))
    with torch_threads(1):
        scores = evaluate(
            {"trained": stage.learner.policy.acting("greedy"), "rule": rule}, env, tasks, seed=seed
        ).scores
    return paired_difference(scores["trained"], scores["rule"])


def _held_out(seed: int) -> Any:
    return make_generators(seed, "held-out tasks")["held-out tasks"]


def _listed(values: list[float], decimals: int) -> str:
    return " ".join(f"{value:.{decimals}f}" for value in values)


BENCHMARKS = (
    Benchmark("equivariant", "the arm-equivariant policy", (BANDIT_TIME, BANDIT_SCORE, BANDIT_WIDE), bandits),
    Benchmark("pair-memory", "the memory per state-action of table 2", (MDP_TIME, MDP_LEAD), mdps),
)
