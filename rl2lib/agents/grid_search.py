"""Searches a grid for its hidden goal along a fixed route, and walks straight to it ever after.

Nothing is seen of a goal before it is stepped on, so who must find it can do no better than to pass the cells in which
it may be in a good order: the exact optimum of the goal gridworld, and what a trained agent is compared with.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import NamedTuple

import torch
from torch import Tensor

from rl2lib.tasks.episodes import expect_counts
from rl2lib.tasks.gridworld import GridTasks
from rl2lib.types import RuleAgent, StepInput, expect_shape

UP, RIGHT, DOWN, LEFT = range(4)
MOST_PERMUTED = 7  # 5,040 orders; more stops would take longer than they are worth


class SearchState(NamedTuple):
    """What is known in a trial.

    Attributes:
        goal: [B] int64, the cell that pays; -1 while it is unknown.
        target: [B] int64, the cell that the last action led to.
        steps: [B] int64, how many the episode has had.
    """

    goal: Tensor
    target: Tensor
    steps: Tensor


class GridSearch(RuleAgent[SearchState]):
    """Follows a route from cell 0 until something pays, and from the next episode on takes the shortest way there.

    Args:
        size: the side of the grid.
        stops: the cells to pass, in this order, by shortest ways; then back to the start, and round again.
        remembers: False: it searches anew in every episode, as the best agent without a memory would.
        told: it knows the goal from the start: the informed maximum, no agent's target.
        device: where its state lives.

    Raises:
        ValueError: if there are no stops, or one is no cell of the grid other than the start.
    """

    def __init__(
        self,
        size: int,
        stops: Sequence[int],
        *,
        remembers: bool = True,
        told: bool = False,
        device: torch.device | str = "cpu",
    ) -> None:
        expect_counts(size=size)
        if not stops or not all(0 < stop < size * size for stop in stops):
            raise ValueError(f"stops: expected cells 1..{size * size - 1}, got {list(stops)}")
        self.size, self.remembers, self.sees_task = size, remembers, told
        self.device = torch.device(device)
        route = [0]
        for stop in (*stops, 0):
            while route[-1] != stop:
                route.append(_towards(size, route[-1], stop))
        self.route = tuple(route[1:])
        self._route = torch.tensor(self.route, device=self.device)

    def steps_to(self, goal: int) -> int:
        """Return how many steps the search takes to a goal on the route.

        Raises:
            ValueError: if the route does not pass it.
        """
        return self.route.index(goal) + 1

    def initial_state(self, batch_size: int, tasks: GridTasks | None = None) -> SearchState:
        """Return a trial's start.

        Raises:
            ValueError: if it is to be told the goals and is not.
        """
        start = torch.zeros(batch_size, dtype=torch.int64, device=self.device)
        if not self.sees_task:
            return SearchState(start - 1, start, start)
        if tasks is None:
            raise ValueError("tasks: who is told the goal needs them, got None")
        return SearchState(tasks.goal.to(self.device), start, start)

    def act(self, state: SearchState, inputs: StepInput, generator: torch.Generator) -> tuple[Tensor, SearchState]:
        """Return actions [B] (0 up, 1 right, 2 down, 3 left) and the next state."""
        num_cells = self.size * self.size
        expect_shape("inputs.observation", inputs.observation, "[B, size²]", (len(state.goal), num_cells))
        cell = inputs.observation.argmax(dim=1)
        ended = inputs.prev_end > 0
        goal = state.goal
        if self.remembers:
            goal = torch.where(ended & (inputs.prev_reward > 0), state.target, goal)
        steps = torch.where(ended, 0, state.steps)
        heading = torch.where(goal >= 0, goal, self._route[steps % len(self.route)])
        row, column = heading // self.size - cell // self.size, heading % self.size - cell % self.size
        vertical, horizontal = torch.where(row > 0, DOWN, UP), torch.where(column > 0, RIGHT, LEFT)
        action = torch.where(column != 0, horizontal, vertical)
        step = torch.where(column != 0, column.sign(), self.size * row.sign())
        return action, SearchState(goal, cell + step, steps + 1)


def best_stops(size: int, goals: Sequence[int]) -> tuple[int, ...]:
    """Return an order of equally likely goals whose search takes the fewest steps on average, from cell 0.

    For few goals all orders are tried; for every cell of the grid it is the sweep, which enters a new cell at every
    step, so that no search is faster. As every later episode takes the shortest way whatever the search was, the
    order is optimal for the whole trial.

    Raises:
        ValueError: for more goals than can be tried and fewer than all.
    """
    goals = tuple(sorted(set(goals)))
    if goals == tuple(range(1, size * size)):
        return sweep(size)
    if len(goals) > MOST_PERMUTED:
        raise ValueError(f"goals: expected at most {MOST_PERMUTED}, or every cell but the start, got {len(goals)}")

    def total(order: tuple[int, ...]) -> int:
        walked = summed = 0
        for here, there in zip((0, *order), order, strict=False):
            walked += _distance(size, here, there)
            summed += walked
        return summed

    return min(permutations(goals), key=total)


def sweep(size: int) -> tuple[int, ...]:
    """Return all cells but the start, row by row, to and fro."""
    rows = [range(row * size, (row + 1) * size) for row in range(size)]
    cells = [cell for number, row in enumerate(rows) for cell in (row if number % 2 == 0 else reversed(row))]
    return tuple(cells[1:])


def _distance(size: int, here: int, there: int) -> int:
    return abs(here // size - there // size) + abs(here % size - there % size)


def _towards(size: int, here: int, there: int) -> int:
    """The next cell on a shortest way, along the row first: what `act` does too."""
    if here % size != there % size:
        return here + (1 if there % size > here % size else -1)
    return here + (size if there > here else -size)
