"""What notebook 06's visible checks take for right: by hand numbers, and the library's own steps."""

from __future__ import annotations

import pytest
import torch

from rl2lib.lab.checks.goal_trials import EpisodeScript, expected_by_episode, scripted_trials
from rl2lib.lab.checks.nb06 import grid_state, grid_step
from rl2lib.tasks.gridworld import GridEnv, GridTasks


def test_steps_against_the_four_walls() -> None:
    state = grid_state([1, 9, 23, 15], [12] * 4, [0] * 4)
    assert grid_step(state, torch.arange(4), 5, 30)[0]["cell"].tolist() == [1, 9, 23, 15]


def test_a_right_step_is_the_librarys() -> None:
    goal = torch.tensor([4, 12, 20, 24, 7])
    env = GridEnv(5, horizon=6, episodes_per_trial=99)
    env.reset(GridTasks(goal, torch.arange(4).expand(5, 4), torch.zeros(5)), torch.Generator())
    state = grid_state([0] * 5, goal.tolist(), [0] * 5)
    generator = torch.Generator().manual_seed(0)
    for _ in range(200):
        action = torch.randint(4, (5,), generator=generator)
        state, reward, episode_end, timed_out = grid_step(state, action, 5, 6)
        theirs = env.step(action)
        assert torch.equal(theirs.observation.argmax(dim=-1), state["cell"])
        assert torch.allclose(theirs.reward, reward)
        assert torch.equal(theirs.episode_end, episode_end) and torch.equal(theirs.timed_out, timed_out)


def test_episodes_by_hand() -> None:
    trials = scripted_trials(EpisodeScript([[(3, True), (2, True)], [(4, False), (1, True)]]))  # the text's two trials
    right = expected_by_episode(trials, 2)
    assert right["return"].tolist() == pytest.approx([0.36, 0.94])
    assert right["steps"].tolist() == [3.5, 1.5] and right["success"].tolist() == [0.5, 1.0]
    every_step_pays = scripted_trials(EpisodeScript([[(2, False)], [(1, True)]], step_reward=0.1))
    assert expected_by_episode(every_step_pays, 1)["success"].tolist() == [0.5]
