"""What is trained to navigate: one LSTM for each size of the rooms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from rl2lib.agents.grid_baseline import GridBaseline
from rl2lib.agents.recurrent import RecurrentPolicy
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.evaluation.choice import TaskCounts
from rl2lib.experiments.plan import Run, Scale, Stage
from rl2lib.tasks.catalogue import Setting, make_task
from rl2lib.tasks.gridworld import GridEnv
from rl2lib.tasks.sampling import make_generator
from rl2lib.training.loop import TrainingConfig
from rl2lib.training.ppo import PPO, PPOConfig
from rl2lib.types import expect_kind

ID = "one-shot-navigation"
NUM_EPISODES = 5


@dataclass(frozen=True)
class Course:
    """A cell: a grid, and how long an agent learns there.

    Attributes:
        size: the grid's side.
        horizon: of an episode when everybody is measured.
        hidden_size: H of the LSTM.
        training_horizon: of an episode in training, shorter: an agent that has lost its way learns little more.
        training_episodes: of a trial in training.
        iterations: of PPO.
        trials: an iteration.
    """

    size: int
    horizon: int
    hidden_size: int
    training_horizon: int
    training_episodes: int
    iterations: int
    trials: int = 128

    @property
    def name(self) -> str:
        """What the cell is called in results and on the command line."""
        return f"{self.size}x{self.size}"


@dataclass(frozen=True)
class Size(TaskCounts):
    """How much is computed at a scale.

    Attributes:
        courses: the cells.
    """

    courses: tuple[Course, ...]


SIZES: dict[Scale, Size] = {
    "smoke": Size((Course(5, 12, 8, 6, 2, 1, 8),), test_tasks=16, validation_tasks=8),
    "laptop": Size(
        (Course(7, 100, 64, 50, 4, 150), Course(11, 200, 96, 100, 3, 300)), test_tasks=2_000, validation_tasks=500
    ),
    "paper": Size(
        (Course(7, 100, 128, 100, 5, 500), Course(11, 200, 256, 200, 5, 1500)), test_tasks=2_000, validation_tasks=500
    ),
}


def cells(scale: Scale) -> tuple[str, ...]:
    """Return the grids, the small one first."""
    return tuple(course.name for course in SIZES[scale].courses)


def course_of(cell: str, scale: Scale) -> Course:
    """Return a cell's course."""
    return next(course for course in SIZES[scale].courses if course.name == cell)


def setting(course: Course, *, training: bool = False) -> Setting:
    """Return a course's tasks and environment."""
    horizon, trial = (course.training_horizon, course.training_episodes) if training else (course.horizon, NUM_EPISODES)
    return make_task(ID, size=course.size, horizon=horizon, episodes_per_trial=trial)


def runs(scale: Scale) -> list[Run]:
    """Return the one agent of each cell."""
    return [
        Run(ID, run_name(cell), (cell,), partial(_policy, cell, scale), partial(_stages, cell, scale))
        for cell in cells(scale)
    ]


def run_name(cell: str) -> str:
    """Return the name of a cell's run."""
    return f"lstm-{cell}"


def _policy(cell: str, scale: Scale, seed: int) -> SoftmaxPolicy:
    course = course_of(cell, scale)
    env = setting(course).env
    generator = make_generator(seed, "weights")
    return RecurrentPolicy(env.observation_shape, env.num_actions, course.hidden_size, generator=generator, core="lstm")


def _stages(cell: str, scale: Scale, policy: SoftmaxPolicy, seed: int) -> Iterator[Stage]:
    course = course_of(cell, scale)
    distribution, env = setting(course, training=True)
    baseline = GridBaseline(expect_kind("env", env, GridEnv), generator=make_generator(seed, "baseline"))
    config = PPOConfig(
        discount=0.98,
        trace=0.9,
        epochs=5,
        minibatch_trials=64,
        learning_rate=6e-3,
        baseline_learning_rate=1e-2,
        entropy_bonus=0.04,  # with less it settles early on a search that leaves rooms out
    )
    training = TrainingConfig(course.iterations, course.trials, seed, checkpoint_every=25)
    yield Stage(PPO(policy, baseline, config), Setting(distribution, env), training)
