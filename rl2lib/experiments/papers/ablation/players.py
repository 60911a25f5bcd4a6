"""Who plays, and what every ablation costs."""

from __future__ import annotations

from typing import Any

import torch
from msgspec.structs import replace
from torch import Tensor

from rl2lib.agents.bandit import Random
from rl2lib.agents.bayes_optimal import BayesOptimal, bayes_optimal_value
from rl2lib.agents.optimism import TransitionBlind
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.agents.tabular import Oracle
from rl2lib.evaluation.choice import acting_best, best_of, draw_tasks
from rl2lib.evaluation.curves import return_curve
from rl2lib.evaluation.evaluate import Player, compare, play, scores
from rl2lib.evaluation.rows import Measured, Point, Row
from rl2lib.evaluation.statistics import over_tasks_and_seeds
from rl2lib.experiments.papers.ablation.trained import (
    ABLATIONS,
    BANDIT,
    CELLS,
    FORGETS,
    FORGETS_ONCE,
    ID,
    MDP_SIZE,
    NUM_ARMS,
    NUM_PULLS,
    SIZES,
    WHOLE,
    run_name,
    setting,
)
from rl2lib.experiments.plan import Scale, Trained
from rl2lib.types import TrialEnv

RL2 = "RL²"


def measure(cell: str, scale: Scale, trained: Trained) -> Measured:
    """Play everybody of a cell on the same tasks, and say what every ablation costs."""
    distribution, env = setting(cell)
    size, place = SIZES[scale], 1 + CELLS.index(cell)
    tasks, validation = draw_tasks(distribution, size, "ablation", seed=place)
    acting = {
        what: acting_best(trained.policies(run_name(cell, what)), env, validation, seed=place)
        for what in (WHOLE, *ABLATIONS)
    }
    players = [
        Player("Random", [Random(env.num_actions)]),
        *(Player(RL2, policies, what, seeds=len(policies)) for what, policies in acting.items()),
    ]
    if cell == BANDIT:
        players.append(Player("Bayes-optimal", [BayesOptimal(NUM_ARMS, NUM_PULLS)]))
    else:
        shape = MDP_SIZE["num_states"], MDP_SIZE["num_actions"], MDP_SIZE["horizon"]
        rules = [(f"c = {step / 4:g}", TransitionBlind(*shape, step / 4)) for step in range(7)]
        chosen, rule = best_of(rules, env, validation, seed=place)
        players += [
            Player("Transition-blind rule", [rule], "true prior", setting=chosen),
            Player("Oracle, told the task", [Oracle(MDP_SIZE["horizon"])]),
        ]
    reference = "Bayes-optimal" if cell == BANDIT else "Oracle, told the task"
    rows = compare(ID, cell, players, env, tasks, seed=place, random="Random", reference=reference).rows
    rows = [replace(row, ceiling=own_optimum(cell, row), ceiling_is=_known(cell, row)) for row in rows]
    played = {what: [scores(one, env, tasks, seed=place) for one in policies] for what, policies in acting.items()}
    points = [cost(cell, what, played[WHOLE], played[what]) for what in ABLATIONS]
    for what, policies in acting.items():
        points += _by_episode(cell, what, policies, env, tasks, place)
    return Measured(rows, points)


def own_optimum(cell: str, row: Row) -> float | None:
    """Return the most that an agent of a row's kind can expect, exactly; None where it is not known."""
    if cell != BANDIT or row.agent == "Random":
        return None
    if row.variant in ("no previous reward", FORGETS):
        return NUM_PULLS * 0.5  # nothing tells one arm from another
    if row.variant == FORGETS_ONCE:
        return 2 * bayes_optimal_value(NUM_ARMS, NUM_PULLS // 2)
    return bayes_optimal_value(NUM_ARMS, NUM_PULLS)


def _known(cell: str, row: Row) -> str:
    return "" if own_optimum(cell, row) is None else "exact"


def cost(cell: str, what: str, whole: list[Tensor], without: list[Tensor]) -> Point:
    """Return what an ablation costs in trial return, paired over tasks, with a 95% interval.

    The interval holds the noise of the tasks and, where there are several seeds, of the seeds.

    Args:
        cell: the cell's name.
        what: the ablation.
        whole: scores [N] of the whole agent, one tensor a seed.
        without: the same of the other.
    """
    lost = over_tasks_and_seeds([one.double() - other.double() for one, other in zip(whole, without, strict=True)])
    return Point(ID, cell, f"cost: {what}", 0.0, lost.mean, lost.low, lost.high)


def _by_episode(
    cell: str, what: str, policies: list[SoftmaxPolicy], env: TrialEnv[Any], tasks: Any, place: int
) -> list[Point]:
    """Expected reward of every episode, the mean over seeds and their range."""
    curves = [return_curve(play(policy, env, tasks, seed=place), expected=True).mean for policy in policies]
    means = torch.stack(curves)
    points = zip(*(line.tolist() for line in (means.mean(dim=0), means.amin(dim=0), means.amax(dim=0))), strict=True)
    return [Point(ID, cell, f"reward: {what}", number, *point) for number, point in enumerate(points, start=1)]
