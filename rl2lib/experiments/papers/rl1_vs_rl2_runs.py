"""What is trained for figure 2 of Alver & Precup 2021: notebook 07's RL² and RL¹, and both by the paper's A2C."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

from rl2lib.agents.recurrent import RecurrentPolicy
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.experiments import rl1_vs_rl2 as notebook
from rl2lib.experiments.plan import Run, Scale, Stage
from rl2lib.experiments.rl1_vs_rl2 import BANDIT, CORRIDOR, RL1, RL2, Cell, Rl1VsRl2Config
from rl2lib.tasks.catalogue import Setting
from rl2lib.tasks.sampling import make_generator
from rl2lib.training.a2c import A2C, A2CConfig
from rl2lib.training.loop import TrainingConfig
from rl2lib.training.ppo import PPO
from rl2lib.training.schedules import Schedule
from rl2lib.types import Trajectory

ID = "rl1-vs-rl2"
CELLS = ("bandit", "corridor_d5", "corridor_d10")
HALF_LENGTH = {"corridor_d5": 5, "corridor_d10": 10}
PPO_VARIANT, A2C_VARIANT = "PPO", "A2C, the paper's table"


@dataclass(frozen=True)
class Size:
    """How much is computed at a scale.

    Attributes:
        config: of the agents and their training, as notebook 07 has it.
        bandit_tasks: test tasks of the bandit, both equally often.
        corridor_tasks: of the corridors.
        runs: trainings of each agent; the paper's are 20.
        a2c_iterations: of A2C with the paper's table, bandit and corridor; 0: not trained.
    """

    config: Rl1VsRl2Config
    bandit_tasks: int = 10_000
    corridor_tasks: int = 2_000
    runs: int = 20
    a2c_iterations: tuple[int, int] = (0, 0)


_SMOKE_CORRIDOR = notebook.Recipe(1, replace(notebook.CORRIDOR_PPO, epochs=1, minibatch_trials=4), 4)
SIZES: dict[Scale, Size] = {
    "smoke": Size(replace(notebook.SMOKE, num_pulls=10, corridor=_SMOKE_CORRIDOR), 16, 4, 2, (1, 1)),
    "laptop": Size(Rl1VsRl2Config()),
    "paper": Size(Rl1VsRl2Config(), a2c_iterations=(1_500, 6_000)),
}


def constant(rate: float) -> Schedule:
    """Return a learning rate that stays: the paper's table has one number, and no word of a schedule."""
    return Schedule(rate, rate, "constant")


A2C_TABLE = {
    BANDIT: A2CConfig(
        0.8,
        learning_rate=constant(1e-3),
        baseline_learning_rate=constant(1e-3),
        entropy_bonus=constant(0.001),
        max_grad_norm=1.0,
    ),
    CORRIDOR: A2CConfig(
        0.9,
        learning_rate=constant(1e-4),
        baseline_learning_rate=constant(1e-4),
        entropy_bonus=constant(0.01),
        max_grad_norm=5.0,
    ),
}
"""Table 1 of the paper's appendix, without its weight of the value loss: the critic is a network of its own."""


def cells(scale: Scale) -> tuple[str, ...]:
    """Return the cells: the bandit, and the corridor in both sizes that fit the published number."""
    return CELLS


def place_of(cell: str) -> str:
    """Return a cell's environment."""
    return BANDIT if cell == "bandit" else CORRIDOR


def config_of(cell: str, scale: Scale) -> Rl1VsRl2Config:
    """Return notebook 07's settings, with the corridor as long as the cell says."""
    return replace(SIZES[scale].config, half_length=HALF_LENGTH.get(cell, 1))


# --------------------------------------------------------------------------------------- what is trained


class Plan(NamedTuple):
    """One agent of a cell, by one learner: what its run is named and made from."""

    cell: str
    agent: str
    variant: str

    @property
    def name(self) -> str:
        """The run's."""
        return f"{'rl2' if self.agent == RL2 else 'rl1'}-{'a2c-' if self.variant == A2C_VARIANT else ''}{self.cell}"


def plans(cell: str, scale: Scale) -> list[Plan]:
    """Return who is trained for a cell; A2C where the scale has it, and the paper's size of corridor is no matter."""
    with_a2c = SIZES[scale].a2c_iterations[0] and cell != "corridor_d10"
    variants = [PPO_VARIANT, A2C_VARIANT] if with_a2c else [PPO_VARIANT]
    return [Plan(cell, agent, variant) for variant in variants for agent in (RL2, RL1)]


def runs(scale: Scale) -> list[Run]:
    """Return what is trained: both agents in every cell, as often as the paper did."""
    size = SIZES[scale]
    return [
        Run(
            ID,
            plan.name,
            (cell,),
            partial(policy_of, plan, scale),
            partial(stages_of, plan, scale),
            size.runs,
        )
        for cell in CELLS
        for plan in plans(cell, scale)
    ]


def watch(trajectory: Trajectory, tasks: Any, iteration: int) -> dict[str, float]:
    """Note the length of trials and the share of goals found, for the run's history."""
    return notebook.measure(trajectory)


def policy_of(plan: Plan, scale: Scale, seed: int) -> RecurrentPolicy:
    """Return an untrained agent; of one seed the same weights as in notebook 07."""
    config = config_of(plan.cell, scale)
    _, env, _ = notebook.build(Cell(place_of(plan.cell), plan.agent, 1), config)
    return notebook.new_policy(env, plan.agent, config.hidden_size, make_generator(seed, "weights"))


def stages_of(plan: Plan, scale: Scale, policy: SoftmaxPolicy, seed: int) -> Iterator[Stage]:
    """Yield the one stage of a run: notebook 07's recipe, or A2C with the paper's table."""
    config, place = config_of(plan.cell, scale), place_of(plan.cell)
    distribution, env, recipe = notebook.build(Cell(place, plan.agent, 1), config)
    baseline = notebook.new_learner(env, plan.agent, config.hidden_size, recipe.ppo, seed).baseline
    learner: PPO | A2C
    iterations = recipe.iterations
    if plan.variant == A2C_VARIANT:
        learner = A2C(policy, baseline, A2C_TABLE[place])
        iterations = SIZES[scale].a2c_iterations[place == CORRIDOR]
    else:
        learner = PPO(policy, baseline, recipe.ppo)
    training = TrainingConfig(iterations, recipe.trials_per_iteration, seed, checkpoint_every=max(1, iterations // 4))
    yield Stage(learner, Setting(distribution, env), training, watch)
