"""What table 2 trains: in every cell a memory per state-action in two ways, and a plain GRU."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

from rl2lib.agents.linear_baseline import NUM_MDP_FEATURES, LinearBaseline, mdp_features
from rl2lib.agents.optimism import TransitionBlind
from rl2lib.agents.pair_memory import PairMemoryPolicy
from rl2lib.agents.recurrent import RecurrentPolicy
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.evaluation.choice import TaskCounts
from rl2lib.experiments.plan import Run, Scale, Stage
from rl2lib.tasks.catalogue import Setting, make_task
from rl2lib.tasks.sampling import make_generator
from rl2lib.training.imitation import Imitation, ImitationConfig
from rl2lib.training.loop import TrainingConfig
from rl2lib.training.ppo import PPO, PPOConfig
from rl2lib.training.schedules import Schedule
from rl2lib.types import expect_kind

ID = "table2"


CELLS = {f"n{num_episodes}": num_episodes for num_episodes in (10, 25, 50, 75, 100)}
"""By name the episodes of a trial, n; short trials first."""
Network = Literal["pairs", "imitated", "gru"]
"""A memory per state-action by PPO alone; the same after imitation of the best known rule; a plain GRU by PPO alone."""
FIRST = 10  # episodes of the trials that every memory per state-action learns on first
TEACHER_WIDTHS = {10: 0.8, 25: 1.2, 50: 1.6, 75: 1.6, 100: 1.6}
"""By number of episodes, the width of the transition-blind rule that is imitated, chosen on other MDPs."""


@dataclass(frozen=True)
class Size(TaskCounts):
    """How much is computed at a scale.

    Attributes:
        hidden_size: of the plain GRU.
        steps: that the plain GRU is trained for, in thousands of a trial's steps.
        pair_memory: hidden units of one state-action's memory.
        first: iterations on trials of `FIRST` episodes.
        then: iterations on trials of the cell's length.
        imitate: iterations of imitation, on short trials and on trials of the cell's length.
        refine: iterations of PPO after imitation.
        trials: of an iteration.
    """

    hidden_size: int = 128
    steps: int = 1_500
    pair_memory: int = 24
    first: int = 50
    then: int = 50
    imitate: tuple[int, int] = (40, 20)
    refine: int = 60
    trials: int = 256


SIZES: dict[Scale, Size] = {
    "smoke": Size(
        test_tasks=8,
        validation_tasks=4,
        hidden_size=8,
        steps=1,
        pair_memory=4,
        first=1,
        then=1,
        imitate=(1, 1),
        refine=1,
        trials=4,
    ),
    "laptop": Size(test_tasks=2_000, validation_tasks=200),
    "paper": Size(
        test_tasks=10_000,
        validation_tasks=1_000,
        hidden_size=256,
        steps=500_000,
        pair_memory=32,
        first=200,
        then=200,
        imitate=(100, 50),
        refine=300,
        trials=512,
    ),
}


def cells(scale: Scale) -> tuple[str, ...]:
    """Return the cells, short trials first."""
    return tuple(CELLS)[:1] if scale == "smoke" else tuple(CELLS)


def setting(num_episodes: int) -> Setting:
    """Return the MDPs, and the environment of trials of this many episodes."""
    return make_task("random-mdps", episodes_per_trial=num_episodes)


def runs(scale: Scale) -> list[Run]:
    """Return what is trained in every cell: a memory per state-action in two ways, and a plain GRU."""
    planned = []
    for cell in cells(scale):
        n = CELLS[cell]
        pairs = partial(_pairs, n, scale)
        planned += [
            Run(ID, run_name("pairs", cell), (cell,), pairs, partial(_pairs_stages, n, scale)),
            Run(ID, run_name("imitated", cell), (cell,), pairs, partial(_imitated_stages, n, scale)),
            Run(ID, run_name("gru", cell), (cell,), partial(_gru, scale), partial(_gru_stages, n, scale)),
        ]
    return planned


def run_name(network: Network, cell: str) -> str:
    """Return the name of a cell's run."""
    return f"{network}-{cell}"


def _pairs(num_episodes: int, scale: Scale, seed: int) -> SoftmaxPolicy:
    generator = make_generator(seed, "weights")
    return PairMemoryPolicy(10, 5, 10, num_episodes, SIZES[scale].pair_memory, generator=generator)


def _pairs_stages(num_episodes: int, scale: Scale, policy: SoftmaxPolicy, seed: int) -> Iterator[Stage]:
    """Short trials first: they are cheap, and what is learned there is nearly right for long ones."""
    policy = expect_kind("policy", policy, PairMemoryPolicy)
    size = SIZES[scale]
    yield _stage(policy.for_trials(FIRST), FIRST, 1e-2, 0.01, size.first, size.trials, seed)
    if num_episodes != FIRST:
        yield _stage(policy, num_episodes, 5e-3, 0.003, size.then, _trials(num_episodes, size), seed + 1000)


def _imitated_stages(num_episodes: int, scale: Scale, policy: SoftmaxPolicy, seed: int) -> Iterator[Stage]:
    """Imitate the best known rule, short trials first; then go beyond it by PPO with small steps."""
    policy = expect_kind("policy", policy, PairMemoryPolicy)
    size = SIZES[scale]
    teacher = TransitionBlind(10, 5, 10, TEACHER_WIDTHS[num_episodes])
    parts = ((FIRST, size.imitate[0], Schedule(1e-2, 3e-3)), (num_episodes, size.imitate[1], Schedule(3e-3, 3e-4)))
    for number, (length, iterations, rate) in enumerate(parts):
        trials = _trials(length, size)
        config = ImitationConfig(epochs=2, minibatch_trials=max(1, trials // 8), learning_rate=rate)
        training = TrainingConfig(iterations, trials, seed + 1000 * number, checkpoint_every=max(1, 100 // length))
        yield Stage(Imitation(policy.for_trials(length), teacher, config), setting(length), training)
    yield _stage(policy, num_episodes, 1e-3, 0.001, size.refine, _trials(num_episodes, size), seed + 2000)


def _trials(num_episodes: int, size: Size) -> int:
    """Trials of an iteration: as many steps for every n above 25."""
    return max(2, size.trials * 25 // max(25, num_episodes))


def _gru(scale: Scale, seed: int) -> SoftmaxPolicy:
    return RecurrentPolicy((10,), 5, SIZES[scale].hidden_size, generator=make_generator(seed, "weights"))


def _gru_stages(num_episodes: int, scale: Scale, policy: SoftmaxPolicy, seed: int) -> Iterator[Stage]:
    size = SIZES[scale]
    trials = max(2, min(size.trials, 25_600 // (10 * num_episodes)))
    iterations = max(1, size.steps * 1000 // (trials * 10 * num_episodes))
    yield _stage(policy, num_episodes, 3e-3, 0.01, iterations, trials, seed)


def _stage(
    policy: SoftmaxPolicy, num_episodes: int, rate: float, entropy: float, iterations: int, trials: int, seed: int
) -> Stage:
    baseline = LinearBaseline(partial(mdp_features, horizon=10), NUM_MDP_FEATURES, 10 * num_episodes)
    config = PPOConfig(
        discount=1.0,
        trace=0.95,
        minibatch_trials=max(16, 128 // max(1, num_episodes // 25)),
        learning_rate=rate,
        entropy_bonus=Schedule(entropy),
        expected_rewards=True,
    )
    training = TrainingConfig(iterations, trials, seed, checkpoint_every=max(1, 100 // num_episodes))
    return Stage(PPO(policy, baseline, config), setting(num_episodes), training)
