import math

import pytest
import torch
from torch import Tensor

from rl2lib.tasks.gridworld import (
    GoalGrids,
    GridEnv,
    GridTasks,
    PermutedGrids,
    SlipperyGrids,
    cliff,
    corner_goals,
    four_rooms,
    free_cells,
    held_out_goals,
)

UP, RIGHT, DOWN, LEFT = range(4)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def one_task(goal: int, slip: float = 0.0, direction: tuple[int, ...] = (0, 1, 2, 3), num: int = 1) -> GridTasks:
    return GridTasks(torch.full((num,), goal), torch.tensor([direction]).repeat(num, 1), torch.full((num,), slip))


def walk(env: GridEnv, tasks: GridTasks, moves: list[int]) -> list[tuple[int, float, bool, bool]]:
    env.reset(tasks, generator())
    told = []
    for move in moves:
        step = env.step(torch.tensor([move]))
        cell, reward = int(step.observation.argmax()), round(float(step.reward), 4)
        told.append((cell, reward, bool(step.episode_end), bool(step.timed_out)))
    return told


def test_an_episode_by_hand() -> None:
    env = GridEnv(3, horizon=5, episodes_per_trial=2)
    moves = [UP, LEFT, RIGHT, DOWN, RIGHT, RIGHT, RIGHT, RIGHT]
    assert walk(env, one_task(goal=5), moves) == [
        (0, -0.04, False, False),  # against the upper edge
        (0, -0.04, False, False),
        (1, -0.04, False, False),
        (4, -0.04, False, False),
        (0, 0.96, True, False),  # the goal, at the horizon: reached and not timed out
        (1, -0.04, False, False),
        (2, -0.04, False, False),
        (2, -0.04, False, False),  # against the right edge
    ]
    assert [ended for *_, ended, _ in walk(env, one_task(goal=8), [UP] * 10)] == [False] * 4 + [True] + [False] * 4 + [
        True
    ]


def test_walls_stop_and_pits_end() -> None:
    env = GridEnv(3, horizon=9, walls=(1,), pits=(4,))
    assert walk(env, one_task(goal=8), [RIGHT, DOWN, RIGHT, DOWN]) == [
        (0, -0.04, False, False),
        (3, -0.04, False, False),
        (0, -1.04, True, False),
        (3, -0.04, False, False),
    ]


def test_actions_mean_what_the_task_says() -> None:
    env = GridEnv(3, horizon=9)
    assert [cell for cell, *_ in walk(env, one_task(8, direction=(2, 3, 0, 1)), [0, 3, 2, 1])] == [3, 4, 1, 0]


def test_slipping_goes_in_any_direction_equally_often() -> None:
    rows = 20_000
    env = GridEnv(3, horizon=9)
    env.reset(one_task(8, slip=0.6, num=rows), generator())
    env.step(torch.full((rows,), DOWN))
    env.reset(one_task(8, slip=0.6, num=rows), generator(1))
    share = env.step(torch.full((rows,), RIGHT)).observation.mean(dim=0)
    # .4 + .15 to the right, .15 down, up and left stay
    expected = torch.tensor([0.3, 0.55, 0, 0.15, 0, 0, 0, 0, 0])
    torch.testing.assert_close(share, expected, atol=0.018, rtol=0)  # five standard errors


def test_the_expected_reward_of_a_slippery_step_by_hand() -> None:
    env = GridEnv(2, horizon=9, pits=(2,))
    env.reset(one_task(goal=1, slip=0.4), generator())
    step = env.step(torch.tensor([RIGHT]))
    assert step.expected_reward is not None
    # .6 + .1 to the goal, .1 into the pit
    assert math.isclose(float(step.expected_reward), -0.04 + 0.7 * 1.0 + 0.1 * -1.0, rel_tol=1e-5)


def test_three_goals_and_the_held_out_ones_share_no_cell_and_leave_none_out() -> None:
    for size in (2, 3, 5, 8):
        trained, held_out = set(corner_goals(size)), set(held_out_goals(size))
        assert len(trained) == 3 and not trained & held_out
        assert trained | held_out == set(range(1, size * size))
    draws = GoalGrids(5, corner_goals(5)).sample(3000, generator()).goal
    values, counts = draws.unique(return_counts=True)
    assert values.tolist() == [4, 20, 24] and bool(((counts - 1000).abs() < 130).all())
    assert GoalGrids(4).sample(2000, generator()).goal.unique().tolist() == list(range(1, 16))


def test_three_goals_are_best_searched_in_8_steps_and_then_returned_to_in_16_thirds() -> None:
    """Along the edge: 4, 8 or 12 steps to the corners of a 5 × 5 grid; then straight there in 4, 8 or 4."""
    tasks = GridTasks(torch.tensor(corner_goals(5)), torch.arange(4).repeat(3, 1), torch.zeros(3))
    env = GridEnv(5, horizon=30, episodes_per_trial=2)
    observation = env.reset(tasks, generator())
    steps, episode, lengths = torch.zeros(3), torch.zeros(3, dtype=torch.int64), torch.zeros(3, 2)
    for _ in range(24):
        cell = observation.argmax(dim=1)
        row, column = cell // 5, cell % 5
        search = torch.where(column < 4, torch.where(row == 4, LEFT, RIGHT), torch.where(row < 4, DOWN, LEFT))
        straight = torch.where(column < tasks.goal % 5, RIGHT, DOWN)
        step = env.step(torch.where(episode == 0, search, straight))
        steps += 1
        rows = torch.arange(3)[step.episode_end & (episode < 2)]
        lengths[rows, episode[rows]] = steps[rows]
        steps, episode = torch.where(step.episode_end, 0.0, steps), episode + step.episode_end
        observation = step.observation
    assert lengths.tolist() == [[4.0, 4.0], [8.0, 8.0], [12.0, 4.0]]
    assert lengths.mean(dim=0).tolist() == pytest.approx([8, 16 / 3])


def test_all_orders_of_the_controls_are_equally_likely() -> None:
    directions = PermutedGrids().sample(24_000, generator()).direction
    orders, counts = directions.unique(dim=0, return_counts=True)
    assert len(orders) == 24 and bool((orders.sort(dim=1).values == torch.arange(4)).all())
    assert bool(((counts - 1000).abs() < 160).all())


def plan(env: GridEnv, slip: float, policy: Tensor | None = None) -> tuple[float, Tensor]:
    """The value of an episode on the cliff and the policy [horizon, cells]; the optimal ones unless one is given."""
    cells = env.size**2
    everywhere = GridTasks(
        torch.full((cells,), env.size - 1), torch.arange(4).repeat(cells, 1), torch.full((cells,), slip)
    )
    env.reset(everywhere, generator())
    around, pit = env._neighbour, env._pit
    pays = env._reward(torch.arange(cells).expand(cells, cells))[0]
    ends = pit.clone()
    ends[env.size - 1] = True
    value, chosen = torch.zeros(cells), []
    for t in range(env.horizon - 1, -1, -1):
        arriving = pays + value * ~ends
        outcome = arriving[around]
        action_value = (1 - slip) * outcome + slip * outcome.mean(dim=1, keepdim=True)
        actions = action_value.argmax(dim=1) if policy is None else policy[t]
        value = action_value.gather(1, actions[:, None]).squeeze(1)
        chosen.append(actions)
    return float(value[0]), torch.stack(chosen[::-1])


def test_whether_it_is_slippery_matters_at_the_cliff() -> None:
    """Dry: six steps round the pits, 1 − .24; on ice the dry plan falls, and knowing which is worth something."""
    env = GridEnv(5, horizon=30, pits=cliff(5))
    dry_value, dry_plan = plan(env, 0.0)
    ice_value, ice_plan = plan(env, 0.5)
    assert math.isclose(dry_value, 1 - 6 * 0.04, abs_tol=1e-5)
    assert plan(env, 0.5, dry_plan)[0] < ice_value - 0.2
    assert plan(env, 0.0, ice_plan)[0] < dry_value - 0.05
    slips = SlipperyGrids().sample(1000, generator())
    assert slips.slip.unique().tolist() == [0.0, 0.5] and set(slips.goal.tolist()) == {4}
    assert abs(float((slips.slip == 0).float().mean()) - 0.5) < 0.08


@pytest.mark.parametrize("size", [5, 9, 11])
def test_four_rooms_are_four_and_connected(size: int) -> None:
    walls = set(four_rooms(size))
    reached, frontier = {0}, [0]
    while frontier:
        cell = frontier.pop()
        row, column = divmod(cell, size)
        for r, c in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
            if 0 <= r < size and 0 <= c < size and (r * size + c) not in walls | reached:
                reached.add(r * size + c)
                frontier.append(r * size + c)
    assert reached == set(free_cells(size, tuple(walls)))
    assert len(walls) == 2 * size - 1 - 4, "a cross less four doors"


def test_one_shot_navigation_starts_anywhere_but_on_the_goal() -> None:
    walls = four_rooms(5)
    env = GridEnv(5, horizon=3, episodes_per_trial=2, walls=walls, random_start=True)
    goal = 12 if 12 not in walls else 24
    starts = [env.reset(one_task(goal, num=6000), generator()).argmax(dim=1)]
    for _ in range(3):
        step = env.step(torch.zeros(6000, dtype=torch.int64))
    starts.append(step.observation.argmax(dim=1)[step.timed_out])
    for start in starts:
        cells, counts = start.unique(return_counts=True)
        assert set(cells.tolist()) == set(free_cells(5, walls)) - {goal}
        assert float((counts / len(start) - 1 / len(cells)).abs().max()) < 0.02
    assert not torch.equal(starts[0][: len(starts[1])], starts[1])


def test_bad_layouts_and_tasks_are_named() -> None:
    with pytest.raises(ValueError, match="size: expected a side of at least 2, got 1"):
        GridEnv(1)
    with pytest.raises(ValueError, match=r"walls: expected cells 0\.\.8 of a 3×3 grid, got 9"):
        GridEnv(3, walls=(9,))
    with pytest.raises(ValueError, match="cell 0 is the start"):
        GridEnv(3, pits=(0,))
    with pytest.raises(ValueError, match="step_reward: expected a finite"):
        GridEnv(3, step_reward=float("nan"))
    with pytest.raises(ValueError, match="goals: expected cells"):
        GoalGrids(3, (4, -1))
    with pytest.raises(ValueError, match="at least one cell"):
        GoalGrids(3, ())
    with pytest.raises(ValueError, match="goal: expected cells"):
        PermutedGrids(3, goal=11)
    with pytest.raises(ValueError, match="slips: expected a probability"):
        SlipperyGrids(3, (0.1, 1.1))
    with pytest.raises(ValueError, match="odd number"):
        four_rooms(6)
    for env, goal in ((GridEnv(3), 0), (GridEnv(3, walls=(4,)), 4), (GridEnv(3, pits=(5,)), 5)):
        with pytest.raises(ValueError, match="no wall, pit or start"):
            env.reset(one_task(goal), generator())
    with pytest.raises(ValueError, match=r"goal: expected values in \[0, 8\], got from 9"):
        GridEnv(3).reset(one_task(9), generator())
