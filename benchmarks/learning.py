"""Time to a score on five arms and ten pulls, where the exact optimum is known: ours, and sb3-contrib's beside it.

The score is that of greedy actions on held-out bandits by expected reward, 0 for random play and 1 for Bayes-optimal
play on the same bandits. It is looked at between iterations and the clock stands still meanwhile.
"""

from __future__ import annotations

import contextlib
import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from benchmarks import ours
from benchmarks.measure import Benchmark, Figure, Measurement, Settings
from benchmarks.ours import Sizes, Watched
from rl2lib.agents.bandit import Random
from rl2lib.agents.bayes_optimal import BayesOptimal
from rl2lib.evaluation.evaluate import evaluate
from rl2lib.experiments.quickstart import PPO_SETTINGS, SMOKE, QuickstartConfig
from rl2lib.rollout import rollout
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.tasks.sampling import make_generators
from rl2lib.training.loop import TrainingConfig, torch_threads, train
from rl2lib.types import Policy

SETTING = "n=10, k=5"
CUT_OFF = 10.0
"""sb3-contrib is given this many times our wall time."""

TO_97 = Figure(f"time to 97% of the optimum, {SETTING}", "s", 90.0, lower_is_better=True)
TO_99 = Figure(f"time to 99% of the optimum, {SETTING}", "s", 300.0, lower_is_better=True)
BESIDE_SB3 = Figure(f"time to 90% of the optimum, {SETTING}: sb3-contrib / ours", "x", CUT_OFF)

RECIPE = QuickstartConfig()
LONGER = replace(RECIPE, iterations=600)
"""The same recipe with schedules four times as long; a run ends when it is there."""


class Enough(Exception):
    """The score is reached, or time is up."""


@dataclass
class Clock:
    """Looks at a policy between iterations and counts only the time in between.

    Attributes:
        score: plays and scores the policy.
        level: the score that is enough.
        limit: seconds that are enough.
        every: iterations between looks.
        seconds, scores: of each look, without the time that looking took.
    """

    score: Callable[[], float]
    level: float
    limit: float = math.inf
    every: int = 1
    seconds: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._looking, self._calls, self._began = 0.0, 0, time.perf_counter()

    def look(self) -> bool:
        """Score the policy if it is time to; return whether that is enough."""
        now = time.perf_counter()
        elapsed = now - self._began - self._looking
        self._calls += 1
        if self._calls % self.every == 0:
            self.seconds.append(elapsed)
            self.scores.append(self.score())
            self._looking += time.perf_counter() - now
        return elapsed >= self.limit or self.reached

    @property
    def reached(self) -> bool:
        """Whether the last look found the level."""
        return bool(self.scores) and self.scores[-1] >= self.level

    @property
    def time(self) -> float:
        """When the level was reached; infinite if it was not."""
        return self.seconds[-1] if self.reached else math.inf


class HeldOut:
    """Bandits that nobody trains on, and the scores of random and of optimal play on them."""

    def __init__(self, config: QuickstartConfig, seed: int) -> None:
        self.env, self.seed = BanditEnv(config.num_arms, config.num_pulls), seed
        generator = make_generators(seed, "held-out tasks")["held-out tasks"]
        self.tasks = IndependentBandits(config.num_arms).sample(config.num_test_tasks, generator)
        agents: dict[str, Policy[Any]] = {
            "random": Random(config.num_arms),
            "optimal": BayesOptimal(config.num_arms, config.num_pulls),
        }
        bounds = evaluate(agents, self.env, self.tasks, seed=seed)
        self.random, self.optimal = bounds["random"].score.mean, bounds["optimal"].score.mean

    def score(self, policy: Policy[Any]) -> float:
        """Return a policy's normalised score."""
        generators = make_generators(self.seed, "evaluation policy", "evaluation env")
        trajectory = rollout(
            policy,
            self.env,
            self.tasks,
            policy_generator=generators["evaluation policy"],
            env_generator=generators["evaluation env"],
        )
        mean = trajectory.trial_return(expected=True).double().mean().item()
        return (mean - self.random) / (self.optimal - self.random)


def learning(settings: Settings) -> list[Measurement]:
    """Time our way to 97% by the quickstart's recipe, and to 99% by a longer one; the median of five seeds each."""
    plans = [(TO_97, 0.97, RECIPE), (TO_99, 0.99, LONGER)]
    if settings.quick:
        plans = [(figure, -1.0, SMOKE) for figure, _, _ in plans]
    measurements = []
    for figure, level, config in plans:
        clocks = [run_ours(config, seed, level, every=2) for seed in range(settings.repeats)]
        measurements.append(_timed(figure, clocks, f"GRU-{config.hidden_size}, {config.iterations} iterations planned"))
    return measurements


def learning_sb3(settings: Settings) -> list[Measurement]:
    """Give sb3-contrib ten times as long as we take to 90%, seed by seed, in two settings; the better one counts."""
    from benchmarks import sb3  # noqa: F401 - says at once if it is missing

    level, config = (-1.0, SMOKE) if settings.quick else (0.9, RECIPE)
    ratios: dict[str, list[float]] = {name: [] for name in THEIR_SETTINGS}
    times = []
    for seed in range(settings.repeats):
        ours_clock = run_ours(config, seed, level)
        if not ours_clock.reached:
            return [BESIDE_SB3.missing(f"we did not reach {level:.0%} with seed {seed}")]
        times.append(ours_clock.time)
        for name, their in THEIR_SETTINGS.items():
            clock = run_theirs(config, seed, level, CUT_OFF * ours_clock.time, their)
            ratios[name].append(min(clock.time / ours_clock.time, CUT_OFF))
    medians = {name: statistics.median(values) for name, values in ratios.items()}
    best = min(medians, key=medians.__getitem__)
    told = ", ".join(f"{name} {'at least ' if value >= CUT_OFF else ''}{value:.2g}x" for name, value in medians.items())
    note = f"ours {statistics.median(times):.3g} s, the median of {len(times)} seeds; theirs: {told}; {LOOKED}"
    return [BESIDE_SB3.measured(medians[best], f"at least: {note}" if medians[best] >= CUT_OFF else note)]


LOOKED = "greedy actions, expected reward, 10,000 held-out bandits, time spent looking not counted, one thread"

THEIR_SETTINGS: dict[str, dict[str, Any]] = {
    "with our settings": {
        "gamma": PPO_SETTINGS.discount,
        "gae_lambda": PPO_SETTINGS.trace,
        "learning_rate": PPO_SETTINGS.learning_rate,
        "ent_coef": PPO_SETTINGS.entropy_bonus,
        "max_grad_norm": PPO_SETTINGS.max_grad_norm,
        "clip_range": PPO_SETTINGS.clip,
    },
    "with its own": {"n_epochs": 10, "batch_size": 128},
}
"""Ours where it knows them, at their starting values; and its defaults, with our network's size and our trials."""


def run_ours(config: QuickstartConfig, seed: int, level: float, every: int = 1) -> Clock:
    """Train by the quickstart's recipe until the level is reached."""
    sizes = _sizes(config)
    held_out = HeldOut(config, seed)
    learner = ours.separate_critic(sizes, config.ppo, seed)
    greedy = learner.policy.acting("greedy")

    def after() -> None:
        if clock.look():
            raise Enough

    watched = Watched(learner, after)
    with torch_threads(config.threads):
        clock = Clock(lambda: held_out.score(greedy), level, every=every)
        with contextlib.suppress(Enough):
            train(
                watched,
                IndependentBandits(config.num_arms),
                BanditEnv(config.num_arms, config.num_pulls),
                TrainingConfig(config.iterations, config.trials_per_iteration, seed),
                progress=False,
            )
    return clock


def run_theirs(config: QuickstartConfig, seed: int, level: float, limit: float, their: dict[str, Any]) -> Clock:
    """Train sb3-contrib's learner on the same bandits until the level is reached or the limit is over."""
    from benchmarks import sb3

    sizes, held_out = _sizes(config), HeldOut(config, seed)
    with torch_threads(config.threads):
        model = sb3.recurrent_ppo(sizes, seed=seed, **their)
        player = sb3.Player(model)
        clock = Clock(lambda: held_out.score(player), level, limit)
        # cut off by the clock, not by a number of steps
        model.learn(10**12, callback=sb3.Between(clock.look), log_interval=None)
    return clock


def _sizes(config: QuickstartConfig) -> Sizes:
    return Sizes(
        config.num_arms,
        config.num_pulls,
        config.hidden_size,
        config.trials_per_iteration,
        config.ppo.minibatch_trials,
        config.ppo.epochs,
    )


def _timed(figure: Figure, clocks: Sequence[Clock], recipe: str) -> Measurement:
    median = statistics.median(clock.time for clock in clocks)
    reached = sum(clock.reached for clock in clocks)
    note = f"{reached} of {len(clocks)} seeds, median; {recipe}; {LOOKED}"
    if math.isinf(median):
        best = statistics.median(max(clock.scores) for clock in clocks)
        return figure.missing(f"not reached: {note}; the median of best scores is {best:.3f}")
    return figure.measured(median, note)


BENCHMARKS = (
    Benchmark("learning", f"seconds to 97% and 99% of the optimum, {SETTING}", (TO_97, TO_99), learning),
    Benchmark("learning-sb3", f"seconds to 90% beside sb3-contrib's, {SETTING}", (BESIDE_SB3,), learning_sb3),
)
