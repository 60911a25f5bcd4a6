"""The probe ladder: five tiny training tasks in rising order, each of which fails for a reason of its own.

A learning curve that does not rise says that something is wrong, and not what. So climb from the bottom: the
first rung that fails names the suspect, because everything that it needs and the rungs below do not is little.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from rl2lib.agents.recurrent import RecurrentBaseline, RecurrentPolicy
from rl2lib.tasks.bandit import TWO_POINT, BanditEnv, IndependentBandits
from rl2lib.tasks.sampling import make_generator
from rl2lib.training.learner import Learner
from rl2lib.training.loop import DivergenceError, TrainingConfig, train
from rl2lib.training.reinforce import Reinforce, ReinforceConfig
from rl2lib.types import Step, TaskDistribution, TrialEnv

MakeLearner = Callable[[tuple[int, ...], int, torch.Generator], Learner]
"""Makes a fresh learner from an observation's shape, the number of actions, and a generator for its weights."""


@dataclass(frozen=True)
class Tapes:
    """Tasks that are tapes of fair bits, one bit for every step of a trial.

    Attributes:
        num_steps: T.
    """

    num_steps: int

    def sample(self, num_tasks: int, generator: torch.Generator) -> Tensor:
        """Draw tapes [num_tasks, T] of 0. and 1."""
        shape = (num_tasks, self.num_steps)
        return torch.randint(2, shape, generator=generator, device=generator.device).to(torch.float32)


class TapeEnv:
    """A trial along a tape: each step shows one bit, takes one of two actions, pays by a rule, ends an episode.

    Args:
        num_steps: T.
        pays: the rule, from whether this action names this step's bit, and whether the action before named
            its own (both [B] bool; the latter false at the first step), to the reward [B].
    """

    num_actions = 2
    observation_shape: tuple[int, ...] = (1,)

    def __init__(self, num_steps: int, pays: Callable[[Tensor, Tensor], Tensor]) -> None:
        self.num_steps, self.pays = num_steps, pays

    def reset(self, tasks: Tensor, generator: torch.Generator) -> Tensor:
        """Start at the head of each tape [B, T]; return the first bits [B, 1]."""
        self._tapes, self._age = tasks, 0
        self._named = torch.zeros_like(tasks[:, 0], dtype=torch.bool)
        return tasks[:, :1]

    def step(self, actions: Tensor) -> Step:
        """Take actions [B]."""
        named = actions == self._tapes[:, self._age]
        reward = self.pays(named, self._named).to(torch.float32)
        self._age, self._named = self._age + 1, named
        ended = torch.ones_like(named)
        last = ended if self._age == self.num_steps else ~ended
        shown = self._tapes[:, min(self._age, self.num_steps - 1), None]
        return Step(shown, reward, ended, ~ended, last, reward)


@dataclass(frozen=True)
class Probe:
    """One rung: what to train on, what to reach, and whom to suspect where it is not reached.

    Attributes:
        name: the task in a word or two.
        proves: what a learner that passes must have right.
        suspects: where to look if it fails while every rung below passes.
        distribution: what tasks are drawn from.
        env: what they are played in.
        config: the length of training; the seed comes from `climb`.
        target: the score to reach.
        metric: "trial_return", which must come up to the target, or another value of the history, which must
            come down to it. The score is its mean over the last tenth of training.
        best: the best possible score.
    """

    name: str
    proves: str
    suspects: str
    distribution: TaskDistribution[Any]
    env: TrialEnv[Any]
    config: TrainingConfig
    target: float
    best: float
    metric: str = "trial_return"


@dataclass(frozen=True)
class Rung:
    """How one probe went; `score` is None where the learner keeps no such value, `diverged` what stopped it."""

    probe: Probe
    score: float | None
    passed: bool
    seconds: float
    diverged: str = ""

    @property
    def found(self) -> str:
        """What was measured, and what was wanted."""
        if self.diverged:
            return self.diverged
        if self.score is None:
            return f"no {self.probe.metric} to measure ({self.seconds:.1f} s)"
        bound = "at least" if self.probe.metric == "trial_return" else "at most"
        name = self.probe.metric.replace("_", " ")
        return f"{name} {self.score:.2f}, {bound} {self.probe.target:g} wanted ({self.seconds:.1f} s)"

    def __str__(self) -> str:
        line = f"{'✓' if self.passed else '✗'} {self.probe.name:<24}{self.found}"
        return line if self.passed else f"{line}\n  suspect: {self.probe.suspects}"


LADDER: tuple[Probe, ...] = (
    Probe(
        name="constant reward",
        proves="the loop runs, and the baseline finds the number of steps that are left",
        suspects="the baseline: its loss (sign, axes, mask), its optimiser, its learning rate, and whether its "
        "target is the return from each step to the end of the trial.",
        distribution=Tapes(4),
        env=TapeEnv(4, lambda named, named_before: torch.ones_like(named)),
        config=TrainingConfig(150, 64),
        target=0.05,
        best=0.0,
        metric="baseline_loss",
    ),
    Probe(
        name="a bit of the input",
        proves="the policy reads its observation and moves towards what pays at once",
        suspects="the policy's loss and its sign; whether its optimiser holds the policy's weights and is stepped; "
        "whether log-probabilities belong to the actions taken; whether the observation reaches the network.",
        distribution=Tapes(4),
        env=TapeEnv(4, lambda named, named_before: named),
        config=TrainingConfig(100, 64),
        target=3.6,
        best=4.0,
    ),
    Probe(
        name="the last action's echo",
        proves="credit reaches back over the end of an episode",
        suspects="the returns: cut at episode ends, running backwards in time, or discounted away; an action that "
        "pays only in the next episode earns no credit then.",
        distribution=Tapes(4),
        env=TapeEnv(4, lambda named, named_before: named_before),
        config=TrainingConfig(100, 64),
        target=2.7,
        best=3.0,
    ),
    Probe(
        name="two-point bandit",
        proves="the policy reads which arm it pulled and what that paid, and carries it through the trial",
        suspects="the policy's input first: previous reward and previous action, of one step ago, the same when "
        "acting and when unrolled. Then its state: made afresh inside the trial, or unrolled from another start "
        "than it acted from.",
        distribution=TWO_POINT,
        env=BanditEnv(2, 10),
        config=TrainingConfig(150, 64),
        target=9.2,
        best=9.5,
    ),
    Probe(
        name="ten pulls",
        proves="the optimiser copes with luck: arms that pay by chance, and five of them",
        suspects="the state, if the return stays near 5.5 (what staying after a win and moving after a loss earns, "
        "without memory). Otherwise the noise of the gradient: no baseline, or one that is learned too slowly; too "
        "few trials an iteration; a learning rate too high (the return falls back to 5) or too low (it still rises).",
        distribution=IndependentBandits(5),
        env=BanditEnv(5, 10),
        config=TrainingConfig(300, 512),
        target=6.0,
        best=6.66,
    ),
)
"""The five probes, easiest first."""


def climb(
    make_learner: MakeLearner,
    probes: Sequence[Probe] = LADDER,
    *,
    seed: int = 0,
    progress: bool | None = None,
    threads: int | None = None,
) -> list[Rung]:
    """Train a fresh learner on every probe, and stop after the first that fails: what lies above needs it too.

    Args:
        make_learner: called once a rung.
        probes: the rungs, easiest first.
        seed: of weights, tasks and luck.
        progress: show a line a rung; None: if somebody is watching.
        threads: torch's threads; None leaves them alone.

    Returns:
        one `Rung` a probe, the failed one last; `print` each of them.
    """
    rungs: list[Rung] = []
    for probe in probes:
        rungs.append(_try(make_learner, probe, seed, progress, threads))
        if not rungs[-1].passed:
            break
    return rungs


def reinforce(observation_shape: tuple[int, ...], num_actions: int, generator: torch.Generator) -> Learner:
    """Make the library's REINFORCE with a recurrent baseline, which climbs the whole ladder."""
    policy = RecurrentPolicy(observation_shape, num_actions, 32, generator=generator)
    baseline = RecurrentBaseline(observation_shape, num_actions, 32, generator=generator)
    return Reinforce(policy, baseline, ReinforceConfig(1.0, learning_rate=0.01, baseline_learning_rate=0.01))


def _try(make_learner: MakeLearner, probe: Probe, seed: int, progress: bool | None, threads: int | None) -> Rung:
    generator = make_generator(seed, "weights")
    learner = make_learner(probe.env.observation_shape, probe.env.num_actions, generator)
    config = TrainingConfig(probe.config.iterations, probe.config.trials_per_iteration, seed)
    started = time.perf_counter()
    try:
        run = train(learner, probe.distribution, probe.env, config, progress=progress, threads=threads)
    except DivergenceError as error:
        return Rung(probe, None, False, time.perf_counter() - started, str(error))
    values = run.history.get(probe.metric, [])[-max(config.iterations // 10, 1) :]
    score = sum(values) / len(values) if values else None
    reached = score is None or (score >= probe.target if probe.metric == "trial_return" else score <= probe.target)
    return Rung(probe, score, reached, time.perf_counter() - started)
