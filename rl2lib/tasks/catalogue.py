"""Every task under a short id: what it is drawn from, and what it is played in.

    distribution, env = make_task("random-mdps", episodes_per_trial=25)

Options are the arguments of the distribution and the environment; what both take is given once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from rl2lib.tasks import bandit, gridworld, opponents, pomdp, tabular, wang
from rl2lib.tasks.by_id import make_by_id
from rl2lib.types import TaskDistribution, TrialEnv


class Setting(NamedTuple):
    """What an agent is trained or tested on.

    Attributes:
        distribution: what tasks are drawn from.
        env: the environment that plays them.
    """

    distribution: TaskDistribution[Any]
    env: TrialEnv[Any]


def make_task(task_id: str, **options: Any) -> Setting:
    """Return the distribution and environment of a task id.

    Args:
        task_id: one of `task_ids()`.
        options: what to change, e.g. `num_arms=10`.

    Raises:
        ValueError: if there is no such task (the nearest is suggested) or an option's value makes no sense.
        TypeError: if the task has no such option.
    """
    return make_by_id("task", TASKS, task_id, options)


def task_ids() -> tuple[str, ...]:
    """Return every task id, in the order of the books: bandits, MDPs, grids, partial observation, others."""
    return tuple(TASKS)


def _independent_bandits(num_arms: int = 5, num_pulls: int = 10) -> Setting:
    return Setting(bandit.IndependentBandits(num_arms), bandit.BanditEnv(num_arms, num_pulls))


def _dependent_bandits(distribution: bandit.DependentBandits, pulls: int) -> Callable[..., Setting]:
    def setting(num_pulls: int = pulls) -> Setting:
        return Setting(distribution, bandit.BanditEnv(distribution.num_arms, num_pulls))

    return setting


def _informative_bandits(num_pulls: int = 5) -> Setting:
    return Setting(wang.InformativeBandits(), wang.InformativeBanditEnv(num_pulls))


def _random_mdps(
    num_states: int = 10,
    num_actions: int = 5,
    horizon: int = 10,
    episodes_per_trial: int = 10,
    concentration: float = 1.0,
    reward_std: float = 1.0,
) -> Setting:
    return Setting(
        tabular.RandomMDPs(num_states, num_actions, concentration),
        tabular.TabularEnv(num_states, num_actions, horizon, episodes_per_trial, reward_std),
    )


def _chain_mdps(
    num_states: int = 5,
    num_actions: int = 2,
    horizon: int = 10,
    episodes_per_trial: int = 10,
    slip: float = 0.0,
    reward_std: float = 1.0,
) -> Setting:
    return Setting(
        tabular.ChainMDPs(num_states, num_actions, slip),
        tabular.TabularEnv(num_states, num_actions, horizon, episodes_per_trial, reward_std),
    )


def _grids(of_size: Callable[[int], TaskDistribution[Any]]) -> Callable[..., Setting]:
    def setting(size: int = 5, horizon: int = 30, episodes_per_trial: int = 3) -> Setting:
        return Setting(of_size(size), gridworld.GridEnv(size, horizon, episodes_per_trial))

    return setting


def _slippery_grid(
    size: int = 5, horizon: int = 30, episodes_per_trial: int = 3, slips: tuple[float, ...] = (0.0, 0.5)
) -> Setting:
    env = gridworld.GridEnv(size, horizon, episodes_per_trial, pits=gridworld.cliff(size))
    return Setting(gridworld.SlipperyGrids(size, slips), env)


def _one_shot_navigation(size: int = 11, horizon: int = 200, episodes_per_trial: int = 5) -> Setting:
    walls = gridworld.four_rooms(size)
    env = gridworld.GridEnv(size, horizon, episodes_per_trial, walls=walls, random_start=True)
    return Setting(gridworld.GoalGrids(size, gridworld.free_cells(size, walls)), env)


def _corridor(half_length: int = 5, horizon: int | None = None, episodes_per_trial: int = 2) -> Setting:
    return Setting(pomdp.Corridors(), pomdp.CorridorEnv(half_length, horizon, episodes_per_trial))


def _corridor_last_observations(
    num_observations: int = 4,
    across_episodes: bool = False,
    half_length: int = 5,
    horizon: int | None = None,
    episodes_per_trial: int = 2,
) -> Setting:
    distribution, env = _corridor(half_length, horizon, episodes_per_trial)
    return Setting(distribution, pomdp.LastObservations(env, num_observations, across_episodes=across_episodes))


def _corridor_noisy(
    std: float = 0.5, half_length: int = 5, horizon: int | None = None, episodes_per_trial: int = 2
) -> Setting:
    distribution, env = _corridor(half_length, horizon, episodes_per_trial)
    return Setting(distribution, pomdp.NoisyObservations(env, std))


def _two_step(episodes_per_trial: int = 100, common: float = 0.75, often: float = 0.9, rarely: float = 0.1) -> Setting:
    return Setting(wang.TwoStepTasks(often, rarely), wang.TwoStepEnv(episodes_per_trial, common=common))


def _harlow(image_size: int = 8, episodes_per_trial: int = 10, wrong_reward: float = 0.0) -> Setting:
    env = wang.HarlowEnv(image_size, episodes_per_trial, wrong_reward=wrong_reward)
    return Setting(wang.HarlowTasks(image_size), env)


def _hidden_opponent(horizon: int = 10, episodes_per_trial: int = 3) -> Setting:
    return Setting(opponents.HiddenOpponents(), opponents.MatrixGameEnv(horizon, episodes_per_trial))


def _hidden_listener(
    num_bits: int = 3, horizon: int = 10, episodes_per_trial: int = 3, truthful: float = 1.0
) -> Setting:
    env = opponents.DialogueEnv(num_bits, horizon, episodes_per_trial, truthful=truthful)
    return Setting(opponents.HiddenListeners(num_bits), env)


TASKS: dict[str, Callable[..., Setting]] = {
    "independent-bandits": _independent_bandits,
    "dependent-bandits-uniform": _dependent_bandits(bandit.UNIFORM, 100),
    "dependent-bandits-easy": _dependent_bandits(bandit.EASY, 100),
    "dependent-bandits-medium": _dependent_bandits(bandit.MEDIUM, 100),
    "dependent-bandits-hard": _dependent_bandits(bandit.HARD, 100),
    "two-point-bandits": _dependent_bandits(bandit.TWO_POINT, 10),
    "informative-bandits": _informative_bandits,
    "random-mdps": _random_mdps,
    "chain-mdps": _chain_mdps,
    "goal-grid": _grids(gridworld.GoalGrids),
    "three-goals-grid": _grids(lambda size: gridworld.GoalGrids(size, gridworld.corner_goals(size))),
    "held-out-goals-grid": _grids(lambda size: gridworld.GoalGrids(size, gridworld.held_out_goals(size))),
    "permuted-grid": _grids(gridworld.PermutedGrids),
    "slippery-grid": _slippery_grid,
    "one-shot-navigation": _one_shot_navigation,
    "corridor": _corridor,
    "corridor-last-observations": _corridor_last_observations,
    "corridor-noisy": _corridor_noisy,
    "two-step": _two_step,
    "harlow": _harlow,
    "hidden-opponent": _hidden_opponent,
    "hidden-listener": _hidden_listener,
}
"""Task ids and what makes them; `rl2lib.gym` registers each as "rl2/<task id>-v0"."""
