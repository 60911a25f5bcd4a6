"""What table 1 trains: in every cell a plain GRU twice, for every number of pulls a policy with one memory per arm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from itertools import product
from typing import Any

from rl2lib.agents.bayes_optimal import BayesOptimal
from rl2lib.agents.gittins import FiniteHorizonGittins
from rl2lib.agents.linear_baseline import NUM_BANDIT_FEATURES, LinearBaseline, bandit_features
from rl2lib.agents.pair_memory import PairMemoryPolicy
from rl2lib.agents.recurrent import RecurrentPolicy
from rl2lib.agents.softmax_policy import SoftmaxPolicy
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
CELLS = tuple(f"n{n}_k{k}" for n, k in product(PULLS, ARMS))


@dataclass(frozen=True)
class Size:
    """How much is computed at a scale.

    Attributes:
        test_tasks: of a comparison.
        validation_tasks: of a baseline's search and of the choice between greedy and sampled actions.
        hidden_size: of the plain GRU, by number of pulls.
        trials: of an iteration, by number of pulls.
        reinforce: iterations of PPO for the plain GRU, by number of pulls.
        imitate: iterations of imitation for it.
        rounds: iterations of one round of the equivariant policy, by number of pulls.
        arm_memory: hidden units of one arm's memory.
    """

    test_tasks: int = 10_000
    validation_tasks: int = 1_000
    hidden_size: tuple[int, int, int] = (64, 128, 128)
    trials: tuple[int, int, int] = (1024, 256, 64)
    reinforce: tuple[int, int, int] = (150, 100, 60)
    imitate: tuple[int, int, int] = (60, 80, 80)
    rounds: tuple[int, int, int] = (12, 12, 12)
    arm_memory: int = 32


SIZES: dict[Scale, Size] = {
    "smoke": Size(64, 16, (8, 8, 8), (16, 4, 2), (1, 1, 1), (1, 1, 1), (1, 1, 1), 4),
    "laptop": Size(),
    # the paper's hidden units, and steps on the order of its own where trials are long
    "paper": Size(
        hidden_size=(256, 256, 256),
        trials=(1024, 512, 256),
        reinforce=(500, 2000, 800),
        imitate=(200, 500, 500),
        rounds=(40, 60, 60),
    ),
}
SMOKE_CELLS = ("n10_k5", "n100_k5")


def numbers(cell: str) -> tuple[int, int]:
    """Return n and k of a cell."""
    pulls, arms = cell.split("_")
    return int(pulls[1:]), int(arms[1:])


def cells(scale: Scale) -> tuple[str, ...]:
    """Return the cells, short trials first."""
    return SMOKE_CELLS if scale == "smoke" else CELLS


def setting(cell: str) -> Setting:
    """Return a cell's tasks and environment."""
    num_pulls, num_arms = numbers(cell)
    return Setting(IndependentBandits(num_arms), BanditEnv(num_arms, num_pulls))


# --------------------------------------------------------------------------------------- what is trained


def runs(scale: Scale) -> list[Run]:
    """Return what is trained: in every cell a plain GRU twice, for every n an equivariant policy."""
    there = cells(scale)
    planned = []
    for num_pulls in PULLS:
        mine = tuple(cell for cell in there if numbers(cell)[0] == num_pulls)
        if mine:
            planned.append(equivariant_run(num_pulls, mine, scale))
        for cell in mine:
            planned += [gru_run(cell, scale), imitation_run(cell, scale)]
    return planned


def gru_run(cell: str, scale: Scale) -> Run:
    """Return RL² itself: a plain GRU, by PPO alone."""
    return Run(ID, f"gru-{cell}", (cell,), partial(_gru, cell, scale), partial(_reinforced, cell, scale))


def imitation_run(cell: str, scale: Scale) -> Run:
    """Return the same network by imitation of the best known policy alone: no reinforcement follows."""
    return Run(ID, f"imitation-{cell}", (cell,), partial(_gru, cell, scale), partial(_imitated, cell, scale))


def equivariant_run(num_pulls: int, mine: tuple[str, ...], scale: Scale) -> Run:
    """Return one memory an arm: for each n one set of weights, for any number of arms."""
    return Run(
        ID, f"equivariant-n{num_pulls}", mine, partial(_arms, num_pulls, scale), partial(_rounds, num_pulls, scale)
    )


def _gru(cell: str, scale: Scale, seed: int) -> SoftmaxPolicy:
    num_pulls, num_arms = numbers(cell)
    hidden_size = _of(SIZES[scale].hidden_size, num_pulls)
    return RecurrentPolicy((1,), num_arms, hidden_size, generator=make_generator(seed, "weights"))


def _reinforced(cell: str, scale: Scale, policy: SoftmaxPolicy, seed: int) -> Iterator[Stage]:
    num_pulls, num_arms = numbers(cell)
    size = SIZES[scale]
    iterations = _of(size.reinforce, num_pulls)
    if num_arms > num_pulls:  # every arm must be learned by itself, and a trial tells of few
        iterations *= 6
    training = TrainingConfig(iterations, _of(size.trials, num_pulls), seed, checkpoint_every=10)
    config = PPOConfig(
        discount=1.0,
        trace=0.95,
        minibatch_trials=128 if num_pulls == 10 else 64,
        learning_rate=3e-3,
        expected_rewards=True,
    )
    baseline = LinearBaseline(bandit_features, NUM_BANDIT_FEATURES, num_pulls)
    yield Stage(PPO(policy, baseline, config), setting(cell), training)


def _imitated(cell: str, scale: Scale, policy: SoftmaxPolicy, seed: int) -> Iterator[Stage]:
    num_pulls, num_arms = numbers(cell)
    size = SIZES[scale]
    trials = _of(size.trials, num_pulls)
    config = ImitationConfig(epochs=2, minibatch_trials=max(1, min(64, trials // 4)), learning_rate=5e-3)
    training = TrainingConfig(_of(size.imitate, num_pulls), trials, seed, checkpoint_every=10)
    yield Stage(Imitation(policy, _teacher(num_arms, num_pulls), config), setting(cell), training)


@cache  # its tables take a second, and every stage asks
def _teacher(num_arms: int, num_pulls: int) -> Policy[Any]:
    if num_pulls == 10:
        return BayesOptimal(num_arms, num_pulls)
    return FiniteHorizonGittins(num_arms, num_pulls)


def _arms(num_pulls: int, scale: Scale, seed: int) -> PairMemoryPolicy:
    generator = make_generator(seed, "weights")
    return PairMemoryPolicy(1, ARMS[-1], 1, num_pulls, SIZES[scale].arm_memory, generator=generator)


Round = tuple[str, int, float]


def _taking_turns(how: str, *turns: tuple[int, float]) -> tuple[Round, ...]:
    return tuple((how, num_arms, rate) for num_arms, rate in turns)


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
"""By number of pulls: how, on how many arms, and at which learning rate each round learns. Taking turns keeps one set
of weights good for all; at 500 pulls imitation of the best known policy comes first, which saves hours."""


def _rounds(num_pulls: int, scale: Scale, policy: SoftmaxPolicy, seed: int) -> Iterator[Stage]:
    policy = expect_kind("policy", policy, PairMemoryPolicy)
    size = SIZES[scale]
    for number, (how, num_arms, rate) in enumerate(ROUNDS[num_pulls]):
        here = policy.for_actions(num_arms)
        learning_rate = Schedule(rate, rate, "constant")
        learner: Learner
        if how == "imitate":
            config = ImitationConfig(epochs=2, minibatch_trials=32, learning_rate=learning_rate)
            learner = Imitation(here, _teacher(num_arms, num_pulls), config)
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
        trials = _of(size.trials, num_pulls) * (2 if num_pulls == 500 else 1)
        training = TrainingConfig(_of(size.rounds, num_pulls), trials, seed + 1000 * number, checkpoint_every=4)
        yield Stage(learner, setting(f"n{num_pulls}_k{num_arms}"), training)


def _of(by_pulls: tuple[int, int, int], num_pulls: int) -> int:
    return by_pulls[PULLS.index(num_pulls)]
