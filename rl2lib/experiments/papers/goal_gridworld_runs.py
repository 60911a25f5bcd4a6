"""What the goal gridworld's experiment trains: agents of notebook 06, on three goals, on all, and on 18 of the 24."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.experiments import goal_gridworld as notebook
from rl2lib.experiments.goal_gridworld import ALL_CELLS, CORNERS, SIZE, GoalGridworldConfig, Kind, Learning
from rl2lib.experiments.plan import Run, Scale, Stage
from rl2lib.tasks.catalogue import Setting
from rl2lib.tasks.gridworld import GoalGrids, GridEnv
from rl2lib.tasks.sampling import make_generator
from rl2lib.training.loop import TrainingConfig
from rl2lib.training.ppo import PPO
from rl2lib.training.reinforce import Reinforce

ID = "goal-gridworld"
RECURRENT, TWIN = "Recurrent", "Non-recurrent twin"
KINDS: dict[str, Kind] = {RECURRENT: "recurrent", TWIN: "feedforward"}
FOLDS = 4
HELD_OUT = "_held_out"


class Group(NamedTuple):
    """What agents are trained on, and how.

    Attributes:
        goals: the training goals.
        learner: by which slow learner.
        short: with the chapter's budget instead of the notebook's.
    """

    goals: tuple[int, ...]
    learner: Learning
    short: bool = False


def fold(number: int) -> tuple[int, ...]:
    """Return the held-out goals of a fold; between them the folds hold out every cell but the start once."""
    order = notebook.shuffled_cells(0)
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
class Size:
    """How much is computed at a scale.

    Attributes:
        config: notebook 06's settings.
        short_iterations: of REINFORCE; by 20 trials each, 50 are the thousand of the chapter's exercise.
        test_tasks: at least so many, every goal equally often.
        validation_tasks: for the choice between greedy and sampled actions, on training goals.
    """

    config: GoalGridworldConfig
    short_iterations: int = 50
    test_tasks: int = 2_000
    validation_tasks: int = 500

    def trials(self, group: Group) -> int:
        """Return how many trials a group's agents learn from."""
        config = self.config
        if group.learner == "PPO":
            return config.ppo_iterations * config.ppo_trials
        return (self.short_iterations if group.short else config.reinforce_iterations) * config.reinforce_trials


SIZES: dict[Scale, Size] = {
    "smoke": Size(replace(notebook.SMOKE, ppo_iterations=1, ppo_trials=8, reinforce_iterations=1), 1, 24, 8),
    "laptop": Size(GoalGridworldConfig()),
    "paper": Size(GoalGridworldConfig(), test_tasks=10_000),  # the exercise has no larger size: more seeds and tasks
}
SMOKE_CELLS = (THREE[0], THREE[0] + HELD_OUT, ALL, FOLD_CELLS[0])


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
                make = partial(_policy, kind, scale), partial(_stages, name, kind, scale)
                planned.append(Run(ID, f"{name}-{kind}", own + also if agent == RECURRENT else own, *make))
    return planned


def _policy(kind: Kind, scale: Scale, seed: int) -> SoftmaxPolicy:
    return notebook.make_policy(kind, SIZES[scale].config.hidden_size, make_generator(seed, "weights"))


def _stages(name: str, kind: Kind, scale: Scale, policy: SoftmaxPolicy, seed: int) -> Iterator[Stage]:
    group, size = GROUPS[name], SIZES[scale]
    made: Any = notebook.make_learner(group.learner, kind, size.config, seed)  # for its baseline, of the same seed
    learner: PPO | Reinforce
    if group.learner == "PPO":
        trials, learner = size.config.ppo_trials, PPO(policy, made.baseline, size.config.ppo)
    else:
        trials, learner = size.config.reinforce_trials, Reinforce(policy, made.baseline, size.config.reinforce)
    training = TrainingConfig(size.trials(group) // trials, trials, seed, checkpoint_every=100)
    yield Stage(learner, Setting(GoalGrids(SIZE, tuple(sorted(group.goals))), GridEnv(SIZE)), training)
