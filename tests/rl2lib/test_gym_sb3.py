"""sb3 and sb3-contrib train on our registered tasks as they are, without an adapter of ours in between."""

import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from sb3_contrib import RecurrentPPO
from stable_baselines3 import PPO
from stable_baselines3.common.env_checker import check_env
from stable_baselines3.common.evaluation import evaluate_policy

import rl2lib.gym  # noqa: F401 - registers the tasks

# a bandit, an MDP, a partially observed task and a grid world, with the steps of a trial where that is fixed
TASKS: dict[str, tuple[dict[str, Any], int | None]] = {
    "rl2/independent-bandits-v0": ({"num_arms": 3, "num_pulls": 8}, 8),
    "rl2/random-mdps-v0": ({"num_states": 4, "num_actions": 3, "horizon": 4, "episodes_per_trial": 2}, 8),
    "rl2/corridor-v0": ({"half_length": 2, "horizon": 4, "episodes_per_trial": 2}, None),
    "rl2/goal-grid-v0": ({"size": 3, "horizon": 4, "episodes_per_trial": 2}, None),
}
LONGEST_TRIAL = 8
every_task = pytest.mark.parametrize("task_id", TASKS)


@every_task
def test_sb3s_own_check_finds_nothing_to_say(task_id: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gymnasium.make(task_id, **TASKS[task_id][0]).unwrapped)


@pytest.mark.slow
@every_task
@pytest.mark.parametrize("learner", [RecurrentPPO, PPO])
def test_trains_for_a_few_updates(learner: Any, task_id: str) -> None:
    options, steps = TASKS[task_id]
    recurrent = learner is RecurrentPPO
    policy = ("MlpLstmPolicy", {"lstm_hidden_size": 8}) if recurrent else ("MlpPolicy", {})
    env = gymnasium.make(task_id, **options)
    model = learner(
        policy[0], env, n_steps=32, batch_size=32, n_epochs=2, seed=0, policy_kwargs=policy[1], device="cpu"
    )
    before = {name: value.clone() for name, value in model.policy.state_dict().items()}
    model.learn(96)
    after = model.policy.state_dict()
    assert model.num_timesteps == 96
    assert all(bool(torch.isfinite(value).all()) for value in after.values())
    assert any(not torch.equal(before[name], after[name]) for name in before)
    # an episode of theirs is a whole trial of ours
    lengths = {episode["l"] for episode in model.ep_info_buffer}
    assert lengths and max(lengths) <= LONGEST_TRIAL and (steps is None or lengths == {steps})


def test_a_recurrent_model_plays_vectors_of_trials() -> None:
    """Eight trials in lockstep, through `gymnasium.make_vec`, acted on by what was trained on one."""
    options, _ = TASKS["rl2/independent-bandits-v0"]
    model = RecurrentPPO("MlpLstmPolicy", gymnasium.make("rl2/independent-bandits-v0", **options), n_steps=16, seed=0)
    envs = gymnasium.make_vec("rl2/independent-bandits-v0", num_envs=8, **options)
    observation, _ = envs.reset(seed=0)
    state, ended, steps = None, np.ones(8, dtype=bool), 0
    while not (steps and ended.all()):
        actions, state = model.predict(observation, state, episode_start=ended, deterministic=True)
        observation, _, ended, truncated, _ = envs.step(actions)
        assert not truncated.any()
        steps += 1
    assert steps == 8
    envs.close()


@pytest.mark.slow
def test_ppo_without_memory_learns_win_stay_lose_shift() -> None:
    """On two-point bandits the last action and reward tell all there is: 9.5 of 10, where random play earns 5."""
    env = gymnasium.make("rl2/two-point-bandits-v0")
    model = PPO("MlpPolicy", env, n_steps=500, batch_size=100, n_epochs=5, learning_rate=3e-3, gamma=0.5, seed=0)
    model.learn(2000)
    mean, _ = evaluate_policy(model, model.get_env(), n_eval_episodes=50, deterministic=True)
    assert mean > 9
