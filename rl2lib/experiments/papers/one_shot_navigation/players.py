"""Who walks: steps in the first episode of a trial, and in the later ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from rl2lib.agents.bandit import Random
from rl2lib.agents.forgetful import Wiped
from rl2lib.agents.grid import GridOracle, GridSearcher, distances
from rl2lib.evaluation.choice import acting_best, draw_tasks
from rl2lib.evaluation.curves import Episodes, episodes
from rl2lib.evaluation.evaluate import Player, compare, num_tasks, play
from rl2lib.evaluation.rows import Measured, Point
from rl2lib.evaluation.statistics import Estimate, over_tasks_and_seeds
from rl2lib.experiments.papers.one_shot_navigation.trained import ID, NUM_EPISODES, SIZES, course_of, run_name, setting
from rl2lib.experiments.plan import Scale, Trained
from rl2lib.nested import in_chunks
from rl2lib.tasks.gridworld import GridEnv, free_cells
from rl2lib.types import Policy, Trajectory, expect_kind

RL2, WIPED = "RL²", "RL², state wiped between episodes"
RANDOM, SEARCHER, ORACLE = "Random walk", "Nearest unvisited cell, knows the rooms", "Told the goal"
FIRST, LATER = "episode 1", f"episodes 2-{NUM_EPISODES}"
CHUNK = 500  # trials played at once; a random walk's are a thousand steps of a hundred numbers each


def measure(cell: str, scale: Scale, trained: Trained) -> Measured:
    """Play everybody of a cell on the same tasks: steps in the first episode, in the later ones, and in each."""
    size, course = SIZES[scale], course_of(cell, scale)
    distribution, env = setting(course)
    grid = expect_kind("env", env, GridEnv)
    tasks, validation = draw_tasks(distribution, size, "navigation", seed=course.size)
    agents = acting_best(trained.policies(run_name(cell)), env, validation, seed=course.size)
    players = [
        Player(RL2, agents, seeds=len(agents)),
        Player(WIPED, [Wiped(agent) for agent in agents], seeds=len(agents)),
        Player(RANDOM, [Random(env.num_actions)]),
        Player(SEARCHER, [GridSearcher(grid)]),
        Player(ORACLE, [GridOracle(grid)]),
    ]
    rows = []
    scored: tuple[tuple[str, Callable[[Trajectory], Tensor], float | None], ...] = (
        (FIRST, first_steps, None),
        (LATER, later_steps, shortest(grid)),
    )
    for variant, score, ceiling in scored:
        named = [replace(player, variant=variant) for player in players]
        rows += compare(
            ID,
            cell,
            named,
            env,
            tasks,
            seed=course.size,
            ceiling=ceiling,
            score=score,
            better="lower",
            chunk=CHUNK,
        ).rows
    points: list[Point] = []
    for player in players:
        every_seed = [_episodes(policy, env, tasks, course.size) for policy in player.policies]
        points += [*_by_episode(cell, player.agent, every_seed), *_saving(cell, player.agent, every_seed)]
    return Measured(rows, points)


def first_steps(trajectory: Trajectory) -> Tensor:
    """Return [B], the steps of the first episode; one that timed out counts with its whole length."""
    return episodes(trajectory).steps[:, 0].double()


def later_steps(trajectory: Trajectory) -> Tensor:
    """Return [B], the mean steps of the later episodes."""
    return episodes(trajectory).steps[:, 1:].double().mean(dim=1)


def shortest(env: GridEnv) -> float:
    """Return the exact mean of the shortest way from a free cell to another: what a known goal takes."""
    free = torch.tensor(free_cells(env.size, env.walls))
    between = distances(env)[free][:, free]
    return between.sum().item() / (len(free) * (len(free) - 1))


def _episodes(policy: Policy[Any], env: Any, tasks: Any, seed: int) -> Episodes:
    pieces = in_chunks(tasks, num_tasks(tasks), CHUNK)
    played = [episodes(play(policy, env, piece, seed=seed + 7919 * i)) for i, piece in enumerate(pieces)]
    return Episodes(*(torch.cat(parts) for parts in zip(*played, strict=True)))


def _by_episode(cell: str, agent: str, every_seed: list[Episodes]) -> list[Point]:
    """Steps and the share of successes in every episode."""
    points = []
    for number in range(NUM_EPISODES):
        steps = over_tasks_and_seeds([played.steps[:, number] for played in every_seed])
        found = over_tasks_and_seeds([~played.timed_out[:, number] for played in every_seed])
        points += [_point(cell, f"steps: {agent}", number + 1, steps)]
        points += [_point(cell, f"found: {agent}", number + 1, found)]
    return points


def _saving(cell: str, agent: str, every_seed: list[Episodes]) -> list[Point]:
    """How many steps shorter a later episode is than the first of its trial."""
    steps = [played.steps.double() for played in every_seed]
    saved = over_tasks_and_seeds([one[:, 0] - one[:, 1:].mean(dim=1) for one in steps])
    return [_point(cell, f"saved: {agent}", 0, saved)]


def _point(cell: str, line: str, x: float, found: Estimate) -> Point:
    return Point(ID, cell, line, x, found.mean, found.low, found.high)
