"""Put the goal where it never was, and watch three trained agents look for it (notebook 06)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import torch

from rl2lib.evaluation.evaluate import play
from rl2lib.experiments import bundled
from rl2lib.experiments.papers.goal_gridworld.trained import ALL_CELLS, CORNERS, FOLD_CELLS, GROUPS, SIZE
from rl2lib.lab.explorables.base import Button, Choice, Control, Explorable, Slider
from rl2lib.tasks.gridworld import GridEnv, GridTasks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

THREE, EIGHTEEN, EVERY = "three corners", "18 cells", "all 24 cells"
RUNS = {
    THREE: "goal-gridworld/3_goals_ppo-recurrent",
    EIGHTEEN: "goal-gridworld/18_goals_a-recurrent",
    EVERY: "goal-gridworld/24_goals_ppo-recurrent",
}
SEED = 0
HORIZON, NUM_EPISODES = 30, 3


def training_goals(agent: str) -> tuple[int, ...]:
    """Return the cells that were goals when an agent was trained."""
    return {THREE: CORNERS, EIGHTEEN: GROUPS[FOLD_CELLS[0]].goals, EVERY: ALL_CELLS}[agent]


@lru_cache(maxsize=64)
def walk(agent: str, goal: int, luck: int) -> tuple[tuple[tuple[int, ...], bool], ...]:
    """Play one trial; return each episode's cells, from the start to where it ended, and whether the goal was found."""
    policy = bundled.load_or_train("goals").policy(RUNS[agent], SEED)
    env = GridEnv(SIZE, HORIZON, NUM_EPISODES)
    task = GridTasks(torch.tensor([goal]), torch.arange(4)[None], torch.zeros(1))
    trial = play(policy, env, task, seed=luck)
    cells = trial.observation[0].argmax(dim=-1).tolist()
    episodes, path = [], []
    for step, cell in enumerate(cells):
        path.append(cell)
        if trial.episode_end[0, step]:
            found = not bool(trial.timed_out[0, step])
            # the observation after an end is the next episode's first, so the last cell is worked out here
            path.append(goal if found else moved(cell, int(trial.action[0, step])))
            episodes.append((tuple(path), found))
            path = []
    return tuple(episodes)


def moved(cell: int, action: int) -> int:
    """Return the cell after a step up, right, down or left (0 to 3); walls hold."""
    row, column = divmod(cell, SIZE)
    down, right = ((-1, 0), (0, 1), (1, 0), (0, -1))[action]
    return min(max(row + down, 0), SIZE - 1) * SIZE + min(max(column + right, 0), SIZE - 1)


class Patrol(Explorable):
    """Where does an agent look for a goal that it never met?"""

    title = "Put the goal where it never was"

    def controls(self) -> dict[str, Control]:
        """The goal's place, who looks for it, and another walk of the same agent."""
        return {
            "agent": Choice("agent trained on", (THREE, EIGHTEEN, EVERY), THREE),
            "row": Slider("goal's row", 0, SIZE - 1, 1, 2),
            "column": Slider("goal's column", 0, SIZE - 1, 1, 2),
            "again": Button("Another walk"),
        }

    def state(self, agent: str = THREE, row: float = 2, column: float = 2, again: int = 0, **_: Any) -> dict[str, Any]:
        """Play one trial; a pure function of the controls. The start cannot be the goal: the cell beside it is."""
        cell = int(row) * SIZE + int(column)
        at_start = cell == 0
        goal = 1 if at_start else cell
        episodes = walk(agent, goal, int(again))
        trained = training_goals(agent)
        visited = {cell for path, _ in episodes for cell in path}
        return {
            "agent": agent,
            "goal": goal,
            "at_start": at_start,
            "met": goal in trained,
            "trained": trained,
            "episodes": episodes,
            "visited": len(visited),
            "corner_visits": sum(path.count(corner) for path, _ in episodes for corner in CORNERS),
        }

    def draw(self, state: Mapping[str, Any]) -> Figure:
        """One grid an episode."""
        import matplotlib.pyplot as plt

        figure, panels = plt.subplots(1, NUM_EPISODES, figsize=(9.2, 3.5), constrained_layout=True)
        for number, (axes, (path, found)) in enumerate(zip(panels, state["episodes"], strict=True), 1):
            _draw_episode(axes, state, path)
            outcome = f"found in {len(path) - 1} steps" if found else f"not found in {len(path) - 1} steps"
            axes.set_title(f"episode {number}: {outcome}", fontsize=10)
        return figure

    def describe(self, state: Mapping[str, Any]) -> str:
        """Say where the goal is, and how each episode went."""
        row, column = divmod(state["goal"], SIZE)
        told = [
            f"episode {number} {'finds it in' if found else 'does not find it in'} {len(path) - 1} steps"
            for number, (path, found) in enumerate(state["episodes"], 1)
        ]
        beside = "The start cannot be the goal, so it is the cell beside it. " if state["at_start"] else ""
        met = "one of its training goals" if state["met"] else "never a goal in its training"
        return (
            f"{beside}The goal is in row {row}, column {column}, {met}. The agent trained on {state['agent']}: "
            f"{', '.join(told)}. It is on {state['visited']} of 25 cells, {state['corner_visits']} times on a corner."
        )


def _draw_episode(axes: Axes, state: Mapping[str, Any], path: tuple[int, ...]) -> None:
    from rl2lib.evaluation.figures import PALETTE

    visits = [path.count(cell) for cell in range(SIZE * SIZE)]
    shades = [[min(visits[row * SIZE + column], 8) for column in range(SIZE)] for row in range(SIZE)]
    axes.imshow(shades, cmap="Blues", vmin=0, vmax=12, interpolation="nearest")
    # a walk crosses itself: every pass is drawn a little to the side of the one before
    x = [cell % SIZE + 0.22 * (step / len(path) - 0.5) for step, cell in enumerate(path)]
    y = [cell // SIZE + 0.22 * (step / len(path) - 0.5) for step, cell in enumerate(path)]
    axes.plot(x, y, color=PALETTE[0], linestyle="-", linewidth=1.5)
    axes.plot(x[0], y[0], marker="s", color="black", markersize=6, linestyle="none", label="start")
    axes.plot(x[-1], y[-1], marker="o", color=PALETTE[0], markersize=7, linestyle="none", label="where it ended")
    if len(state["trained"]) < len(ALL_CELLS):
        trained = state["trained"]
        axes.plot(
            [cell % SIZE for cell in trained],
            [cell // SIZE for cell in trained],
            marker="s",
            markersize=24,
            markerfacecolor="none",
            markeredgecolor="#777777",
            markeredgewidth=1,
            linestyle="none",
        )
    row, column = divmod(state["goal"], SIZE)
    axes.plot(column, row, marker="*", color=PALETTE[5], markersize=17, markeredgecolor="black", linestyle="none")
    axes.set(xticks=range(SIZE), yticks=range(SIZE), xlabel="column", ylabel="row")
    axes.set_xticks([tick - 0.5 for tick in range(1, SIZE)], minor=True)
    axes.set_yticks([tick - 0.5 for tick in range(1, SIZE)], minor=True)
    axes.grid(visible=False)
    axes.grid(which="minor", color="#BBBBBB")
    axes.tick_params(which="minor", length=0)
