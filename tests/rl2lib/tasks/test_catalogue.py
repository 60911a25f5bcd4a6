import inspect
from typing import Any

import pytest
import torch

from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.tasks.catalogue import TASKS, make_task, task_ids
from rl2lib.tasks.gridworld import GoalGrids, GridEnv, four_rooms
from rl2lib.tasks.pomdp import LastObservations
from rl2lib.tasks.tabular import ChainMDPs, RandomMDPs, TabularEnv


def test_options_reach_the_distribution_and_the_environment() -> None:
    distribution, env = make_task("independent-bandits", num_arms=7, num_pulls=3)
    assert distribution == IndependentBandits(7)
    assert isinstance(env, BanditEnv) and (env.num_actions, env.num_pulls) == (7, 3)
    distribution, env = make_task("random-mdps", num_states=4, concentration=0.1, episodes_per_trial=25)
    assert isinstance(env, TabularEnv) and (env.num_states, env.episodes_per_trial) == (4, 25)
    assert distribution == RandomMDPs(num_states=4, concentration=0.1)
    env = make_task("corridor-last-observations", num_observations=2, half_length=3).env
    assert isinstance(env, LastObservations) and env.observation_shape == (2, 7)


def settings_of(thing: Any) -> dict[str, Any]:
    """Everything that a distribution, an environment, or what it wraps was told."""
    told = {f"{type(thing).__name__}.{name}": value for name, value in vars(thing).items() if name != "env"}
    return told | (settings_of(thing.env) if hasattr(thing, "env") else {})


OPTIONS = [(task_id, name) for task_id, factory in TASKS.items() for name in inspect.signature(factory).parameters]


@pytest.mark.parametrize(("task_id", "name"), OPTIONS)
def test_no_option_is_forgotten(task_id: str, name: str) -> None:
    default = inspect.signature(TASKS[task_id]).parameters[name].default
    others = {bool: not default, int: 7, float: 0.3, tuple: (0.25,), type(None): 7}
    changed = others[type(default)]
    told = [settings_of(part) for part in make_task(task_id, **{name: changed})]
    usual = [settings_of(part) for part in make_task(task_id)]
    assert any(value == changed for part in told for key, value in part.items() if key.endswith(f".{name}"))
    assert told != usual
    for new, old in zip(told, usual, strict=True):  # where both take it, both are told
        for key in old:
            assert not key.endswith(f".{name}") or new[key] == changed, key


def test_defaults_are_the_papers() -> None:
    env = make_task("random-mdps").env
    assert isinstance(env, TabularEnv)
    assert (env.num_states, env.num_actions, env.horizon, env.reward_std) == (10, 5, 10, 1.0)
    assert make_task("dependent-bandits-hard").env.num_pulls == 100  # type: ignore[attr-defined]
    assert make_task("two-point-bandits").env.num_pulls == 10  # type: ignore[attr-defined]
    assert make_task("informative-bandits").env.num_actions == 11
    assert make_task("chain-mdps").distribution == ChainMDPs(5, 2, slip=0.0)


def test_each_grid_is_what_its_id_says() -> None:
    goals = {task_id: make_task(task_id).distribution for task_id in task_ids() if "goal" in task_id}
    assert goals == {
        "goal-grid": GoalGrids(5),
        "three-goals-grid": GoalGrids(5, (4, 24, 20)),
        "held-out-goals-grid": GoalGrids(5, tuple(cell for cell in range(1, 24) if cell not in (4, 20))),
    }
    layouts = {"goal-grid": ((), (), False), "slippery-grid": ((), (1, 2, 3), False), "permuted-grid": ((), (), False)}
    for task_id, layout in {**layouts, "one-shot-navigation": (four_rooms(11), (), True)}.items():
        env = make_task(task_id).env
        assert isinstance(env, GridEnv) and (env.walls, env.pits, env.random_start) == layout


@pytest.mark.parametrize("task_id", [task_id for task_id in task_ids() if task_id.endswith("grid")])
@pytest.mark.parametrize("size", [3, 8])
def test_grids_come_in_any_size(task_id: str, size: int) -> None:
    distribution, env = make_task(task_id, size=size)
    assert isinstance(env, GridEnv) and env.observation_shape == (size * size,)
    env.reset(distribution.sample(50, torch.Generator()), torch.Generator())


def test_unknown_tasks_and_options_suggest_the_nearest() -> None:
    with pytest.raises(ValueError, match="got 'coridor'; did you mean 'corridor'"):
        make_task("coridor")
    with pytest.raises(ValueError, match="did you mean 'independent-bandits'"):
        make_task("independent_bandit")
    with pytest.raises(ValueError, match="got 'xyzzy'; there are independent-bandits, "):
        make_task("xyzzy")
    with pytest.raises(TypeError, match="independent-bandits: no option is called 'num_arm'; did you mean 'num_arms'"):
        make_task("independent-bandits", num_arm=5)
    with pytest.raises(TypeError, match="there are num_pulls"):
        make_task("informative-bandits", colour="red")
    with pytest.raises(ValueError, match="horizon: expected at least 1, got -1"):
        make_task("random-mdps", horizon=-1)
