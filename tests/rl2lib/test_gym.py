import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.error import InvalidAction, ResetNeeded
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

import rl2lib.gym
from rl2lib.agents.recurrent import StepEmbedding
from rl2lib.gym import GymTrial, gym_id
from rl2lib.tasks.catalogue import make_task, task_ids
from rl2lib.tasks.sampling import make_generators
from rl2lib.types import StepInput

every_task = pytest.mark.parametrize("task_id", task_ids())


@every_task
def test_every_task_passes_gymnasiums_check(task_id: str) -> None:
    env = gymnasium.make(gym_id(task_id)).unwrapped
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # rewards and observations have no bounds in general, and are fed to a policy as they are
        warnings.filterwarnings("ignore", message=".*Box observation space (minimum|maximum) value is -?infinity.*")
        check_env(env)


def trial(env: gymnasium.Env[Any, Any], seed: int | None, actions_seed: int = 0) -> list[tuple[Any, ...]]:
    """Play one trial with seeded actions; return (observation, reward, terminated, info) a step."""
    rng = np.random.default_rng(actions_seed)
    observation, info = env.reset(seed=seed)
    told: list[tuple[Any, ...]] = [(observation, 0.0, False, info)]
    while not told[-1][2]:
        observation, reward, terminated, truncated, info = env.step(rng.integers(env.action_space.n))  # type: ignore[attr-defined]
        assert not truncated and observation in env.observation_space
        told.append((observation, reward, terminated, info))
    return told


@every_task
def test_an_episode_is_a_trial_and_what_is_observed_its_step_inputs(task_id: str) -> None:
    """The same trial played in our own environment, from the same streams."""
    told = trial(gymnasium.make(gym_id(task_id)), seed=7)
    distribution, env = make_task(task_id)
    stream = int(np.random.Generator(np.random.PCG64(np.random.SeedSequence(7))).integers(2**63))
    generators = make_generators(stream, "tasks", "env")
    observation = env.reset(distribution.sample(1, generators["tasks"]), generators["env"])
    inputs, embed = StepInput.first(observation), StepEmbedding(env.observation_shape, env.num_actions)
    rng = np.random.default_rng(0)
    for t, (observed, reward, terminated, info) in enumerate(told):
        np.testing.assert_array_equal(observed, embed(inputs)[0].numpy())
        if t == len(told) - 1:
            break
        action = torch.tensor([int(rng.integers(env.num_actions))])
        step = env.step(action)
        inputs = StepInput(step.observation, action, step.reward, step.episode_end.float())
        _, reward, terminated, info = told[t + 1]
        assert reward == float(step.reward) and terminated == bool(step.trial_end)
        assert info["episode_end"] == bool(step.episode_end) and info["timed_out"] == bool(step.timed_out)
        assert info["expected_reward"] == float(step.expected_reward)  # type: ignore[arg-type]
    assert terminated


def test_the_first_observation_by_hand() -> None:
    """Corridor of three cells: the middle one, action 0 as a placeholder, reward 0, flag 0."""
    env = gymnasium.make("rl2/corridor-v0", half_length=1, episodes_per_trial=1)
    observation, _ = env.reset(seed=0)
    assert observation.dtype == np.float32 and observation.tolist() == [0, 1, 0, 1, 0, 0, 0]
    after_right, reward, *_ = env.step(1)
    goal_is_right = reward == 10
    assert after_right.tolist() == ([0, 1, 0, 0, 1, 10, 1] if goal_is_right else [0, 0, 1, 0, 1, 0, 0])


def test_a_reset_draws_a_new_task_from_np_random() -> None:
    env: Any = gymnasium.make("rl2/two-point-bandits-v0", num_pulls=1)
    paid = []
    for i in range(60):
        env.reset(seed=3 if i == 0 else None)
        paid.append(env.step(0)[1])
    assert 15 < sum(paid) < 45
    env.reset(seed=3)
    again = [env.step(0)[1]]
    for _ in range(59):
        env.reset()
        again.append(env.step(0)[1])
    assert paid == again
    for one, two in zip(trial(env, seed=5), trial(env, seed=5), strict=True):
        np.testing.assert_array_equal(one[0], two[0])


def test_vector_environments_declare_same_step_and_keep_it() -> None:
    envs: Any = gymnasium.make_vec("rl2/independent-bandits-v0", num_envs=3, num_pulls=2, num_arms=2)
    assert envs.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    first, _ = envs.reset(seed=0)
    assert first.shape == (3, 1 + 2 + 2) and first.dtype == np.float32
    envs.step(np.array([1, 1, 1]))
    observation, rewards, terminated, truncated, infos = envs.step(np.array([1, 0, 1]))
    assert terminated.all() and not truncated.any()
    np.testing.assert_array_equal(observation, first)  # a new trial: action 0, reward 0, flag 0
    for i, last in enumerate(infos["final_obs"]):
        assert last.tolist() == [0, *((0, 1) if i != 1 else (1, 0)), rewards[i], 1]
    envs.close()


def test_trials_of_a_vector_end_on_their_own() -> None:
    envs: Any = gymnasium.make_vec("rl2/corridor-v0", num_envs=8, half_length=1, episodes_per_trial=1)
    envs.reset(seed=1)
    _, rewards, terminated, _, _ = envs.step(np.ones(8, dtype=np.int64))
    assert 0 < terminated.sum() < 8 and np.array_equal(terminated, rewards == 10)


def test_bad_use_is_named() -> None:
    with pytest.raises(ValueError, match="did you mean 'corridor'"):
        GymTrial("coridor")
    with pytest.raises(TypeError, match="did you mean 'half_length'"):
        GymTrial("corridor", half_lenght=3)
    with pytest.raises(ValueError, match="render_mode: expected None"):
        GymTrial("corridor", render_mode="human")
    env = GymTrial("corridor", half_length=1, episodes_per_trial=1)
    with pytest.raises(ResetNeeded, match="call reset"):
        env.step(np.int64(0))
    env.reset(seed=0)
    for action in (2, -1, 0.5, "left"):
        with pytest.raises(InvalidAction, match=r"action: expected an integer 0\.\.1, got"):
            env.step(action)  # type: ignore[arg-type]
    moves = iter((0, 1, 1))  # left, back, right: one of the ends is the goal
    while not env.step(np.int64(next(moves)))[2]:
        pass
    with pytest.raises(ResetNeeded, match="ended"):
        env.step(np.int64(0))


def test_registering_again_changes_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rl2lib.gym.register_all()
    assert {gym_id(task_id) for task_id in task_ids()} <= set(gymnasium.registry)
