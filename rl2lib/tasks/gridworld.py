"""Gridworlds with a hidden goal or hidden dynamics; the observation is the agent's cell as one-hot, [B, size²].

Cells are numbered row by row, cell 0 in the upper left corner. The four actions move up, right, down and left,
unless the task says otherwise; a step against a wall or off the grid stays where it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from rl2lib.tasks import sampling
from rl2lib.tasks.episodes import (
    EpisodicEnv,
    expect_counts,
    expect_finite,
    expect_probabilities,
    expect_record,
    expect_tasks,
)
from rl2lib.types import Step

NUM_MOVES = 4
MOVES = ("up", "right", "down", "left")


class GridTasks(NamedTuple):
    """N gridworlds.

    Attributes:
        goal: [N] int64, the cell of the goal.
        direction: [N, 4] int64, the direction (0 up, 1 right, 2 down, 3 left) in which each action moves.
        slip: [N] float32, the probability that a step goes in a direction drawn from all four instead.
    """

    goal: Tensor
    direction: Tensor
    slip: Tensor


def corner_goals(size: int) -> tuple[int, ...]:
    """Return the three corners other than the start: upper right, lower right, lower left."""
    expect_counts(size=size)
    return (size - 1, size * size - 1, size * (size - 1))


def held_out_goals(size: int) -> tuple[int, ...]:
    """Return all cells that are neither the start nor one of the three corners: goals never trained on."""
    return tuple(cell for cell in range(1, size * size) if cell not in corner_goals(size))


def four_rooms(size: int) -> tuple[int, ...]:
    """Return the walls of four rooms in a grid of odd `size`, at least 5: a cross with a door in each arm."""
    expect_counts(size=size)
    if size < 5 or size % 2 == 0:
        raise ValueError(f"size: expected an odd number of at least 5 for four rooms, got {size}")
    middle, doors = size // 2, (size // 4, size - 1 - size // 4)
    cross = {middle * size + i for i in range(size)} | {i * size + middle for i in range(size)}
    openings = {middle * size + door for door in doors} | {door * size + middle for door in doors}
    return tuple(sorted(cross - openings))


def free_cells(size: int, walls: tuple[int, ...]) -> tuple[int, ...]:
    """Return the cells that are no walls: where a goal may be when the agent starts anywhere."""
    expect_counts(size=size)
    return tuple(cell for cell in range(size * size) if cell not in walls)


def cliff(size: int) -> tuple[int, ...]:
    """Return the cells of the upper edge between its corners: pits on the short way from corner to corner."""
    expect_counts(size=size)
    return tuple(range(1, size - 1))


@dataclass(frozen=True)
class GoalGrids:
    """A goal drawn evenly from some cells; moves are plain.

    Attributes:
        size: the side of the grid, at least 2.
        goals: the cells it may be in; None: every cell but the start, cell 0.
    """

    size: int = 5
    goals: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        _expect_size(self.size)
        if self.goals is not None and not self.goals:
            raise ValueError("goals: expected at least one cell, got none")
        for goal in self.goals or ():
            _expect_cell("goals", goal, self.size)

    def sample(self, num_tasks: int, generator: torch.Generator) -> GridTasks:
        """Draw `num_tasks` goals."""
        expect_counts(num_tasks=num_tasks)
        goals = self.goals if self.goals is not None else tuple(range(1, self.size**2))
        cells = torch.tensor(goals, device=generator.device)
        return _plain(cells[sampling.integers(len(goals), num_tasks, generator)])


@dataclass(frozen=True)
class PermutedGrids:
    """Known goal, hidden controls: the four actions move in the four directions in an unknown order.

    Attributes:
        size: the side of the grid, at least 2.
        goal: the cell of the goal; None: the lower right corner.
    """

    size: int = 5
    goal: int | None = None

    def __post_init__(self) -> None:
        _expect_size(self.size)
        _expect_cell("goal", self.size**2 - 1 if self.goal is None else self.goal, self.size)

    def sample(self, num_tasks: int, generator: torch.Generator) -> GridTasks:
        """Draw `num_tasks` orders, each of the 24 equally likely."""
        expect_counts(num_tasks=num_tasks)
        goal = self.size**2 - 1 if self.goal is None else self.goal
        tasks = _plain(torch.full((num_tasks,), goal, device=generator.device))
        return tasks._replace(direction=sampling.uniform((num_tasks, NUM_MOVES), generator).argsort(dim=1))


@dataclass(frozen=True)
class SlipperyGrids:
    """Known goal in the upper right corner, hidden slipperiness.

    Together with the pits of `cliff(size)` it matters which: dry ground invites the short way along the edge,
    ice the long way round.

    Attributes:
        size: the side of the grid, at least 2.
        slips: the equally likely probabilities of slipping.
    """

    size: int = 5
    slips: tuple[float, ...] = (0.0, 0.5)

    def __post_init__(self) -> None:
        _expect_size(self.size)
        if not self.slips:
            raise ValueError("slips: expected at least one probability, got none")
        for slip in self.slips:
            expect_probabilities(slips=slip)

    def sample(self, num_tasks: int, generator: torch.Generator) -> GridTasks:
        """Draw `num_tasks` slipperinesses."""
        expect_counts(num_tasks=num_tasks)
        slips = torch.tensor(self.slips, dtype=torch.float32, device=generator.device)
        goal = torch.full((num_tasks,), self.size - 1, device=generator.device)
        return _plain(goal)._replace(slip=slips[sampling.integers(len(self.slips), num_tasks, generator)])


class GridEnv(EpisodicEnv):
    """Episodes that end at the goal, in a pit, or by the horizon.

    A step pays `step_reward`, and in addition `goal_reward` or `pit_reward` where it ends at the goal or in a pit.
    The fixed layout (walls, pits) is not part of a task. With `random_start` the agent is set down on a random free
    cell at each episode, and the trial is one-shot navigation: the goal is searched for once and then returned to
    from elsewhere (the layout fixed, the goal another in each trial: Wang et al. 2016, section 3.2.3).

    Args:
        size: the side of the grid, at least 2.
        horizon: the steps after which an episode times out.
        episodes_per_trial: n.
        walls: cells that cannot be entered.
        pits: cells that end the episode.
        random_start: start each episode on a random cell that is no wall, pit or goal; False: in cell 0.
        step_reward: paid at every step.
        goal_reward: paid in addition at the goal.
        pit_reward: paid in addition in a pit.
    """

    def __init__(
        self,
        size: int = 5,
        horizon: int = 30,
        episodes_per_trial: int = 3,
        *,
        walls: tuple[int, ...] = (),
        pits: tuple[int, ...] = (),
        random_start: bool = False,
        step_reward: float = -0.04,
        goal_reward: float = 1.0,
        pit_reward: float = -1.0,
    ) -> None:
        _expect_size(size)
        expect_finite(step_reward=step_reward, goal_reward=goal_reward, pit_reward=pit_reward)
        super().__init__(NUM_MOVES, (size * size,), horizon, episodes_per_trial)
        for name, cells in (("walls", walls), ("pits", pits)):
            for cell in cells:
                _expect_cell(name, cell, size)
        if 0 in (*walls, *pits) and not random_start:
            raise ValueError("walls, pits: cell 0 is the start; keep it free or set random_start=True")
        self.size, self.walls, self.pits, self.random_start = size, walls, pits, random_start
        self.step_reward, self.goal_reward, self.pit_reward = step_reward, goal_reward, pit_reward

    def reset(self, tasks: GridTasks, generator: torch.Generator) -> Tensor:
        """Start a trial in each grid; return the start cells as one-hot [B, size²].

        Raises:
            TypeError: if the tasks are no `GridTasks`.
            ValueError: if a goal is no free cell, a direction none of the four, or a slip no probability.
        """
        expect_record(tasks, GridTasks)
        num_cells, device = self.size**2, generator.device
        expect_tasks("goal", tasks.goal, "[B]", (), generator, low=0, high=num_cells - 1, dtype=torch.int64)
        directions = tasks.direction
        expect_tasks("direction", directions, "[B, 4]", (NUM_MOVES,), generator, low=0, high=3, dtype=torch.int64)
        expect_tasks("slip", tasks.slip, "[B]", (), generator, low=0, high=1)
        if not len(tasks.goal) == len(directions) == len(tasks.slip):
            sizes = [len(field) for field in tasks]
            raise ValueError(f"tasks: expected as many goals as directions and slips, got {sizes}")
        wall, pit = (self._marked(cells, device) for cells in (self.walls, self.pits))
        forbidden = wall | pit
        forbidden[0] |= not self.random_start
        if bool(forbidden[tasks.goal].any()):
            raise ValueError("goal: expected cells that are no wall, pit or start, got one that is")
        self._start(len(tasks.goal), generator)
        self._tasks, self._pit = tasks, pit
        self._neighbour = self.neighbours(device)
        at_goal = one_hot(tasks.goal, num_cells).bool()
        self._free = (~(wall | pit) & ~at_goal).to(torch.float32)
        self._cell = self._draw_start(generator)
        return self._observe()

    def step(self, actions: Tensor) -> Step:
        """Move in the direction that each action [B] means."""
        generator = self._begin_step(actions)
        slip = self._tasks.slip
        slipped = sampling.bernoulli(slip, generator).bool()
        intended = self._tasks.direction.gather(1, actions[:, None])
        drawn = sampling.integers(NUM_MOVES, len(actions), generator)[:, None]
        around = self._neighbour[self._cell]  # [B, 4] cells
        arrived = around.gather(1, torch.where(slipped[:, None], drawn, intended)).squeeze(1)
        rewards = self._reward(around)
        expected = (1 - slip) * rewards.gather(1, intended).squeeze(1) + slip * rewards.mean(dim=1)
        reward = self._reward(arrived[:, None]).squeeze(1)
        ends = self._end_step((arrived == self._tasks.goal) | self._pit[arrived])
        self._cell = torch.where(ends.episode_end, self._draw_start(generator), arrived)
        return Step(self._observe(), reward, *ends, expected)

    def neighbours(self, device: torch.device | str = "cpu") -> Tensor:
        """Return [cells, 4] int64, where a step up, right, down or left ends; at a wall or an edge, where it began."""
        size, wall = self.size, self._marked(self.walls, device)
        cells = torch.arange(size * size, device=device)
        row, column = cells // size, cells % size
        up, down = (row - 1).clamp(min=0) * size + column, (row + 1).clamp(max=size - 1) * size + column
        right, left = row * size + (column + 1).clamp(max=size - 1), row * size + (column - 1).clamp(min=0)
        around = torch.stack([up, right, down, left], dim=1)
        return torch.where(wall[around], cells[:, None], around)

    def _marked(self, cells: tuple[int, ...], device: torch.device | str) -> Tensor:
        marked = torch.zeros(self.size**2, dtype=torch.bool, device=device)
        marked[torch.tensor(cells, dtype=torch.int64, device=device)] = True
        return marked

    def _reward(self, cells: Tensor) -> Tensor:
        """The reward of arriving in cells [B, N]."""
        at_goal = (cells == self._tasks.goal[:, None]).to(torch.float32)
        return self.step_reward + self.goal_reward * at_goal + self.pit_reward * self._pit[cells].to(torch.float32)

    def _draw_start(self, generator: torch.Generator) -> Tensor:
        if not self.random_start:
            return torch.zeros_like(self._tasks.goal)
        return sampling.index(self._free, generator)

    def _observe(self) -> Tensor:
        return one_hot(self._cell, self.size**2).to(torch.float32)


def _plain(goal: Tensor) -> GridTasks:
    order = torch.arange(NUM_MOVES, device=goal.device).expand(len(goal), NUM_MOVES)
    return GridTasks(goal, order, torch.zeros(goal.shape, dtype=torch.float32, device=goal.device))


def _expect_size(size: int) -> None:
    expect_counts(size=size)
    if size < 2:
        raise ValueError(f"size: expected a side of at least 2, got {size}")


def _expect_cell(name: str, cell: int, size: int) -> None:
    if not 0 <= cell < size * size:
        raise ValueError(f"{name}: expected cells 0..{size * size - 1} of a {size}×{size} grid, got {cell}")
