"""What is trained for figure 2 of Alver & Precup 2021: RL² and RL¹ by clipped PPO, and both by the paper's A2C.

The paper's LSTM of 48 units, its discounts and entropy weights. Notebook 07 plays with the runs of the laptop scale;
what else it needs of these networks is trained in `belief_input` and `long_corridors`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from rl2lib.agents.forgetful import ForgetfulPolicy, Forgets
from rl2lib.agents.recurrent import RecurrentBaseline, RecurrentPolicy
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.experiments.plan import Run, Scale, Stage
from rl2lib.tasks.bandit import TWO_POINT, BanditEnv
from rl2lib.tasks.catalogue import Setting
from rl2lib.tasks.pomdp import CorridorEnv, Corridors
from rl2lib.tasks.sampling import make_generator
from rl2lib.tasks.views import RevealedTask
from rl2lib.training.a2c import A2C, A2CConfig
from rl2lib.training.loop import TrainingConfig
from rl2lib.training.ppo import PPO, PPOConfig
from rl2lib.training.schedules import Schedule
from rl2lib.types import Trajectory, TrialEnv

ID = "rl1-vs-rl2"
BANDIT, CORRIDOR, LONG_CORRIDOR = CELLS = ("bandit", "corridor_d5", "corridor_d10")
HALF_LENGTH = {CORRIDOR: 5, LONG_CORRIDOR: 10}
NUM_PULLS = 10
RL2, RL1 = "RL²", "RL¹"
RUN_NAMES = {RL2: "rl2", RL1: "rl1"}
PPO_VARIANT, A2C_VARIANT = "PPO", "A2C, the paper's table"
SNAPSHOTS: dict[Scale, tuple[int, ...]] = {"smoke": (1,), "laptop": (5, 15), "paper": ()}
"""Iterations after which the weights of RL²'s first run are kept, to be looked at in notebook 07."""

BANDIT_PPO = PPOConfig(0.8, minibatch_trials=32, learning_rate=5e-3, baseline_learning_rate=5e-3, entropy_bonus=0.001)
CORRIDOR_PPO = replace(BANDIT_PPO, discount=0.9, trace=0.9, entropy_bonus=0.01)


@dataclass(frozen=True)
class Size:
    """How much is computed at a scale.

    Attributes:
        hidden_size: H of the LSTMs.
        bandit: PPO's iterations on the bandit, and trials in each.
        corridor: the same in a corridor.
        a2c_iterations: of A2C with the paper's table, bandit and corridor; 0: not trained.
        epochs: PPO's passes over an iteration's trials.
        bandit_tasks: test tasks of the bandit, both equally often.
        corridor_tasks: of the corridors.
        runs: trainings of each agent; the paper's are 20.
    """

    hidden_size: int = 48
    bandit: tuple[int, int] = (40, 64)
    corridor: tuple[int, int] = (80, 64)
    a2c_iterations: tuple[int, int] = (0, 0)
    epochs: int = 5
    bandit_tasks: int = 10_000
    corridor_tasks: int = 2_000
    runs: int = 20


SIZES: dict[Scale, Size] = {
    "smoke": Size(6, (2, 8), (2, 4), (1, 1), 1, 16, 4, 2),
    "laptop": Size(),
    "paper": Size(a2c_iterations=(1_500, 6_000)),
}


def constant(rate: float) -> Schedule:
    """Return a learning rate that stays: the paper's table has one number, and no word of a schedule."""
    return Schedule(rate, rate, "constant")


A2C_BANDIT = A2CConfig(
    0.8,
    learning_rate=constant(1e-3),
    baseline_learning_rate=constant(1e-3),
    entropy_bonus=constant(0.001),
    max_grad_norm=1.0,
)
A2C_CORRIDOR = A2CConfig(
    0.9,
    learning_rate=constant(1e-4),
    baseline_learning_rate=constant(1e-4),
    entropy_bonus=constant(0.01),
    max_grad_norm=5.0,
)
"""Table 1 of the paper's appendix, without its weight of the value loss: the critic is a network of its own."""


def cells(scale: Scale) -> tuple[str, ...]:
    """Return the cells: the bandit, and the corridor in both sizes that fit the published number."""
    return CELLS


def setting(cell: str) -> Setting:
    """Return a cell's tasks, and its environment as RL² sees it."""
    if cell == BANDIT:
        return Setting(TWO_POINT, BanditEnv(2, NUM_PULLS))
    return Setting(Corridors(), CorridorEnv(HALF_LENGTH[cell]))


def both_tasks(cell: str, num_trials: int) -> Tensor:
    """Return both tasks of a cell, equally often, one after the other."""
    which = torch.arange(num_trials) % 2
    return torch.nn.functional.one_hot(which, 2).to(torch.float32) if cell == BANDIT else which


def steps_and_found(trajectory: Trajectory) -> dict[str, float]:
    """Return the mean number of steps in a trial, and the share of episodes that the task ended, not the horizon."""
    found = 1 - trajectory.timed_out.sum() / trajectory.episode_end.sum()
    return {"steps": trajectory.mask.sum(dim=1).double().mean().item(), "found": found.item()}


def watch(trajectory: Trajectory, tasks: Any, iteration: int) -> dict[str, float]:
    """Note the length of trials and the share of goals found, for a run's history."""
    return steps_and_found(trajectory)


def networks(
    env: TrialEnv[Any], hidden_size: int, seed: int, forgets: Forgets | None = None
) -> tuple[RecurrentPolicy, RecurrentBaseline]:
    """Return an untrained policy and its baseline, LSTMs both; the baseline forgets nothing in any case."""
    shape, generator = (env.observation_shape, env.num_actions, hidden_size), make_generator(seed, "weights")
    if forgets is None:
        policy = RecurrentPolicy(*shape, generator=generator, core="lstm")
    else:
        policy = ForgetfulPolicy(*shape, forgets=forgets, generator=generator, core="lstm")
    return policy, RecurrentBaseline(*shape, generator=generator, core="lstm")


# --------------------------------------------------------------------------------------- what is trained


class Plan(NamedTuple):
    """One agent of a cell, by one learner: what its run is named and made from."""

    cell: str
    agent: str
    variant: str

    @property
    def name(self) -> str:
        """The run's."""
        return f"{RUN_NAMES[self.agent]}-{'a2c-' if self.variant == A2C_VARIANT else ''}{self.cell}"


def plans(cell: str, scale: Scale) -> list[Plan]:
    """Return who is trained for a cell; A2C where the scale has it, and the paper's size of corridor is no matter."""
    with_a2c = SIZES[scale].a2c_iterations[0] and cell != LONG_CORRIDOR
    variants = [PPO_VARIANT, A2C_VARIANT] if with_a2c else [PPO_VARIANT]
    return [Plan(cell, agent, variant) for variant in variants for agent in (RL2, RL1)]


def runs(scale: Scale) -> list[Run]:
    """Return what is trained: both agents in every cell, as often as the paper did."""
    return [
        Run(
            ID,
            plan.name,
            (cell,),
            partial(policy_of, plan, scale),
            partial(stages_of, plan, scale),
            SIZES[scale].runs,
            SNAPSHOTS[scale] if plan.agent == RL2 and plan.variant == PPO_VARIANT and cell != LONG_CORRIDOR else (),
        )
        for cell in CELLS
        for plan in plans(cell, scale)
    ]


def _networks(plan: Plan, scale: Scale, seed: int) -> tuple[RecurrentPolicy, RecurrentBaseline]:
    return networks(_seen(plan), SIZES[scale].hidden_size, seed, "episodes" if plan.agent == RL1 else None)


def _seen(plan: Plan) -> TrialEnv[Any]:
    """A cell's environment as the agent sees it."""
    env = setting(plan.cell).env
    return RevealedTask(env) if plan.agent == RL1 else env


def policy_of(plan: Plan, scale: Scale, seed: int) -> RecurrentPolicy:
    """Return an untrained agent."""
    return _networks(plan, scale, seed)[0]


def stages_of(plan: Plan, scale: Scale, policy: SoftmaxPolicy, seed: int) -> Iterator[Stage]:
    """Yield the one stage of a run: by PPO, or by A2C with the paper's table."""
    size, is_bandit = SIZES[scale], plan.cell == BANDIT
    baseline = _networks(plan, scale, seed)[1]
    iterations, trials = size.bandit if is_bandit else size.corridor
    learner: PPO | A2C
    if plan.variant == A2C_VARIANT:
        learner = A2C(policy, baseline, A2C_BANDIT if is_bandit else A2C_CORRIDOR)
        iterations = size.a2c_iterations[not is_bandit]
    else:
        learner = PPO(policy, baseline, replace(BANDIT_PPO if is_bandit else CORRIDOR_PPO, epochs=size.epochs))
    training = TrainingConfig(iterations, trials, seed, checkpoint_every=max(1, iterations // 4))
    yield Stage(learner, Setting(setting(plan.cell).distribution, _seen(plan)), training, watch)
