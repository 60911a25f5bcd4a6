"""What table 1 trains: in every cell a plain GRU twice, for every number of pulls a policy with one memory per arm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from itertools import product
from typing import Any, Literal, NamedTuple

from rl2lib.agents.bayes_optimal import BayesOptimal
from rl2lib.agents.gittins import FiniteHorizonGittins
from rl2lib.agents.linear_baseline import NUM_BANDIT_FEATURES, LinearBaseline, bandit_features
from rl2lib.agents.pair_memory import PairMemoryPolicy
from rl2lib.agents.recurrent import RecurrentPolicy
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.evaluation.choice import TaskCounts
from rl2lib.experiments.plan import Run, Scale, Stage
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.tasks.catalogue import Setting
from rl2lib.tasks.sampling import make_generator
from rl2lib.training.imitation import Imitation, ImitationConfig
from rl2lib.training.learner import Learner
from rl2lib.training.loop import TrainingConfig
from rl2lib.training.ppo import PPO, PPOConfig
from rl2lib.training.schedules import Schedule
from rl2lib.types import Policy, expect_kind

ID = "table1"
PULLS, ARMS = (10, 100, 500), (5, 10, 50)


class Cell(NamedTuple):
    """A cell of the table.

    Attributes:
        num_pulls: n.
        num_arms: k.
    """

    num_pulls: int
    num_arms: int

    @property
    def name(self) -> str:
        """What it is called in results and on the command line."""
        return f"n{self.num_pulls}_k{self.num_arms}"


CELLS = {cell.name: cell for cell in (Cell(n, k) for n, k in product(PULLS, ARMS))}
"""By name, short trials first."""
SMOKE_CELLS = (Cell(10, 5).name, Cell(100, 5).name, Cell(100, 10).name)


class Effort(NamedTuple):
    """How much is trained for one number of pulls.

    Attributes:
        hidden_size: of the plain GRU.
        trials: of an iteration.
        reinforce: iterations of PPO for the plain GRU.
        imitate: iterations of imitation for it.
        round: iterations of one round of the equivariant policy.
    """

    hidden_size: int
    trials: int
    reinforce: int
    imitate: int
    round: int


@dataclass(frozen=True)
class Size(TaskCounts):
    """How much is computed at a scale.

    Attributes:
        efforts: by number of pulls.
        arm_memory: hidden units of one arm's memory.
    """

    efforts: Mapping[int, Effort]
    arm_memory: int = 32


SIZES: dict[Scale, Size] = {
    "smoke": Size(
        {10: Effort(8, 16, 1, 1, 1), 100: Effort(8, 4, 1, 1, 1), 500: Effort(8, 2, 1, 1, 1)},
        4,
        test_tasks=64,
        validation_tasks=16,
    ),
    "laptop": Size(
        {10: Effort(64, 1024, 150, 60, 12), 100: Effort(128, 256, 100, 80, 12), 500: Effort(128, 64, 60, 80, 12)}
    ),
    # the paper's hidden units, and steps on the order of its own where trials are long
    "paper": Size(
        {10: Effort(256, 1024, 500, 200, 40), 100: Effort(256, 512, 2000, 500, 60), 500: Effort(256, 256, 800, 500, 60)}
    ),
}


def cells(scale: Scale) -> tuple[str, ...]:
    """Return the cells, short trials first."""
    return SMOKE_CELLS if scale == "smoke" else tuple(CELLS)


def setting(cell: Cell) -> Setting:
    """Return a cell's tasks and environment."""
    return Setting(IndependentBandits(cell.num_arms), BanditEnv(cell.num_arms, cell.num_pulls))


# --------------------------------------------------------------------------------------- what is trained


def runs(scale: Scale) -> list[Run]:
    """Return what is trained: in every cell a plain GRU twice, for every n an equivariant policy."""
    there = [CELLS[name] for name in cells(scale)]
    planned = []
    for num_pulls in PULLS:
        mine = [cell for cell in there if cell.num_pulls == num_pulls]
        if mine:
            planned.append(equivariant_run(num_pulls, tuple(cell.name for cell in mine), scale))
        for cell in mine:
            planned += [gru_run(cell, scale), imitation_run(cell, scale)]
    return planned


def gru_name(cell: Cell) -> str:
    """Return the name of RL² itself: a plain GRU, by PPO alone."""
    return f"gru-{cell.name}"


def imitation_name(cell: Cell) -> str:
    """Return the name of the same network by imitation of the best known policy alone: no reinforcement follows."""
    return f"imitation-{cell.name}"


def equivariant_name(num_pulls: int) -> str:
    """Return the name of one memory an arm: for each n one set of weights, for any number of arms."""
    return f"equivariant-n{num_pulls}"


def gru_run(cell: Cell, scale: Scale) -> Run:
    """Return the run of `gru_name`."""
    return Run(ID, gru_name(cell), (cell.name,), partial(_gru, cell, scale), partial(_reinforced, cell, scale))


def imitation_run(cell: Cell, scale: Scale) -> Run:
    """Return the run of `imitation_name`."""
    return Run(ID, imitation_name(cell), (cell.name,), partial(_gru, cell, scale), partial(_imitated, cell, scale))


def equivariant_run(num_pulls: int, played_in: tuple[str, ...], scale: Scale) -> Run:
    """Return the run of `equivariant_name`, which an experiment plays in some of its cells."""
    name = equivariant_name(num_pulls)
    return Run(ID, name, played_in, partial(_arms, num_pulls, scale), partial(_rounds, num_pulls, scale))


def _gru(cell: Cell, scale: Scale, seed: int) -> SoftmaxPolicy:
    hidden_size = SIZES[scale].efforts[cell.num_pulls].hidden_size
    return RecurrentPolicy((1,), cell.num_arms, hidden_size, generator=make_generator(seed, "weights"))


def _reinforced(cell: Cell, scale: Scale, policy: SoftmaxPolicy, seed: int) -> Iterator[Stage]:
    num_pulls, effort = cell.num_pulls, SIZES[scale].efforts[cell.num_pulls]
    iterations = effort.reinforce
    if cell.num_arms > num_pulls:  # every arm must be learned by itself, and a trial tells of few
        iterations *= 6
    training = TrainingConfig(iterations, effort.trials, seed, checkpoint_every=10)
    config = PPOConfig(
        discount=1.0,
        trace=0.95,
        minibatch_trials=128 if num_pulls == 10 else 64,
        learning_rate=3e-3,
        expected_rewards=True,
    )
    baseline = LinearBaseline(bandit_features, NUM_BANDIT_FEATURES, num_pulls)
    yield Stage(PPO(policy, baseline, config), setting(cell), training)


def _imitated(cell: Cell, scale: Scale, policy: SoftmaxPolicy, seed: int) -> Iterator[Stage]:
    effort = SIZES[scale].efforts[cell.num_pulls]
    config = ImitationConfig(epochs=2, minibatch_trials=max(1, min(64, effort.trials // 4)), learning_rate=5e-3)
    training = TrainingConfig(effort.imitate, effort.trials, seed, checkpoint_every=10)
    yield Stage(Imitation(policy, _teacher(cell), config), setting(cell), training)


@cache  # its tables take a second, and every stage asks
def _teacher(cell: Cell) -> Policy[Any]:
    if cell.num_pulls == 10:
        return BayesOptimal(cell.num_arms, cell.num_pulls)
    return FiniteHorizonGittins(cell.num_arms, cell.num_pulls)


def _arms(num_pulls: int, scale: Scale, seed: int) -> PairMemoryPolicy:
    generator = make_generator(seed, "weights")
    return PairMemoryPolicy(1, ARMS[-1], 1, num_pulls, SIZES[scale].arm_memory, generator=generator)


How = Literal["reinforce", "imitate"]


class Round(NamedTuple):
    """A part of the equivariant policy's training.

    Attributes:
        how: by PPO, or by imitation of the best known policy.
        num_arms: on how many arms.
        rate: the learning rate.
    """

    how: How
    num_arms: int
    rate: float


def _taking_turns(how: How, *turns: tuple[int, float]) -> tuple[Round, ...]:
    return tuple(Round(how, num_arms, rate) for num_arms, rate in turns)


ROUNDS: dict[int, tuple[Round, ...]] = {
    10: (
        *_taking_turns("reinforce", (5, 1e-2), (10, 1e-2), (50, 1e-2), (5, 5e-3), (10, 5e-3), (50, 3e-3)),
        *_taking_turns("reinforce", (5, 2e-3), (10, 2e-3), (50, 1e-3), (10, 1e-3), (5, 1e-3)),
    ),
    100: (
        *_taking_turns("reinforce", (10, 1e-2), (5, 5e-3), (50, 5e-3), (10, 3e-3), (5, 2e-3), (50, 2e-3)),
        *_taking_turns("reinforce", (10, 1e-3), (5, 5e-4), (50, 5e-4)),
    ),
    500: (
        *_taking_turns("imitate", (10, 1e-2), (50, 1e-2), (5, 5e-3), (50, 5e-3), (10, 3e-3), (5, 2e-3)),
        *_taking_turns("imitate", (50, 2e-3), (10, 1e-3), (5, 1e-3)),
        *_taking_turns("reinforce", (50, 5e-4), (10, 5e-4), (5, 5e-4)),
    ),
}
"""By number of pulls. Taking turns keeps one set of weights good for all; at 500 pulls imitation of the best known
policy comes first, which saves hours."""


def _rounds(num_pulls: int, scale: Scale, policy: SoftmaxPolicy, seed: int) -> Iterator[Stage]:
    policy = expect_kind("policy", policy, PairMemoryPolicy)
    effort = SIZES[scale].efforts[num_pulls]
    for number, (how, num_arms, rate) in enumerate(ROUNDS[num_pulls]):
        cell = Cell(num_pulls, num_arms)
        here = policy.for_actions(num_arms)
        learning_rate = Schedule(rate, rate, "constant")
        learner: Learner
        if how == "imitate":
            config = ImitationConfig(epochs=2, minibatch_trials=32, learning_rate=learning_rate)
            learner = Imitation(here, _teacher(cell), config)
        else:
            baseline = LinearBaseline(bandit_features, NUM_BANDIT_FEATURES, num_pulls)
            entropy = Schedule(0.01 * (1 - number / len(ROUNDS[num_pulls])), 0.0, "constant")
            long = num_pulls == 500  # fewer trials, and more steps in each
            learner = PPO(
                here,
                baseline,
                PPOConfig(
                    discount=1.0,
                    trace=0.95,
                    epochs=3 if long else 5,
                    minibatch_trials=32 if long else 128,
                    learning_rate=learning_rate,
                    expected_rewards=True,
                    entropy_bonus=entropy,
                ),
            )
        trials = effort.trials * (2 if num_pulls == 500 else 1)
        training = TrainingConfig(effort.round, trials, seed + 1000 * number, checkpoint_every=4)
        yield Stage(learner, setting(cell), training)
