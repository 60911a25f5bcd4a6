"""A short training run for the tests of the loop; as a script, one to be killed: short_run.py FOLDER ITERATIONS."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rl2lib.agents.bandit import Thompson
from rl2lib.agents.baseline import FittedBaseline
from rl2lib.agents.recurrent import RecurrentActorCritic, RecurrentBaseline, RecurrentPolicy
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.training.a2c import A2C, A2CConfig
from rl2lib.training.imitation import Imitation, ImitationConfig
from rl2lib.training.learner import Learner
from rl2lib.training.loop import TrainingConfig, TrainingRun, train
from rl2lib.training.ppo import PPO, PPOConfig
from rl2lib.training.reinforce import Reinforce, ReinforceConfig
from rl2lib.training.schedules import Schedule
from rl2lib.training.trpo import TRPO, FirstOrderTRPO, FirstOrderTRPOConfig, TRPOConfig
from rl2lib.types import StepInput


class MeanBaseline(FittedBaseline):
    """Fitted in closed form: each step's mean target, plus a slope in the best arm's mean, which it must be shown."""

    sees_task = True

    def __init__(self, num_steps: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_steps))
        self.register_buffer("slope", torch.zeros(num_steps))
        self.mean: Tensor
        self.slope: Tensor

    def values(self, inputs: StepInput, tasks: Any = None) -> Tensor:
        return self.mean + self.slope * (tasks.amax(dim=1, keepdim=True) - 0.5)

    def fit(self, inputs: StepInput, tasks: Any, target: Tensor, mask: Tensor) -> None:
        best = tasks.amax(dim=1, keepdim=True) - 0.5
        self.slope.copy_(((best - best.mean()) * target).mean(dim=0) / best.var(correction=0))
        self.mean.copy_(target.mean(dim=0) - self.slope * best.mean())


def _ppo(networks: tuple[Any, ...], **settings: Any) -> PPO:
    return PPO(*networks, PPOConfig(epochs=2, minibatch_trials=8, **settings))


MAKERS: dict[str, Callable[[Any, Any, Any, float], Learner]] = {
    "ppo": lambda p, b, shared, rate: _ppo((p, b), learning_rate=rate),
    "ppo, shared core": lambda p, b, shared, rate: _ppo(
        (shared, None), learning_rate=Schedule(rate, rate / 10, "cosine"), bptt_steps=2
    ),
    "ppo, fitted baseline": lambda p, b, shared, rate: _ppo(
        (p, MeanBaseline(4)), learning_rate=rate, expected_rewards=True
    ),
    "reinforce": lambda p, b, shared, rate: Reinforce(p, b, ReinforceConfig(learning_rate=rate)),
    "a2c": lambda p, b, shared, rate: A2C(p, b, A2CConfig(learning_rate=rate, optimiser="rmsprop")),
    "a2c, shared core": lambda p, b, shared, rate: A2C(shared, None, A2CConfig(learning_rate=rate)),
    "trpo": lambda p, b, shared, rate: TRPO(p, b, TRPOConfig(minibatch_trials=8, chunk_trials=12)),
    "first-order trpo": lambda p, b, shared, rate: FirstOrderTRPO(
        p, b, FirstOrderTRPOConfig(learning_rate=rate, minibatch_trials=8)
    ),
    "imitation": lambda p, b, shared, rate: Imitation(
        p, Thompson(3), ImitationConfig(learning_rate=rate, minibatch_trials=8)
    ),
    "cloning": lambda p, b, shared, rate: Imitation(
        p, Thompson(3), ImitationConfig(player="teacher", learning_rate=rate, epochs=2)
    ),
}
KINDS = list(MAKERS)


def make_learner(kind: str = "ppo", learning_rate: float = 1e-2, seed: int = 0) -> Learner:
    generator = torch.Generator().manual_seed(seed)
    policy = RecurrentPolicy((1,), 3, 8, generator=generator)
    baseline = RecurrentBaseline((1,), 3, 8, generator=generator)
    shared = RecurrentActorCritic((1,), 3, 8, generator=generator)
    return MAKERS[kind](policy, baseline, shared, learning_rate)


def short_run(
    learner: Learner,
    iterations: int,
    folder: Path | None = None,
    *,
    seed: int = 0,
    every: int = 1,
    progress: bool = False,
    threads: int = 1,
) -> TrainingRun:
    config = TrainingConfig(iterations, trials_per_iteration=20, seed=seed, checkpoint_every=every)
    return train(
        learner,
        IndependentBandits(3),
        BanditEnv(3, 4),
        config,
        folder=folder,
        threads=threads,
        progress=progress,
    )


if __name__ == "__main__":
    short_run(make_learner(), int(sys.argv[2]), Path(sys.argv[1]))
