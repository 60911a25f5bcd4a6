"""Who plays Harlow's task, whose images nobody has met."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rl2lib.agents.bandit import Random
from rl2lib.agents.harlow import HarlowOptimal
from rl2lib.evaluation.choice import acting_best, draw_tasks
from rl2lib.evaluation.curves import return_curve
from rl2lib.evaluation.evaluate import Player, compare, median_of, play
from rl2lib.evaluation.rows import Measured, Point
from rl2lib.experiments.papers.harlow.trained import CEILING, CELLS, CHOICES, ID, LAYERS, SIZES, run_name, setting
from rl2lib.experiments.plan import Scale, Trained

RL2, OPTIMAL, RANDOM = "RL²", "Optimal", "Random"
LEARNING = "learning"
MOST_POINTS = 60  # of a learning curve


def measure(cell: str, scale: Scale, trained: Trained) -> Measured:
    """Play everybody of a cell on the same tasks, whose images nobody has met."""
    seed = CELLS[cell]
    distribution, env = setting(seed)
    tasks, validation = draw_tasks(distribution, SIZES[scale], "harlow", seed=seed)
    players = [Player(RANDOM, [Random(2)]), Player(OPTIMAL, [HarlowOptimal()])]
    for layers, variant in LAYERS.items():
        policies = trained.policies(run_name(cell, layers))
        acting = acting_best(policies, env, validation, seed=seed)
        players.append(Player(RL2, acting, variant, seeds=len(policies)))
    rows = compare(
        ID, cell, players, env, tasks, seed=seed, random=RANDOM, reference=OPTIMAL, ceiling=CEILING, chunk=len(tasks)
    ).rows
    points = []
    for player in players:
        curves = [return_curve(play(policy, env, tasks, seed=seed)) for policy in player.policies]
        curves.sort(key=lambda curve: curve.mean.sum().item())
        curve = median_of(curves)
        numbers = zip(*(part.tolist() for part in (curve.x, curve.mean, curve.low, curve.high)), strict=True)
        points += [Point(ID, cell, player.name, *place) for place in numbers]
    for layers, variant in LAYERS.items():
        points += learning(cell, f"{RL2} ({variant})", trained.cards(run_name(cell, layers)))
    return Measured(rows, points)


def learning(cell: str, name: str, cards: list[dict[str, Any]]) -> list[Point]:
    """Return the right choices of ten while a network learned, against trials: the median seed and the range of all."""
    returns = np.array([card["history"]["trial_return"] for card in cards])
    trials = np.array(cards[0]["history"]["env_steps"]) / CHOICES
    kept = range(0, len(trials), math.ceil(len(trials) / MOST_POINTS))
    lines = (trials, np.median(returns, axis=0), returns.min(axis=0), returns.max(axis=0))
    return [Point(ID, cell, f"{name}, {LEARNING}", *(float(line[i]) for line in lines)) for i in kept]


NETWORKS = tuple(f"{RL2} ({variant})" for variant in LAYERS.values())
