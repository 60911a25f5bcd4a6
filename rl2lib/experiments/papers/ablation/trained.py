"""What is trained for the ablation: the whole agent and every part of it, with one thing taken away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from rl2lib.agents.forgetful import ForgetfulPolicy, ForgetsAfter
from rl2lib.agents.linear_baseline import (
    NUM_BANDIT_FEATURES,
    NUM_MDP_FEATURES,
    LinearBaseline,
    bandit_features,
    mdp_features,
)
from rl2lib.agents.masked import Hidden, MaskedPolicy
from rl2lib.agents.recurrent import RecurrentPolicy
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.evaluation.choice import TaskCounts
from rl2lib.experiments.plan import Run, Scale, Stage
from rl2lib.tasks.catalogue import Setting, make_task
from rl2lib.tasks.sampling import make_generator
from rl2lib.tasks.views import LastEpisodeOnly
from rl2lib.training.loop import TrainingConfig
from rl2lib.training.ppo import PPO, PPOConfig
from rl2lib.types import TrialEnv

ID = "ablation"
BANDIT, MDP = "n10_k5", "mdp_n4"
CELLS = (BANDIT, MDP)
NUM_ARMS, NUM_PULLS = 5, 10
MDP_SIZE: dict[str, int] = {"num_states": 3, "num_actions": 2, "horizon": 3, "episodes_per_trial": 4}
WHOLE = "whole"
HIDES: dict[str, Hidden] = {"no previous action": "action", "no previous reward": "reward", "no flag": "flag"}
FORGETS, FORGETS_ONCE, LAST_ALONE = "reset every episode", "reset at half-time", "paid for the last episode"
ABLATIONS = (*HIDES, FORGETS, FORGETS_ONCE, LAST_ALONE)


@dataclass(frozen=True)
class Size(TaskCounts):
    """How much is computed at a scale.

    Attributes:
        hidden_size: H of the GRU.
        iterations: of PPO, for every run.
        trials: an iteration.
        seeds: of every run: a loss is told from none by its interval over them.
    """

    hidden_size: int = 64
    iterations: int = 80
    trials: int = 512
    seeds: int = 10


SIZES: dict[Scale, Size] = {
    "smoke": Size(8, 1, 16, seeds=1, test_tasks=64, validation_tasks=16),
    "laptop": Size(),
    "paper": Size(hidden_size=256, iterations=500, trials=1024),
}


def cells(scale: Scale) -> tuple[str, ...]:
    """Return the cells: the bandit, then the MDPs."""
    return CELLS


def setting(cell: str) -> Setting:
    """Return a cell's tasks and environment."""
    if cell == BANDIT:
        return make_task("independent-bandits", num_arms=NUM_ARMS, num_pulls=NUM_PULLS)
    return make_task("random-mdps", **MDP_SIZE)


def num_episodes(cell: str) -> int:
    """Return the episodes of a cell's trial."""
    return NUM_PULLS if cell == BANDIT else MDP_SIZE["episodes_per_trial"]


def runs(scale: Scale) -> list[Run]:
    """Return the whole agent and every ablation of it, in each cell."""
    return [
        Run(
            ID,
            run_name(cell, what),
            (cell,),
            partial(_policy, cell, what, scale),
            partial(_stages, cell, what, scale),
            SIZES[scale].seeds,
        )
        for cell in cells(scale)
        for what in (WHOLE, *ABLATIONS)
    ]


def run_name(cell: str, what: str) -> str:
    """Return the name of a run."""
    return f"{cell}-{what.replace(' ', '-')}"


def _policy(cell: str, what: str, scale: Scale, seed: int) -> SoftmaxPolicy:
    env = setting(cell).env
    shape = env.observation_shape, env.num_actions, SIZES[scale].hidden_size
    generator = make_generator(seed, "weights")
    if what in HIDES:
        return MaskedPolicy(*shape, hides=(HIDES[what],), generator=generator)
    if what == FORGETS:
        return ForgetfulPolicy(*shape, forgets="episodes", generator=generator)
    if what == FORGETS_ONCE:
        return ForgetsAfter(*shape, episodes=num_episodes(cell) // 2, generator=generator)
    return RecurrentPolicy(*shape, generator=generator)


def _stages(cell: str, what: str, scale: Scale, policy: SoftmaxPolicy, seed: int) -> Iterator[Stage]:
    size, (distribution, env) = SIZES[scale], setting(cell)
    if cell == BANDIT:
        baseline = LinearBaseline(bandit_features, NUM_BANDIT_FEATURES, NUM_PULLS)
    else:
        horizon = MDP_SIZE["horizon"]
        features = partial(mdp_features, horizon=horizon)
        baseline = LinearBaseline(features, NUM_MDP_FEATURES, horizon * num_episodes(cell))
    paid: TrialEnv[Any] = LastEpisodeOnly(env, num_episodes(cell)) if what == LAST_ALONE else env
    config = PPOConfig(discount=1.0, trace=0.95, learning_rate=1e-2, expected_rewards=True)
    training = TrainingConfig(size.iterations, size.trials, seed, checkpoint_every=100)
    yield Stage(PPO(policy, baseline, config), Setting(distribution, paid), training)
