"""A short training run for the tests of the loop; as a script, one to be killed: short_run.py FOLDER ITERATIONS."""

import sys
from pathlib import Path

import torch

from rl2lib.agents.recurrent import RecurrentBaseline, RecurrentPolicy
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.training.learner import Learner
from rl2lib.training.loop import TrainingConfig, TrainingRun, train
from rl2lib.training.ppo import PPO, PPOConfig
from rl2lib.training.reinforce import Reinforce, ReinforceConfig


def make_learner(kind: str = "ppo", learning_rate: float = 1e-2, seed: int = 0) -> Learner:
    generator = torch.Generator().manual_seed(seed)
    policy = RecurrentPolicy((1,), 3, 8, generator=generator)
    baseline = RecurrentBaseline((1,), 3, 8, generator=generator)
    if kind == "ppo":
        config = PPOConfig(epochs=2, minibatch_trials=8, learning_rate=learning_rate)
        return PPO(policy, baseline, config)
    return Reinforce(policy, baseline, ReinforceConfig(learning_rate=learning_rate))


def short_run(
    learner: Learner,
    iterations: int,
    folder: Path | None = None,
    *,
    seed: int = 0,
    every: int = 1,
    progress: bool = False,
) -> TrainingRun:
    config = TrainingConfig(iterations, trials_per_iteration=20, seed=seed, checkpoint_every=every)
    return train(
        learner,
        IndependentBandits(3),
        BanditEnv(3, 4),
        config,
        folder=folder,
        threads=1,
        progress=progress,
    )


if __name__ == "__main__":
    short_run(make_learner(), int(sys.argv[2]), Path(sys.argv[1]))
