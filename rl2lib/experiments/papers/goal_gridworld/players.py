"""Who plays beside the trained agents, on training goals and on held-out ones, and what is noted episode by episode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from rl2lib.agents.bandit import Random
from rl2lib.agents.forgetful import Wiped
from rl2lib.agents.grid_search import GridSearch, best_stops, sweep
from rl2lib.evaluation.choice import acting_best
from rl2lib.evaluation.curves import Episodes, episodes
from rl2lib.evaluation.evaluate import Player, compare, play
from rl2lib.evaluation.rows import Measured, Point
from rl2lib.evaluation.statistics import paired_difference
from rl2lib.experiments.papers.goal_gridworld.trained import (
    ALL,
    ALL_CELLS,
    FOLD_CELLS,
    GROUPS,
    HELD_OUT,
    ID,
    KINDS,
    RECURRENT,
    SIZE,
    SIZES,
    TWIN,
)
from rl2lib.experiments.plan import Scale, Trained
from rl2lib.tasks.gridworld import GoalGrids, GridEnv, GridTasks
from rl2lib.tasks.sampling import make_generators

OPTIMAL, NO_MEMORY, ORACLE, SWEEP = "Optimal search", "Search without memory", "Told the goal", "Search of all cells"
WIPED = "wiped between episodes"
MET_ALL, BEFORE = "trained on all cells", "for its training goals"


def even_tasks(goals: Sequence[int], at_least: int, generator: torch.Generator) -> GridTasks:
    """Return grids with every goal equally often, one after the other, at least so many in all."""
    copies = -(-at_least // len(goals))
    tasks = GoalGrids(SIZE).sample(copies * len(goals), generator)
    return tasks._replace(goal=torch.tensor(goals).repeat(copies))


def measure(cell: str, scale: Scale, trained: Trained) -> Measured:
    """Play everybody of a cell on the same goals."""
    name = cell.removesuffix(HELD_OUT)
    group, size, env = GROUPS[name], SIZES[scale], GridEnv(SIZE)
    is_fold = name in FOLD_CELLS
    new = is_fold or name != cell
    goals = tuple(goal for goal in ALL_CELLS if (goal in group.goals) != new)
    seed = 1 + tuple(GROUPS).index(name) + 100 * new
    generators = make_generators(seed, "goal gridworld: test", "goal gridworld: validation")
    tasks = even_tasks(goals, size.test_tasks, generators["goal gridworld: test"])
    # the way of acting is chosen on training goals: a held-out one must not help in any choice
    validation = GoalGrids(SIZE, group.goals).sample(size.validation_tasks, generators["goal gridworld: validation"])

    players = [Player("Random", [Random(4)]), Player(ORACLE, [GridSearch(SIZE, goals, told=True)])]
    if not is_fold:
        stops = best_stops(SIZE, group.goals)
        players.append(Player(OPTIMAL, [GridSearch(SIZE, stops)], BEFORE if new else ""))
    if new:
        players.append(Player(SWEEP, [GridSearch(SIZE, sweep(SIZE))]))
    else:
        players.append(Player(NO_MEMORY, [GridSearch(SIZE, stops, remembers=False)]))
    for agent, kind in KINDS.items():
        if not (is_fold and agent == TWIN):
            acting = acting_best(trained.policies(f"{name}-{kind}"), env, validation, seed=seed)
            players.append(Player(agent, acting, group.learner, seeds=len(acting)))
            if not new:
                wiped: list[Any] = [Wiped(policy) for policy in acting]
                players.append(Player(agent, wiped, WIPED, seeds=len(acting)))
    if is_fold:
        acting = acting_best(trained.policies(f"{ALL}-recurrent"), env, validation, seed=seed)
        players.append(Player(RECURRENT, acting, MET_ALL, seeds=len(acting)))
    reference = ORACLE if new else OPTIMAL
    ceiling = None if new else optimum(group.goals)
    rows = compare(
        ID, cell, players, env, tasks, seed=seed, random="Random", reference=reference, ceiling=ceiling, chunk=3_000
    ).rows
    played = {
        player.name: [episodes(play(policy, env, tasks, seed=seed)) for policy in player.policies] for player in players
    }
    return Measured(rows, _points(cell, group.learner, played, tasks, new=new))


def optimum(goals: Sequence[int]) -> float:
    """Return the exact best expected trial return on equally likely goals: the best search, played once on each."""
    agent = GridSearch(SIZE, best_stops(SIZE, goals))
    trials = play(agent, GridEnv(SIZE), even_tasks(goals, 1, torch.Generator()), seed=0)
    return trials.trial_return().double().mean().item()


def _points(cell: str, learner: str, played: dict[str, list[Episodes]], tasks: GridTasks, *, new: bool) -> list[Point]:
    """Return, episode by episode, return and steps with their range over seeds; and what the claims rest on.

    That is by seed, each with its paired interval over tasks: how far an agent's later episodes are above its first,
    and how far the recurrent agent is above its twin; and of held-out goals how often each one is found.
    """
    points = []
    for name, seeds in played.items():
        for what in ("returns", "steps"):
            means = torch.stack([getattr(one, what).double().mean(dim=0) for one in seeds])
            for number, values in enumerate(means.unbind(dim=1)):
                ends = values.mean().item(), values.min().item(), values.max().item()
                points.append(Point(ID, cell, f"{name}: {what}", number + 1, *ends))
        rises = [paired_difference(one.returns[:, 1:].mean(dim=1), one.returns[:, 0]) for one in seeds]
        points += [Point(ID, cell, f"{name}: rise", i, r.mean, r.low, r.high) for i, r in enumerate(rises)]
        if new:
            found = torch.stack([(~one.timed_out).double().mean(dim=1) for one in seeds]).mean(dim=0)
            for goal in tasks.goal.unique().tolist():
                points.append(Point(ID, cell, f"{name}: found", goal, found[tasks.goal == goal].mean().item()))
    one, other = (played.get(f"{agent} ({learner})", []) for agent in (RECURRENT, TWIN))
    for number, (recurrent, twin) in enumerate(zip(one, other, strict=False)):
        ahead = paired_difference(recurrent.returns.sum(dim=1), twin.returns.sum(dim=1))
        points.append(Point(ID, cell, "recurrent over twin", number, ahead.mean, ahead.low, ahead.high))
    return points
