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
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from benchmarks.measure import Benchmark, Figure, Measurement, Settings
from benchmarks.ours import Sizes, Watched, num_tasks, planned, ppo_config, shortened
from rl2lib.agents.bandit import Random
from rl2lib.agents.bayes_optimal import BayesOptimal
from rl2lib.evaluation.evaluate import evaluate, play
from rl2lib.experiments.papers.table1 import EXPERIMENT as TABLE1
from rl2lib.experiments.papers.table1.trained import Cell, gru_name
from rl2lib.experiments.plan import Stage
from rl2lib.experiments.quickstart import PPO_SETTINGS, QuickstartConfig, stage
from rl2lib.tasks.catalogue import Setting
from rl2lib.tasks.sampling import make_generators
from rl2lib.training.loop import torch_threads, train
from rl2lib.types import Policy

SETTING = "n=10, k=5"
NUM_PULLS, NUM_TASKS = QuickstartConfig.num_pulls, 10_000
CUT_OFF = 10.0
"""sb3-contrib is given this many times our wall time."""

PLAIN, TOLD = "sampled rewards", "critic told the task"
STAGES: dict[str, Callable[[int], Stage]] = {
    PLAIN: lambda seed: stage(QuickstartConfig(seed=seed)),
    TOLD: partial(planned, TABLE1, gru_name(Cell(10, 5))),
}
"""The quickstart's, and table 1's, of the same policy, a plain GRU. The second's critic sees what no policy may, and
learns from expected rewards; sb3's has no such way."""

TO_97 = {
    name: Figure(f"time to 97% of the optimum, {SETTING}, {name}", "s", 90.0, lower_is_better=True) for name in STAGES
}
TO_99 = Figure(f"time to 99% of the optimum, {SETTING}, {TOLD}", "s", 300.0, lower_is_better=True)
BESIDE_SB3 = Figure(f"time to 90% of the optimum, {SETTING}: sb3-contrib / ours, {TOLD}", "x", CUT_OFF)
BESIDE_SB3_PLAIN = Figure(f"time to 90% of the optimum, {SETTING}: sb3-contrib / ours, {PLAIN}", "x")


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

    def __init__(self, setting: Setting, seed: int, num_tasks: int) -> None:
        self.env, self.seed = setting.env, seed
        generator = make_generators(seed, "held-out tasks")["held-out tasks"]
        self.tasks = setting.distribution.sample(num_tasks, generator)
        num_arms = self.env.num_actions
        agents: dict[str, Policy[Any]] = {"random": Random(num_arms), "optimal": BayesOptimal(num_arms, NUM_PULLS)}
        bounds = evaluate(agents, self.env, self.tasks, seed=seed)
        self.random, self.optimal = bounds["random"].score.mean, bounds["optimal"].score.mean

    def score(self, policy: Policy[Any]) -> float:
        """Return a policy's normalised score."""
        trajectory = play(policy, self.env, self.tasks, seed=self.seed)
        mean = trajectory.trial_return(expected=True).double().mean().item()
        return (mean - self.random) / (self.optimal - self.random)


def learning(settings: Settings) -> list[Measurement]:
    """Time our way to 97% and 99%; the median of five seeds each."""
    plans = [(TO_97[PLAIN], 0.97, PLAIN), (TO_97[TOLD], 0.97, TOLD), (TO_99, 0.99, TOLD)]
    measurements = []
    for figure, level, name in plans:
        clocks = [run_ours(settings, name, seed, -1.0 if settings.quick else level) for seed in range(settings.repeats)]
        iterations = STAGES[name](0).training.iterations
        measurements.append(_timed(figure, clocks, f"GRU-64, {iterations} iterations planned"))
    return measurements


def learning_sb3(settings: Settings) -> list[Measurement]:
    """Give sb3-contrib ten times as long as we take to 90%, seed by seed, in two settings; the better one counts."""
    from benchmarks import sb3  # noqa: F401 - says at once if it is missing

    level = -1.0 if settings.quick else 0.9
    figures = {TOLD: BESIDE_SB3, PLAIN: BESIDE_SB3_PLAIN}
    ours_by_stage: dict[str, list[Clock]] = {name: [] for name in figures}
    theirs: dict[str, list[Clock]] = {name: [] for name in THEIR_SETTINGS}
    for seed in range(settings.repeats):
        for name, clocks in ours_by_stage.items():
            clocks.append(run_ours(settings, name, seed, level))
        limit = CUT_OFF * max(clocks[-1].seconds[-1] for clocks in ours_by_stage.values())
        for name, their in THEIR_SETTINGS.items():
            theirs[name].append(run_theirs(settings, seed, level, limit, their))
    return [_beside(figure, ours_by_stage[name], theirs) for name, figure in figures.items()]


def _beside(figure: Figure, our_clocks: list[Clock], theirs: dict[str, list[Clock]]) -> Measurement:
    """Return the median over seeds of their time by ours, each cut off at `CUT_OFF`, in their better setting."""
    if not all(clock.reached for clock in our_clocks):
        return figure.missing("we did not reach the level with every seed")
    medians = {}
    for name, clocks in theirs.items():
        ratios = [their.time / our.time for their, our in zip(clocks, our_clocks, strict=True)]
        medians[name] = statistics.median(min(ratio, CUT_OFF) for ratio in ratios)
    told = ", ".join(f"{name} {'at least ' if value >= CUT_OFF else ''}{value:.2g}x" for name, value in medians.items())
    ours_time = statistics.median(clock.time for clock in our_clocks)
    note = f"ours {ours_time:.3g} s, the median of {len(our_clocks)} seeds; theirs: {told}; {LOOKED}"
    best = min(medians.values())
    return figure.measured(best, f"at least: {note}" if best >= CUT_OFF else note)


LOOKED = f"greedy actions, expected reward, {NUM_TASKS:,} held-out bandits, time spent looking not counted, one thread"

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


def run_ours(settings: Settings, name: str, seed: int, level: float) -> Clock:
    """Train until the level is reached."""
    ours = shortened(settings, STAGES[name](seed))
    held_out = HeldOut(ours.setting, seed, num_tasks(settings, NUM_TASKS))
    greedy = ours.learner.policy.acting("greedy")

    def after() -> None:
        if clock.look():
            raise Enough

    watched = Watched(ours.learner, after)
    with torch_threads(1):
        clock = Clock(lambda: held_out.score(greedy), level)
        with contextlib.suppress(Enough):
            train(watched, *ours.setting, ours.training, progress=False)
    return clock


def run_theirs(settings: Settings, seed: int, level: float, limit: float, their: dict[str, Any]) -> Clock:
    """Train sb3-contrib's learner on the same bandits until the level is reached or the limit is over."""
    from benchmarks import sb3

    ours = shortened(settings, STAGES[PLAIN](seed))
    held_out = HeldOut(ours.setting, seed, num_tasks(settings, NUM_TASKS))
    sizes = Sizes(
        ours.setting.env.num_actions,
        NUM_PULLS,
        QuickstartConfig.hidden_size,
        ours.training.trials_per_iteration,
        ppo_config(ours).minibatch_trials,
        ppo_config(ours).epochs,
    )
    with torch_threads(1):
        model = sb3.recurrent_ppo(sizes, seed=seed, **their)
        player = sb3.Player(model)
        clock = Clock(lambda: held_out.score(player), level, limit)
        # cut off by the clock, not by a number of steps
        model.learn(10**12, callback=sb3.Between(clock.look), log_interval=None)
    return clock


def _timed(figure: Figure, clocks: Sequence[Clock], trained: str) -> Measurement:
    median = statistics.median(clock.time for clock in clocks)
    reached = sum(clock.reached for clock in clocks)
    note = f"{reached} of {len(clocks)} seeds, median; {trained}; {LOOKED}"
    if math.isinf(median):
        best = statistics.median(max(clock.scores) for clock in clocks)
        return figure.missing(f"not reached: {note}; the median of best scores is {best:.3f}")
    return figure.measured(median, note)


BENCHMARKS = (
    Benchmark("learning", f"seconds to 97% and 99% of the optimum, {SETTING}", (*TO_97.values(), TO_99), learning),
    Benchmark(
        "learning-sb3",
        f"seconds to 90% beside sb3-contrib's, {SETTING}",
        (BESIDE_SB3, BESIDE_SB3_PLAIN),
        learning_sb3,
    ),
)
