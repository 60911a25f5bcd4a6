"""Searching a grid by hand: routes whose lengths can be counted on a drawing."""

from __future__ import annotations

import pytest
import torch

from rl2lib.agents.grid_search import GridSearch, best_stops, sweep
from rl2lib.evaluation.curves import Episodes, episodes
from rl2lib.evaluation.evaluate import play
from rl2lib.tasks.gridworld import GoalGrids, GridEnv, corner_goals


def _play(agent: GridSearch, goals: list[int], size: int = 5) -> Episodes:
    tasks = GoalGrids(size).sample(len(goals), torch.Generator())._replace(goal=torch.tensor(goals))
    return episodes(play(agent, GridEnv(size), tasks, seed=0))


def test_the_sweep_enters_a_new_cell_at_every_step() -> None:
    agent = GridSearch(5, sweep(5))
    assert sorted(agent.steps_to(cell) for cell in range(1, 25)) == list(range(1, 25))
    assert best_stops(5, range(1, 25)) == sweep(5)


def test_the_corners_are_best_taken_along_the_edge() -> None:
    """4, 8 and 12 steps either way round; the diagonal corner first would take 8, 12 and 20."""
    stops = best_stops(5, corner_goals(5))
    assert stops in [(4, 24, 20), (20, 24, 4)]
    assert sorted(GridSearch(5, stops).steps_to(goal) for goal in corner_goals(5)) == [4, 8, 12]


def test_it_searches_once_and_then_takes_the_shortest_way() -> None:
    goals = list(range(1, 25))
    played = _play(GridSearch(5, sweep(5)), goals)
    assert played.steps[:, 0].double().mean() == 12.5
    assert played.steps[:, 1:].tolist() == [[goal // 5 + goal % 5] * 2 for goal in goals]
    assert not played.timed_out.any()


def test_without_memory_every_episode_is_the_first_and_told_none_is() -> None:
    goals = [4, 24, 20]
    forgetful = _play(GridSearch(5, (4, 24, 20), remembers=False), goals)
    assert forgetful.steps.tolist() == [[4] * 3, [8] * 3, [12] * 3]
    told = _play(GridSearch(5, (4,), told=True), goals)
    assert told.steps.tolist() == [[4] * 3, [8] * 3, [4] * 3]


def test_a_goal_off_its_route_is_never_found() -> None:
    played = _play(GridSearch(5, (4, 24, 20)), [12, 9])
    assert played.timed_out.tolist() == [[True] * 3, [False] * 3]
    assert played.steps[1].tolist() == [5, 5, 5]


def test_refusals() -> None:
    with pytest.raises(ValueError, match=r"stops: expected cells 1\.\.24, got \[0\]"):
        GridSearch(5, [0])
    with pytest.raises(ValueError, match="at most 7"):
        best_stops(5, range(1, 10))
    with pytest.raises(ValueError, match="told the goal needs them"):
        GridSearch(5, [4], told=True).initial_state(1)
