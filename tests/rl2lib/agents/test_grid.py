import pytest
import torch

from rl2lib.agents.grid import FAR, GridOracle, GridSearcher, distances
from rl2lib.evaluation.curves import episodes, steps_curve
from rl2lib.evaluation.evaluate import play
from rl2lib.tasks.catalogue import make_task
from rl2lib.tasks.gridworld import GridEnv, GridTasks, free_cells
from rl2lib.tasks.sampling import make_generators


def test_ways_around_a_wall_by_hand() -> None:
    # . # .
    # . # .
    # . . .
    env = GridEnv(3, walls=(1, 4))
    steps = distances(env)
    assert steps[0, [0, 3, 6, 7, 8, 5, 2]].tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert steps[0, 1] >= FAR
    assert env.neighbours()[0].tolist() == [0, 0, 3, 0]  # up and left an edge, right a wall


def test_neighbours_are_where_the_environment_leads() -> None:
    distribution, env = make_task("one-shot-navigation", size=5, horizon=20)
    assert isinstance(env, GridEnv)
    tasks = distribution.sample(64, make_generators(0, "tasks")["tasks"])
    generator = torch.Generator().manual_seed(0)
    cell = env.reset(tasks, generator).argmax(dim=1)
    for _ in range(30):
        action = torch.randint(4, (64,), generator=generator)
        step = env.step(action)
        arrived = step.observation.argmax(dim=1)
        expected = env.neighbours()[cell, action]
        assert torch.equal(arrived[~step.episode_end], expected[~step.episode_end])
        assert torch.equal(step.reward > 0, expected == tasks.goal)
        cell = arrived


def test_the_oracle_needs_exactly_the_distance() -> None:
    distribution, env = make_task("one-shot-navigation", size=7, horizon=50, episodes_per_trial=2)
    assert isinstance(env, GridEnv)
    tasks = distribution.sample(100, make_generators(0, "tasks")["tasks"])
    trials = play(GridOracle(env), env, tasks, seed=0)
    start = trials.observation[:, 0].argmax(dim=1)
    assert torch.equal(episodes(trials).steps[:, 0], distances(env)[start, tasks.goal])
    with pytest.raises(ValueError, match="must be told"):
        GridOracle(env).initial_state(1)


def test_the_searcher_visits_every_cell_and_then_walks_the_shortest_way() -> None:
    distribution, env = make_task("one-shot-navigation", size=7, horizon=200, episodes_per_trial=3)
    assert isinstance(env, GridEnv)
    goals = torch.tensor(free_cells(7, env.walls)).repeat(4)
    plain = distribution.sample(len(goals), torch.Generator())
    tasks = GridTasks(goals, plain.direction, plain.slip)
    trials = play(GridSearcher(env), env, tasks, seed=0)
    played = episodes(trials)
    assert not bool(played.timed_out.any())
    assert int(played.steps[:, 0].max()) < 2 * len(free_cells(7, env.walls))
    # its later episodes are as short as the oracle's
    begins = trials.step_inputs().prev_end.bool() & trials.mask
    starts = trials.observation.argmax(dim=2)[begins].reshape(len(goals), 2)
    assert torch.equal(played.steps[:, 1:], distances(env)[starts, goals[:, None]])
    assert steps_curve(trials).mean[0] > 3 * steps_curve(trials).mean[1]
