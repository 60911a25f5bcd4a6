"""What is trained on two arms: one agent a distribution, and one that sees no rewards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from torch import Tensor

from rl2lib.agents.linear_baseline import NUM_BANDIT_FEATURES, LinearBaseline, bandit_features
from rl2lib.agents.masked import MaskedPolicy
from rl2lib.agents.recurrent import RecurrentPolicy
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.evaluation.choice import TaskCounts
from rl2lib.experiments.plan import Run, Scale, Stage
from rl2lib.tasks.bandit import EASY, HARD, MEDIUM, UNIFORM, BanditEnv, DependentBandits, IndependentBandits
from rl2lib.tasks.catalogue import Setting
from rl2lib.tasks.sampling import make_generator
from rl2lib.training.loop import TrainingConfig
from rl2lib.training.ppo import PPO, PPOConfig
from rl2lib.types import TaskDistribution

ID = "dependent-bandits"
TWO_ARMS: dict[str, TaskDistribution[Tensor]] = {
    "independent": IndependentBandits(2),
    "uniform": UNIFORM,
    "easy": EASY,
    "medium": MEDIUM,
    "hard": HARD,
}
"""What agents are trained on, and tested on, by name."""
CELLS = tuple(TWO_ARMS)
TIED = tuple(name for name in CELLS if isinstance(TWO_ARMS[name], DependentBandits))
BLIND = "easy, without rewards"
"""What was withheld from one more agent, as a control: "performance was at chance"."""


LEARNER = PPOConfig(discount=1.0, trace=0.95, minibatch_trials=128, learning_rate=2e-3, expected_rewards=True)


@dataclass(frozen=True)
class Size(TaskCounts):
    """How much is computed at a scale.

    Attributes:
        num_pulls: of a trial.
        hidden_size: of the GRU.
        iterations: of PPO.
        trials: of an iteration.
    """

    num_pulls: int = 100
    hidden_size: int = 48
    iterations: int = 120
    trials: int = 512


SIZES: dict[Scale, Size] = {
    "smoke": Size(12, 4, 1, 16, test_tasks=64, validation_tasks=16),
    "laptop": Size(test_tasks=20_000, validation_tasks=4_000),
    "paper": Size(iterations=500, test_tasks=20_000, validation_tasks=4_000),
}


def setting(cell: str, scale: Scale) -> Setting:
    """Return a cell's tasks and environment."""
    return Setting(TWO_ARMS[cell], BanditEnv(2, SIZES[scale].num_pulls))


def runs(scale: Scale) -> list[Run]:
    """Return one agent a distribution, which all cells need, and the one that sees no rewards."""
    planned = [Run(ID, f"gru-{cell}", CELLS, partial(_gru, scale), partial(_reinforced, cell, scale)) for cell in CELLS]
    blind = Run(ID, "gru-easy-blind", ("easy",), partial(_blind, scale), partial(_reinforced, "easy", scale))
    return [*planned, blind]


def _gru(scale: Scale, seed: int) -> SoftmaxPolicy:
    return RecurrentPolicy((1,), 2, SIZES[scale].hidden_size, generator=make_generator(seed, "weights"))


def _blind(scale: Scale, seed: int) -> SoftmaxPolicy:
    return MaskedPolicy((1,), 2, SIZES[scale].hidden_size, hides=("reward",), generator=make_generator(seed, "weights"))


def _reinforced(cell: str, scale: Scale, policy: SoftmaxPolicy, seed: int) -> Iterator[Stage]:
    size = SIZES[scale]
    # solved for at once: a recurrent critic would first have to learn what is at stake
    baseline = LinearBaseline(bandit_features, NUM_BANDIT_FEATURES, size.num_pulls)
    training = TrainingConfig(size.iterations, size.trials, seed, checkpoint_every=60)
    yield Stage(PPO(policy, baseline, LEARNER), setting(cell, scale), training)


def trained_on(name: str) -> str:
    """Return the variant of the agent that was trained on a distribution."""
    return f"trained on {name}"
