"""What the goal gridworld's experiment trains: agents on three goals, on all, and on 18 of the 24.

Notebook 06 plays with the runs of the laptop scale; its agents for other numbers of goals are trained in
`goal_generalisation`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, NamedTuple

import torch

from rl2lib.agents.feedforward import FeedForwardPolicy
from rl2lib.agents.recurrent import RecurrentBaseline, RecurrentPolicy
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.evaluation.choice import TaskCounts
from rl2lib.experiments.plan import Run, Scale, Stage
from rl2lib.tasks.catalogue import Setting
from rl2lib.tasks.gridworld import GoalGrids, GridEnv, corner_goals
from rl2lib.tasks.sampling import make_generator
from rl2lib.training.loop import TrainingConfig
from rl2lib.training.ppo import PPO, PPOConfig
from rl2lib.training.reinforce import Reinforce, ReinforceConfig

Kind = Literal["recurrent", "feedforward"]
Learning = Literal["PPO", "REINFORCE"]

ID = "goal-gridworld"
SIZE = 5
CORNERS = corner_goals(SIZE)
ALL_CELLS = tuple(range(1, SIZE * SIZE))
RECURRENT, TWIN = "Recurrent", "Non-recurrent twin"
KINDS: dict[str, Kind] = {RECURRENT: "recurrent", TWIN: "feedforward"}
FOLDS = 4
HELD_OUT = "_held_out"


REINFORCE_SETTINGS = ReinforceConfig(discount=1.0, learning_rate=3e-3, baseline_learning_rate=3e-3)
PPO_SETTINGS = PPOConfig(
    discount=1.0, trace=0.9, epochs=3, minibatch_trials=64, learning_rate=4e-3, baseline_learning_rate=4e-3
)


class Group(NamedTuple):
    """What agents are trained on, and how.

    Attributes:
        goals: the training goals.
        learner: by which slow learner.
        short: with the chapter's budget instead of ten times as much.
    """

    goals: tuple[int, ...]
    learner: Learning
    short: bool = False


def shuffled_cells(seed: int) -> list[int]:
    """Return all 24 cells but the start in an order of their own for each seed.

    The first k are training goals, the last ones are held out.
    """
    generator = make_generator(seed, "order of cells")
    return [ALL_CELLS[i] for i in torch.randperm(len(ALL_CELLS), generator=generator).tolist()]


def fold(number: int) -> tuple[int, ...]:
    """Return the held-out goals of a fold; between them the folds hold out every cell but the start once."""
    order = shuffled_cells(0)
    size = len(order) // FOLDS
    return tuple(sorted(order[number * size : (number + 1) * size]))


FOLD_CELLS = tuple(f"18_goals_{'abcd'[number]}" for number in range(FOLDS))
THREE = ("3_goals_reinforce_short", "3_goals_reinforce_long", "3_goals_ppo")
ALL = "24_goals_ppo"
GROUPS: dict[str, Group] = {
    THREE[0]: Group(CORNERS, "REINFORCE", short=True),
    THREE[1]: Group(CORNERS, "REINFORCE"),
    THREE[2]: Group(CORNERS, "PPO"),
    ALL: Group(ALL_CELLS, "PPO"),
} | {
    name: Group(tuple(cell for cell in ALL_CELLS if cell not in fold(number)), "PPO")
    for number, name in enumerate(FOLD_CELLS)
}


@dataclass(frozen=True)
class Size(TaskCounts):
    """How much is computed at a scale.

    Attributes:
        hidden_size: H, of every network.
        ppo: iterations, and trials in each.
        reinforce: the same of REINFORCE.
        reinforce_short: iterations with the chapter's budget; by 20 trials each, 50 are its thousand.
        epochs: PPO's passes over an iteration's trials.
    """

    hidden_size: int = 32
    ppo: tuple[int, int] = (150, 128)
    reinforce: tuple[int, int] = (500, 20)
    reinforce_short: int = 50
    epochs: int = 3

    def training(self, group: Group) -> tuple[int, int]:
        """Return a group's iterations, and the trials of each."""
        if group.learner == "PPO":
            return self.ppo
        iterations, trials = self.reinforce
        return (self.reinforce_short if group.short else iterations), trials

    def trials(self, group: Group) -> int:
        """Return how many trials a group's agents learn from."""
        iterations, trials = self.training(group)
        return iterations * trials


SIZES: dict[Scale, Size] = {
    "smoke": Size(8, (1, 8), (1, 20), 1, 1, test_tasks=24, validation_tasks=8),
    "laptop": Size(test_tasks=2_000, validation_tasks=500),
    "paper": Size(validation_tasks=500),  # the exercise has no larger size: more seeds and tasks
}
"""At least so many test tasks, every goal equally often; validation tasks have training goals."""
SMOKE_CELLS = (*THREE, THREE[0] + HELD_OUT, ALL, *FOLD_CELLS[:3])


def cells(scale: Scale) -> tuple[str, ...]:
    """Return the cells: by training, on its own goals and on held-out ones; then the four folds."""
    if scale == "smoke":
        return SMOKE_CELLS
    return (*(cell + suffix for cell in THREE for suffix in ("", HELD_OUT)), ALL, *FOLD_CELLS)


# --------------------------------------------------------------------------------------- what is trained


def runs(scale: Scale) -> list[Run]:
    """Return what is trained: recurrent policies and their twins, of the folds the recurrent ones alone."""
    there, planned = cells(scale), []
    for name in GROUPS:
        own = tuple(cell for cell in (name, name + HELD_OUT) if cell in there)
        # who met every cell in training plays in every fold too
        also = tuple(cell for cell in FOLD_CELLS if cell in there) if name == ALL else ()
        for agent, kind in KINDS.items():
            if own and not (agent == TWIN and name in FOLD_CELLS):
                make = partial(policy_of, kind, scale), partial(_stages, name, kind, scale)
                planned.append(Run(ID, f"{name}-{kind}", own + also if agent == RECURRENT else own, *make))
    return planned


def networks(kind: Kind, hidden_size: int, seed: int) -> tuple[SoftmaxPolicy, RecurrentBaseline]:
    """Return an untrained policy for the grid, recurrent or its twin without a state, and a recurrent baseline."""
    generator = make_generator(seed, "weights")
    make: Callable[..., SoftmaxPolicy] = RecurrentPolicy if kind == "recurrent" else FeedForwardPolicy
    policy = make((SIZE * SIZE,), 4, hidden_size, generator=generator)
    return policy, RecurrentBaseline((SIZE * SIZE,), 4, hidden_size, generator=generator)


def policy_of(kind: Kind, scale: Scale, seed: int) -> SoftmaxPolicy:
    """Return an untrained policy."""
    return networks(kind, SIZES[scale].hidden_size, seed)[0]


def stage_of(group: Group, kind: Kind, scale: Scale, policy: SoftmaxPolicy, seed: int) -> Stage:
    """Return the one stage of a run: a group's learner on a goal drawn evenly from the group's."""
    size, baseline = SIZES[scale], networks(kind, SIZES[scale].hidden_size, seed)[1]
    learner: PPO | Reinforce
    if group.learner == "PPO":
        learner = PPO(policy, baseline, replace(PPO_SETTINGS, epochs=size.epochs))
    else:
        learner = Reinforce(policy, baseline, REINFORCE_SETTINGS)
    training = TrainingConfig(*size.training(group), seed, checkpoint_every=100)
    return Stage(learner, Setting(GoalGrids(SIZE, tuple(sorted(group.goals))), GridEnv(SIZE)), training)


def _stages(name: str, kind: Kind, scale: Scale, policy: SoftmaxPolicy, seed: int) -> Iterator[Stage]:
    yield stage_of(GROUPS[name], kind, scale, policy, seed)
