"""The wrong answers that notebook 06's checks recognise: by hand numbers, each different from the right one."""

from __future__ import annotations

import pytest
import torch

from rl2lib.lab.checks.goal_trials import EpisodeScript, expected_by_episode, scripted_trials
from rl2lib.lab.checks.nb06_slips import STEP_SLIPS, by_episode_slips, grid_state, observe_slips, step_with
from rl2lib.tasks.gridworld import GridEnv, GridTasks

ACTIONS = torch.tensor([0, 1, 2, 3])


@pytest.mark.parametrize(
    ("slip", "cells"),
    [
        ("", [1, 9, 23, 15]),
        ("walls_wrap", [21, 5, 3, 19]),
        ("edge_runs_on", [0, 10, 24, 14]),
        ("edge_runs_on_modulo", [21, 10, 3, 14]),
    ],
)
def test_steps_against_the_four_walls(slip: str, cells: list[int]) -> None:
    state = grid_state([1, 9, 23, 15], [12] * 4, [0] * 4)
    assert step_with(state, ACTIONS, 5, 30, slip)[0]["cell"].tolist() == cells


def test_a_right_step_is_the_librarys() -> None:
    goal = torch.tensor([4, 12, 20, 24, 7])
    env = GridEnv(5, horizon=6, episodes_per_trial=99)
    env.reset(GridTasks(goal, torch.arange(4).expand(5, 4), torch.zeros(5)), torch.Generator())
    state = grid_state([0] * 5, goal.tolist(), [0] * 5)
    generator = torch.Generator().manual_seed(0)
    for _ in range(200):
        action = torch.randint(4, (5,), generator=generator)
        state, reward, episode_end, timed_out = step_with(state, action, 5, 6)
        theirs = env.step(action)
        assert torch.equal(theirs.observation.argmax(dim=-1), state["cell"])
        assert torch.allclose(theirs.reward, reward)
        assert torch.equal(theirs.episode_end, episode_end) and torch.equal(theirs.timed_out, timed_out)


def test_every_slip_of_a_step_shows_somewhere() -> None:
    cell, goal, steps = torch.arange(25), (torch.arange(25) + 1) % 25, torch.arange(25) % 4
    state = grid_state(cell.tolist(), goal.tolist(), steps.tolist())
    right = None
    for slip in ("", *STEP_SLIPS):
        seen = []
        for action in range(4):
            after, *parts = step_with(state, torch.full((25,), action), 5, 4, slip)
            seen += [after["cell"], after["steps"], *(part.float() for part in parts)]
        values = torch.cat([part.float() for part in seen])
        if right is None:
            right = values
        else:
            assert not torch.equal(values, right), slip


def test_the_time_out_that_ends_nothing_and_the_flags_that_changed_places() -> None:
    state = grid_state([6, 23], [24, 24], [3, 0])
    action = torch.tensor([2, 1])  # a time-out at horizon 4, and the goal
    after, _, ended, late = step_with(state, action, 5, 4, "time_out_does_not_end_the_episode")
    assert after["cell"].tolist() == [11, 0] and ended.tolist() == [False, True] and late.tolist() == [True, False]
    _, _, ended, late = step_with(state, action, 5, 4, "flags_exchanged")
    assert ended.tolist() == [True, False] and late.tolist() == [True, True]


def test_observations_of_a_batch() -> None:
    slips = observe_slips(grid_state([1, 2], [3, 3], [0, 0]), 2)
    assert slips["every_cell_of_the_batch"].tolist() == [[0, 1, 1, 0], [0, 1, 1, 0]]
    assert slips["width_from_the_batch"].tolist() == [[0, 1, 0], [0, 0, 1]]
    assert slips["size_fixed_at_five"].shape == (2, 25)


def test_episodes_by_hand() -> None:
    trials = scripted_trials(EpisodeScript([[(3, True), (2, True)], [(4, False), (1, True)]]))  # the text's two trials
    right, slips = expected_by_episode(trials, 2), by_episode_slips(trials, 2)
    assert right["return"].tolist() == pytest.approx([0.36, 0.94])
    # seven steps earn 0.72 in the first episodes, three steps 1.88 in the second
    assert slips["reward_per_step_pooled"]["return"].tolist() == pytest.approx([0.72 / 7, 1.88 / 3])
    # slices of two steps: the first hold four steps without a goal; the second, steps 2 and 3, hold one goal
    assert slips["equal_slices"]["return"].tolist() == pytest.approx([-0.08, 0.42])
    assert slips["equal_slices"]["steps"].tolist() == pytest.approx([2.0, 2.0])
    assert torch.equal(slips["success_read_from_the_reward"]["success"], right["success"])  # here it happens to work


def test_success_is_not_the_sign_of_a_reward_where_every_step_pays() -> None:
    trials = scripted_trials(EpisodeScript([[(2, False)], [(1, True)]], step_reward=0.1))
    assert expected_by_episode(trials, 1)["success"].tolist() == [0.5]
    assert by_episode_slips(trials, 1)["success_read_from_the_reward"]["success"].tolist() == [1.0]
