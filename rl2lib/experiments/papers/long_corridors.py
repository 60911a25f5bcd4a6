"""Corridors so long that the goal is hardly ever found: what a sparse reward stops, and what it does not.

Alver & Precup 2021 (section 5) put failures with sparse rewards down to the belief, which cannot be updated without
them. Here each episode lasts as long as an agent with the exact belief needs, and that agent finds the goal always;
what lacks rewards is the outer loop.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from torch import Tensor

from rl2lib.agents.bandit import Random
from rl2lib.agents.belief_optimal import CorridorOptimal, CorridorOracle
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.evaluation.evaluate import Player, compare
from rl2lib.evaluation.rows import Measured
from rl2lib.experiments.papers.rl1_vs_rl2 import trained as shared
from rl2lib.experiments.papers.rl1_vs_rl2.trained import CORRIDOR_PPO, RL2, networks
from rl2lib.experiments.plan import Claim, Experiment, Run, Scale, Stage, Trained
from rl2lib.experiments.verdicts import Verdict
from rl2lib.tasks.catalogue import Setting
from rl2lib.tasks.pomdp import CorridorEnv, Corridors
from rl2lib.training.loop import TrainingConfig
from rl2lib.training.ppo import PPO
from rl2lib.types import Trajectory

if TYPE_CHECKING:
    from matplotlib.figure import Figure


ID = "long-corridors"
HALF_LENGTH = {f"d{half_length}": half_length for half_length in (5, 10, 20, 30)}
SMOKE_CELLS = ("d5", "d10")
OPTIMAL, ORACLE, RANDOM = "Optimal", "Told the task", "Random"


@dataclass(frozen=True)
class Size:
    """How much is computed at a scale.

    Attributes:
        iterations: of PPO.
        trials: of an iteration.
        runs: trainings for each length.
        test_tasks: both equally often.
    """

    iterations: int = 60
    trials: int = 16
    runs: int = 3
    test_tasks: int = 1_000


SIZES: dict[Scale, Size] = {"smoke": Size(1, 8, 2, 8), "laptop": Size(), "paper": Size(iterations=600, runs=20)}


def cells(scale: Scale) -> tuple[str, ...]:
    """Return the lengths, the shortest first."""
    return SMOKE_CELLS if scale == "smoke" else tuple(HALF_LENGTH)


def setting(cell: str) -> Setting:
    """Return a cell's tasks and environment; an episode lasts 3 d steps: to one end, and back to the other."""
    return Setting(Corridors(), CorridorEnv(HALF_LENGTH[cell], 3 * HALF_LENGTH[cell]))


def runs(scale: Scale) -> list[Run]:
    """Return RL², once for each length."""
    return [
        Run(ID, f"rl2-{cell}", (cell,), partial(_policy, cell, scale), partial(_stages, cell, scale), SIZES[scale].runs)
        for cell in cells(scale)
    ]


def _policy(cell: str, scale: Scale, seed: int) -> SoftmaxPolicy:
    return networks(setting(cell).env, shared.SIZES[scale].hidden_size, seed)[0]


def _stages(cell: str, scale: Scale, policy: SoftmaxPolicy, seed: int) -> Iterator[Stage]:
    size = SIZES[scale]
    baseline = networks(setting(cell).env, shared.SIZES[scale].hidden_size, seed)[1]
    learner = PPO(policy, baseline, replace(CORRIDOR_PPO, epochs=shared.SIZES[scale].epochs))
    training = TrainingConfig(size.iterations, size.trials, seed, checkpoint_every=max(1, size.iterations // 4))
    yield Stage(learner, setting(cell), training, shared.watch)


# --------------------------------------------------------------------------------------- who plays


def found(trajectory: Trajectory) -> Tensor:
    """Return the share of a trial's episodes [B] that ended at the goal."""
    return 1 - trajectory.timed_out.sum(dim=1).double() / trajectory.episode_end.sum(dim=1)


def measure(cell: str, scale: Scale, trained: Trained) -> Measured:
    """Play everybody on both tasks, equally often; RL² by its likeliest actions."""
    half_length, env = HALF_LENGTH[cell], setting(cell).env
    policies = [policy.acting("greedy") for policy in trained.policies(f"rl2-{cell}")]
    players = [
        Player(RANDOM, [Random(2)]),
        Player(OPTIMAL, [CorridorOptimal(half_length, horizon=3 * half_length)]),
        Player(ORACLE, [CorridorOracle(half_length)]),
        Player(RL2, policies, seeds=len(policies)),
    ]
    tasks = shared.both_tasks(shared.CORRIDOR, SIZES[scale].test_tasks)
    return Measured(compare(ID, cell, players, env, tasks, seed=1, score=found, ceiling=1.0).rows)


# --------------------------------------------------------------------------------------- what is shown and claimed


def draw(measured: Measured) -> Figure:
    """Draw what every run finds, and what a random walk and the belief do, against the corridor's length."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
    there = measured.cells()
    for name, marker in ((OPTIMAL, "s"), (RANDOM, "^")):
        axes.plot(range(len(there)), [measured.row(cell, name).mean for cell in there], marker=marker, label=name)
    for place, cell in enumerate(there):
        values = measured.row(cell, RL2).every_seed
        label = f"{RL2}, every run" if place == 0 else None
        axes.plot([place] * len(values), values, "o", color="C2", alpha=0.6, label=label)
    axes.set(xlabel="half-length d", ylabel="share of episodes that find the goal", ylim=(-0.03, 1.06))
    axes.set_xticks(range(len(there)), [str(HALF_LENGTH[cell]) for cell in there])
    axes.legend()
    return figure


def _belief_suffices(measured: Measured) -> Verdict:
    """Whether the agent with the exact belief finds the goal in every episode, at every length."""
    shares = {cell: measured.row(cell, OPTIMAL).mean for cell in measured.cells()}
    evidence = ", ".join(f"{cell}: {share:.2f}" for cell, share in shares.items())
    return Verdict("matched" if min(shares.values()) == 1 else "not reached", evidence)


def _short_is_learned(measured: Measured) -> Verdict:
    """Whether every run finds the goal always in the shortest corridor."""
    return _every_run(measured, measured.cells()[:1], always=True)


def _long_is_not(measured: Measured) -> Verdict:
    """Whether no run does in the two longest ones."""
    there = [cell for cell in ("d20", "d30") if cell in measured.cells()]
    if not there:
        raise KeyError("d20 and d30")
    return _every_run(measured, there, always=False)


def _every_run(measured: Measured, there: Sequence[str], *, always: bool) -> Verdict:
    values = {cell: measured.row(cell, RL2).every_seed for cell in there}
    shown = all((share == 1) == always for shares in values.values() for share in shares)
    evidence = "; ".join(f"{cell}: {', '.join(f'{s:.2f}' for s in shares)}" for cell, shares in values.items())
    return Verdict("matched" if shown else "not reached", evidence)


EXPERIMENT = Experiment(
    id=ID,
    title="Corridors too long to stumble on the goal",
    source="Alver & Precup 2021, section 5, on failures with sparse rewards",
    about=(
        "The corridor of rl1-vs-rl2 with d steps from the start to an end, for d of 5, 10, 20 and 30; an episode lasts "
        "3d steps, just enough to try one end and then the other. The share of episodes, two a trial, in which the "
        "goal is found; RL² by its likeliest actions. LSTM of 48 units, PPO, 60 iterations of 16 trials. An agent that "
        "always walks to the same end finds 0.50; one that does, waits there and goes straight to the other end in "
        "the second episode, 0.75."
    ),
    cells=cells,
    runs=runs,
    measure=measure,
    draw=draw,
    alt=(
        "Share of episodes that find the goal against the corridor's half-length. The belief-optimal agent finds it "
        "always; a random walk hardly ever in the long ones; runs of RL² stand at 1, 0.75 or 0.5."
    ),
    claims=(
        Claim(
            "Whoever has the exact belief finds the goal in every episode, however long the corridor.", _belief_suffices
        ),
        Claim("At the shortest length every run of RL² does, too.", _short_is_learned),
        Claim(
            "At d = 20 and 30, after as much training, none does: rewards are scarce in the outer loop.", _long_is_not
        ),
    ),
    unit="share of episodes",
)
