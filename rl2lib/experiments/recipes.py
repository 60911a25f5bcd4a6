"""What each trained agent is trained with, once: experiments, benchmarks and notebooks take their settings here.

A recipe holds everything but the loop. The policies with structure share what makes them learn in about a minute:
minibatches of 128 trials, advantages centred at each step and made of expected rewards, and a baseline in closed
form that sees the task and what the trial has found out about it. The plain GRU's recipe has none of it unless asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from rl2lib.agents.baseline import Baseline
from rl2lib.agents.equivariant import ArmEquivariantPolicy
from rl2lib.agents.linear_baseline import (
    NUM_BANDIT_FEATURES,
    NUM_MDP_FEATURES,
    LinearBaseline,
    bandit_features,
    mdp_features,
)
from rl2lib.agents.pair_memory import PairMemoryPolicy
from rl2lib.agents.planning import PlanningPolicy
from rl2lib.agents.recurrent import RecurrentBaseline, RecurrentPolicy
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.agents.tabular import Update
from rl2lib.experiments.quickstart import QuickstartConfig
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.tasks.sampling import make_generator
from rl2lib.tasks.tabular import RandomMDPs, TabularEnv
from rl2lib.training.loop import TrainingConfig
from rl2lib.training.ppo import PPO, PPOConfig
from rl2lib.types import TaskDistribution, TrialEnv

SHARED: dict[str, Any] = {"discount": 1.0, "trace": 0.95, "expected_rewards": True}
"""What the structured policies' recipes have in common, beside PPO's defaults."""


@dataclass(frozen=True)
class Recipe:
    """A policy with fresh weights, and what it is trained with.

    Attributes:
        policy: the fast learner.
        baseline: what its returns are compared with; thrown away after training.
        ppo: the slow learner's settings.
        training: the loop's.
        distribution: what tasks are drawn from.
        env: what they are played in.
    """

    policy: SoftmaxPolicy
    baseline: Baseline
    ppo: PPOConfig
    training: TrainingConfig
    distribution: TaskDistribution[Any]
    env: TrialEnv[Any]

    def learner(self) -> PPO:
        """Return the slow learner; ``train(recipe.learner(), recipe.distribution, recipe.env, recipe.training)``."""
        return PPO(self.policy, self.baseline, self.ppo)


def gru_bandit_n10(seed: int = 0, *, critic_sees_task: bool = False) -> Recipe:
    """Return a recipe of RL² itself, a plain GRU, for five arms and ten pulls.

    Args:
        seed: of the weights and of the run.
        critic_sees_task: False is the quickstart: sampled rewards, and a recurrent baseline that sees what the policy
            sees. True learns several times faster, by expected rewards and a baseline that sees the task; the policy
            is the same and sees no more.
    """
    config = QuickstartConfig(seed=seed)
    generator = make_generator(seed, "weights")
    shape = ((1,), config.num_arms, config.hidden_size)
    policy = RecurrentPolicy(*shape, generator=generator)
    baseline: Baseline = RecurrentBaseline(*shape, generator=generator)
    ppo = config.ppo
    if critic_sees_task:
        baseline = LinearBaseline(bandit_features, NUM_BANDIT_FEATURES, config.num_pulls)
        ppo = replace(ppo, **SHARED)
    return Recipe(
        policy=policy,
        baseline=baseline,
        ppo=ppo,
        training=TrainingConfig(config.iterations, config.trials_per_iteration, seed),
        distribution=IndependentBandits(config.num_arms),
        env=BanditEnv(config.num_arms, config.num_pulls),
    )


def equivariant_bandits(num_pulls: int = 100, num_arms: int = 10, seed: int = 0) -> Recipe:
    """Return the recipe of the arm-equivariant policy.

    Args:
        num_pulls: n.
        num_arms: K.
        seed: of the weights and of the run.
    """
    few = num_pulls < 50  # short trials are cheap, and each tells less
    return Recipe(
        policy=ArmEquivariantPolicy(num_arms, num_pulls, generator=make_generator(seed, "weights")),
        baseline=LinearBaseline(bandit_features, NUM_BANDIT_FEATURES, num_pulls),
        ppo=PPOConfig(**SHARED, learning_rate=5e-3),
        training=TrainingConfig(60 if few else 40, 1024 if few else 256, seed),
        distribution=IndependentBandits(num_arms),
        env=BanditEnv(num_arms, num_pulls),
    )


def pair_memory_mdps(num_episodes: int = 10, seed: int = 0) -> Recipe:
    """Return the recipe of the memory per state-action, on the random MDPs of Duan et al. 2016, section 3.2.

    Args:
        num_episodes: n.
        seed: of the weights and of the run.
    """
    return _random_mdps(PairMemoryPolicy, num_episodes, seed, learning_rate=1e-2, iterations=50)


def planning_mdps(num_episodes: int = 10, update: Update = "episode", seed: int = 0) -> Recipe:
    """Return the recipe of the planning policy, on the random MDPs of Duan et al. 2016, section 3.2.

    Args:
        num_episodes: n.
        update: when it plans. At every "step" an iteration takes eight times longer, and greedy actions are then as
            good as sampled ones; with one plan an "episode" they repeat themselves until it is over.
        seed: of the weights and of the run.
    """
    policy = partial(PlanningPolicy, update=update)
    iterations = 80 if update == "episode" else 40
    return _random_mdps(policy, num_episodes, seed, learning_rate=5e-2, iterations=iterations)


def _random_mdps(
    make_policy: Callable[..., SoftmaxPolicy],
    num_episodes: int,
    seed: int,
    *,
    learning_rate: float,
    iterations: int,
) -> Recipe:
    distribution = RandomMDPs()
    env = TabularEnv(distribution.num_states, distribution.num_actions, episodes_per_trial=num_episodes)
    size = env.num_states, env.num_actions, env.horizon
    return Recipe(
        policy=make_policy(*size, num_episodes, generator=make_generator(seed, "weights")),
        baseline=LinearBaseline(
            partial(mdp_features, horizon=env.horizon), NUM_MDP_FEATURES, env.horizon * num_episodes
        ),
        ppo=PPOConfig(**SHARED, learning_rate=learning_rate),
        training=TrainingConfig(iterations, 256, seed),
        distribution=distribution,
        env=env,
    )
