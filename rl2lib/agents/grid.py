"""Two agents that know a grid's layout: one is told the goal, one must search for it, and both walk shortest ways.

Between them lies whoever must find the layout out as well. Moves must be plain: no slipping, no exchanged controls.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from rl2lib.tasks.gridworld import GridEnv, GridTasks
from rl2lib.types import RuleAgent, StepInput

FAR = 1_000_000
"""The distance of a cell that cannot be reached."""


def distances(env: GridEnv) -> Tensor:
    """Return [cells, cells] int64, the fewest steps from one to another; `FAR` or more where there is no way."""
    around = env.neighbours()
    num_cells = len(around)
    steps = torch.full((num_cells, num_cells), FAR)
    steps.fill_diagonal_(0)
    while True:
        shorter = torch.minimum(steps, steps[around].amin(dim=1) + 1)
        if torch.equal(shorter, steps):
            return steps
        steps = shorter


class GridOracle(RuleAgent[Tensor], sees_task=True):
    """Is told the goal and walks there: the fewest steps that anybody can need.

    Args:
        env: the grid it plays in.
    """

    def __init__(self, env: GridEnv) -> None:
        self._around, self._steps = env.neighbours(), distances(env)

    def initial_state(self, batch_size: int, tasks: GridTasks | None = None) -> Tensor:
        """Return the goals [B].

        Raises:
            ValueError: if it is not told them.
        """
        if tasks is None:
            raise ValueError("tasks: the oracle must be told the grids' goals, got None")
        return tasks.goal

    def act(self, state: Tensor, inputs: StepInput, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return moves [B] along a shortest way, the first of several in the order of the actions."""
        cell = inputs.observation.argmax(dim=1)
        return self._steps[self._around[cell], state[:, None]].argmin(dim=1), state


class Search(NamedTuple):
    """What the searcher remembers of its trial.

    Attributes:
        visited: [B, cells] bool.
        goal: [B] int64, the goal's cell; -1 as long as it has not been found.
        cell: [B] int64, where it was when it acted last.
        steps: how often it has acted.
    """

    visited: Tensor
    goal: Tensor
    cell: Tensor
    steps: int


class GridSearcher(RuleAgent[Search]):
    """Walks to the nearest cell that it has not visited until it finds the goal, and from then on straight there.

    From the second success on no agent can do better; its search is a good rule, not the optimum.

    Args:
        env: the grid it plays in; the goal's reward must outweigh a step's.
    """

    def __init__(self, env: GridEnv) -> None:
        self._around, self._steps = env.neighbours(), distances(env)
        self._forbidden = torch.zeros(len(self._around), dtype=torch.bool)
        self._forbidden[list(env.walls)] = True

    def initial_state(self, batch_size: int, tasks: Any = None) -> Search:
        """Return a trial's start: nothing visited; the tasks are not looked at."""
        nowhere = torch.full((batch_size,), -1)
        return Search(self._forbidden.repeat(batch_size, 1), nowhere, nowhere, 0)

    def act(self, state: Search, inputs: StepInput, generator: torch.Generator) -> tuple[Tensor, Search]:
        """Return moves [B]; among cells equally near it takes the one of the lowest number."""
        cell, goal, row = inputs.observation.argmax(dim=1), state.goal, torch.arange(len(state.goal))
        visited = state.visited.clone()
        visited[row, cell] = True
        if state.steps:
            # an episode's end hides where the last step led: it is looked up
            arrived = self._around[state.cell, inputs.prev_action]
            visited[row, arrived] = True
            goal = torch.where((inputs.prev_end > 0) & (inputs.prev_reward > 0), arrived, goal)
        nearest = torch.where(visited, 2 * FAR, self._steps[cell]).argmin(dim=1)
        target = torch.where(goal >= 0, goal, nearest)
        action = self._steps[self._around[cell], target[:, None]].argmin(dim=1)
        return action, Search(visited, goal, cell, state.steps + 1)
