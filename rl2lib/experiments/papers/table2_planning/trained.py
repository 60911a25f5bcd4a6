"""What is trained on chains and on nearly deterministic MDPs: four policies by PPO, one after imitation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

from rl2lib.agents.linear_baseline import NUM_MDP_FEATURES, LinearBaseline, mdp_features
from rl2lib.agents.optimism import BEB
from rl2lib.agents.pair_memory import PairMemoryPolicy
from rl2lib.agents.pair_messages import PairMessagesPolicy
from rl2lib.agents.planning import PlanningPolicy
from rl2lib.agents.posterior import Prior
from rl2lib.agents.recurrent import RecurrentPolicy
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.evaluation.choice import TaskCounts
from rl2lib.experiments.plan import Run, Scale, Stage
from rl2lib.tasks.catalogue import Setting, make_task
from rl2lib.tasks.sampling import make_generator
from rl2lib.tasks.tabular import TabularEnv
from rl2lib.training.imitation import Imitation, ImitationConfig
from rl2lib.training.loop import TrainingConfig
from rl2lib.training.ppo import PPO, PPOConfig
from rl2lib.training.schedules import Schedule
from rl2lib.types import expect_kind

ID = "table2-planning"
Kind = Literal["chain", "sparse"]


class Cell(NamedTuple):
    """MDPs of one kind, in trials of one length.

    Attributes:
        kind: what they are.
        episodes: of a trial.
    """

    kind: Kind
    episodes: int

    @property
    def name(self) -> str:
        """What it is called in results and on the command line."""
        return f"{self.kind}_n{self.episodes}"


CELLS = {cell.name: cell for cell in (Cell("chain", 10), Cell("sparse", 10), Cell("chain", 25), Cell("sparse", 25))}
"""By name, short trials first."""
TASKS: dict[Kind, Callable[..., Setting]] = {
    "chain": partial(make_task, "chain-mdps", num_states=5, num_actions=2),
    "sparse": partial(make_task, "random-mdps", num_states=10, num_actions=2, concentration=0.03),
}
PRIORS: dict[Kind, Prior] = {"chain": Prior(0.03, 2.0, 1 / 8), "sparse": Prior(0.03, 1.0)}
"""What the planners are told. The sparse MDPs are drawn from theirs; no such prior says what a chain is, and theirs
has the mean (2) and variance (8) of a chain's mean rewards, and transitions that are nearly deterministic."""
Network = Literal["messages", "planning", "pairs", "gru", "imitated"]
NETWORKS: tuple[Network, ...] = ("messages", "planning", "pairs", "gru")
"""Those that learn by PPO alone; "imitated" is the planner that imitates first."""
TEACHER_SCALINGS: dict[Kind, float] = {"chain": 1.6e-3, "sparse": 1e-4}
"""Of BEB, which plans again at every step: the best planner that is known, its scaling chosen on other MDPs."""
COLD = 0.1
"""The softmax's temperature where the planner imitates, and the reinforcement that follows.

At 1, where reinforcement alone starts, sampled actions are so noisy that PPO learns bonuses for a noisy planner: of an
imitated one it lowers the greedy score.
"""
FIRST = 10  # episodes of the trials that longer ones start from


@dataclass(frozen=True)
class Size(TaskCounts):
    """How much is computed at a scale.

    Attributes:
        trials: of an iteration.
        memory: hidden units of one state-action's memory.
        gru: hidden units of the plain policy.
        iterations: by network, on trials of ten episodes.
        longer: by network, on trials of the cell's length, where it is longer.
        imitate: iterations of imitation.
        refine: iterations of PPO after imitation.
    """

    trials: int
    memory: int
    gru: int
    iterations: Mapping[Network, int]
    longer: Mapping[Network, int]
    imitate: int
    refine: int


def _all(count: int) -> dict[Network, int]:
    return dict.fromkeys(NETWORKS, count)


SIZES: dict[Scale, Size] = {
    "smoke": Size(
        test_tasks=16,
        validation_tasks=8,
        trials=4,
        memory=4,
        gru=8,
        iterations=_all(1),
        longer=_all(1),
        imitate=1,
        refine=1,
    ),
    "laptop": Size(
        test_tasks=2_000,
        validation_tasks=200,
        trials=128,
        memory=24,
        gru=64,
        iterations={"messages": 60, "planning": 40, "pairs": 40, "gru": 60},
        longer=_all(12),
        imitate=20,
        refine=20,
    ),
    "paper": Size(
        test_tasks=10_000,
        validation_tasks=1_000,
        trials=512,
        memory=32,
        gru=256,
        iterations={**_all(400), "gru": 20_000},
        longer={**_all(200), "gru": 10_000},
        imitate=100,
        refine=100,
    ),
}
RATES: dict[Network, float] = {"messages": 1e-2, "planning": 5e-2, "pairs": 1e-2, "gru": 3e-3}


def cells(scale: Scale) -> tuple[str, ...]:
    """Return the cells, short trials first."""
    return tuple(CELLS)[:1] if scale == "smoke" else tuple(CELLS)


def setting(cell: Cell) -> Setting:
    """Return a cell's MDPs and environment."""
    return TASKS[cell.kind](episodes_per_trial=cell.episodes)


def runs(scale: Scale) -> list[Run]:
    """Return what is trained: in every cell four policies by PPO, and one that imitates first."""
    planned = []
    for name in cells(scale):
        cell = CELLS[name]
        ways: dict[Network, Callable[[SoftmaxPolicy, int], Iterator[Stage]]] = {
            **{network: partial(_stages, network, cell, scale) for network in NETWORKS},
            "imitated": partial(_imitated_stages, cell, scale),
        }
        planned += [
            Run(ID, run_name(network, cell), (name,), partial(_policy, network, cell, scale), stages)
            for network, stages in ways.items()
        ]
    return planned


def run_name(network: Network, cell: Cell) -> str:
    """Return the name of a cell's run."""
    return f"{network}-{cell.name}"


def _policy(network: Network, cell: Cell, scale: Scale, seed: int) -> SoftmaxPolicy:
    generator = make_generator(seed, "weights")
    size, (kind, episodes) = SIZES[scale], cell
    env = expect_kind("env", setting(cell).env, TabularEnv)
    sizes = env.num_states, env.num_actions, env.horizon, episodes
    if network == "messages":
        return PairMessagesPolicy(*sizes, size.memory, generator=generator)
    if network in ("planning", "imitated"):
        temperature = COLD if network == "imitated" else 1.0
        return PlanningPolicy(*sizes, prior=PRIORS[kind], update="step", temperature=temperature, generator=generator)
    if network == "pairs":
        return PairMemoryPolicy(*sizes, size.memory, generator=generator)
    return RecurrentPolicy((env.num_states,), env.num_actions, size.gru, generator=generator)


def _stages(network: Network, cell: Cell, scale: Scale, policy: SoftmaxPolicy, seed: int) -> Iterator[Stage]:
    """Short trials first, where the policy can be told of another length: they are cheap, and teach nearly all."""
    size, (kind, episodes) = SIZES[scale], cell
    short = policy.for_trials(FIRST) if isinstance(policy, PairMemoryPolicy) else policy
    rate = RATES[network]
    yield _stage(short, Cell(kind, FIRST), rate, 0.01, size.iterations[network], size.trials, seed)
    if episodes != FIRST:
        yield _stage(policy, cell, rate / 3, 0.003, size.longer[network], size.trials, seed + 1000)


def _imitated_stages(cell: Cell, scale: Scale, policy: SoftmaxPolicy, seed: int) -> Iterator[Stage]:
    """Imitate the best known planner; then go beyond it by PPO with small steps."""
    size, kind, where = SIZES[scale], cell.kind, setting(cell)
    env = expect_kind("env", where.env, TabularEnv)
    shape = env.num_states, env.num_actions, env.horizon
    teacher = BEB(*shape, TEACHER_SCALINGS[kind], PRIORS[kind], update="step")
    config = ImitationConfig(epochs=2, minibatch_trials=16, learning_rate=Schedule(3e-3, 3e-4))
    training = TrainingConfig(size.imitate, max(2, size.trials // 2), seed, checkpoint_every=20)
    yield Stage(Imitation(policy, teacher, config), where, training)
    yield _stage(policy, cell, 3e-3, 0.001, size.refine, size.trials, seed + 1000)


def _stage(
    policy: SoftmaxPolicy, cell: Cell, rate: float, entropy: float, iterations: int, trials: int, seed: int
) -> Stage:
    where = setting(cell)
    horizon, episodes = expect_kind("env", where.env, TabularEnv).horizon, cell.episodes
    baseline = LinearBaseline(partial(mdp_features, horizon=horizon), NUM_MDP_FEATURES, horizon * episodes)
    config = PPOConfig(
        discount=1.0,
        trace=0.95,
        learning_rate=rate,
        entropy_bonus=entropy,
        minibatch_trials=128 if episodes == FIRST else 64,
        expected_rewards=True,
    )
    return Stage(PPO(policy, baseline, config), where, TrainingConfig(iterations, trials, seed, checkpoint_every=20))
