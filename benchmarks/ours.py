"""Our side of every comparison: the one place that knows where the library keeps its learners."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from benchmarks.measure import Settings
from rl2lib.agents.cores import GRU
from rl2lib.agents.recurrent import RecurrentActorCritic, RecurrentBaseline, RecurrentPolicy
from rl2lib.experiments.plan import Experiment, Stage
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.tasks.sampling import make_generators
from rl2lib.training.learner import Learner
from rl2lib.training.loop import TrainingConfig, train
from rl2lib.training.ppo import PPO, PPOConfig
from rl2lib.types import Trajectory, expect_kind

__all__ = [
    "GRU",
    "QUICK",
    "RecurrentPolicy",
    "Sizes",
    "Watched",
    "iterate",
    "num_tasks",
    "planned",
    "ppo_config",
    "separate_critic",
    "shared_critic",
    "shortened",
]


@dataclass(frozen=True)
class Sizes:
    """What is trained, on both sides of a comparison.

    Attributes:
        num_arms: K.
        num_pulls: n, the steps of a trial.
        hidden_size: H.
        trials: an iteration's.
        minibatch_trials: whole trials in a minibatch.
        epochs: of PPO.
    """

    num_arms: int = 10
    num_pulls: int = 100
    hidden_size: int = 256
    trials: int = 256
    minibatch_trials: int = 128
    epochs: int = 5

    @property
    def steps(self) -> int:
        """An iteration's environment steps."""
        return self.trials * self.num_pulls

    def __str__(self) -> str:
        return (
            f"k={self.num_arms}, n={self.num_pulls}, H={self.hidden_size}, {self.trials} trials an iteration, "
            f"{self.minibatch_trials} a minibatch, {self.epochs} epochs"
        )


QUICK = Sizes(num_arms=2, num_pulls=5, hidden_size=4, trials=4, minibatch_trials=2, epochs=1)


def separate_critic(sizes: Sizes, config: PPOConfig | None = None, seed: int = 0) -> PPO:
    """Return PPO with a critic network of its own."""
    generator = make_generators(seed, "weights")["weights"]
    shape = ((1,), sizes.num_arms, sizes.hidden_size)
    policy = RecurrentPolicy(*shape, generator=generator)
    return PPO(policy, RecurrentBaseline(*shape, generator=generator), _sized(sizes, config))


def shared_critic(sizes: Sizes, config: PPOConfig | None = None, seed: int = 0) -> PPO:
    """Return PPO whose policy and critic are two heads of one network."""
    generator = make_generators(seed, "weights")["weights"]
    network = RecurrentActorCritic((1,), sizes.num_arms, sizes.hidden_size, generator=generator)
    return PPO(network, None, _sized(sizes, config))


def iterate(learner: Learner, sizes: Sizes, seed: int, iterations: int = 1) -> None:
    """Train for some iterations, play and learning together, on the bandits that the seed draws."""
    distribution, env = IndependentBandits(sizes.num_arms), BanditEnv(sizes.num_arms, sizes.num_pulls)
    train(learner, distribution, env, TrainingConfig(iterations, sizes.trials, seed), progress=False)


def planned(experiment: Experiment, name: str, seed: int) -> Stage:
    """Return the one stage of a run of a paper's experiment, as a laptop trains it."""
    (run,) = [run for run in experiment.runs("laptop") if run.name == name]
    (stage,) = run.stages(run.policy(seed), seed)
    return stage


def shortened(settings: Settings, stage: Stage) -> Stage:
    """Return a stage of PPO, or a few trials of it in a hurry."""
    if not settings.quick:
        return stage
    learner = expect_kind("learner", stage.learner, PPO)
    quick = PPO(learner.policy, learner.baseline, replace(ppo_config(stage), epochs=1))
    return stage._replace(learner=quick, training=TrainingConfig(2, 8))


def ppo_config(stage: Stage) -> PPOConfig:
    """Return the settings of a stage's PPO."""
    return expect_kind("config", stage.learner.config, PPOConfig)


def num_tasks(settings: Settings, whole: int) -> int:
    """Return the number of held-out tasks, or a fiftieth of it in a hurry."""
    return whole // 50 if settings.quick else whole


class Watched:
    """A learner that calls `after` when it has learned from a batch; for `train`, it is the learner itself."""

    def __init__(self, learner: Learner, after: Callable[[], None]) -> None:
        self.learner, self.after = learner, after
        self.policy, self.config = learner.policy, learner.config
        self.modules: dict[str, nn.Module] = learner.modules
        self.optimisers: dict[str, torch.optim.Optimizer] = learner.optimisers

    def update(
        self, trajectory: Trajectory, tasks: Any, *, progress: float, generator: torch.Generator
    ) -> dict[str, float]:
        """Learn, then call `after`."""
        metrics = self.learner.update(trajectory, tasks, progress=progress, generator=generator)
        self.after()
        return metrics


def _sized(sizes: Sizes, config: PPOConfig | None) -> PPOConfig:
    return replace(config or PPOConfig(), epochs=sizes.epochs, minibatch_trials=sizes.minibatch_trials)
