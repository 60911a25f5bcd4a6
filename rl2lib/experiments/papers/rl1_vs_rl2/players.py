"""Who plays beside RL² and RL¹, and what is noted of it: the exact optimum, and who is told the task from the start."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from rl2lib.agents.bandit import Oracle, Random
from rl2lib.agents.belief_optimal import CorridorOptimal, CorridorOracle, DependentBanditOptimal
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.agents.told import Told
from rl2lib.evaluation.curves import Curve, episodes, mean_curve
from rl2lib.evaluation.evaluate import Player, compare, play
from rl2lib.evaluation.rows import Measured, Point
from rl2lib.experiments.papers.rl1_vs_rl2.trained import (
    BANDIT,
    CELLS,
    CORRIDOR,
    HALF_LENGTH,
    ID,
    LONG_CORRIDOR,
    NUM_PULLS,
    PPO_VARIANT,
    RL1,
    SIZES,
    Plan,
    both_tasks,
    plans,
    policy_of,
    setting,
    stages_of,
)
from rl2lib.experiments.plan import Scale, Trained
from rl2lib.tasks.bandit import TWO_POINT
from rl2lib.types import Policy, Trajectory

PUBLISHED = {BANDIT: 9.5}
"""Of both agents alike (section 4); the corridor's number is in `claims`, since its size was not published."""
PUBLISHED_TRIALS = 20 * 100  # what the paper's means are over: runs times test rollouts
COUNTED = {CORRIDOR: 1, LONG_CORRIDOR: 2}
"""By what the steps of a trial, two episodes, are divided: the sum of both in one reading, the mean in the other."""
OPTIMAL, ORACLE = "Optimal", "Told the task"
GREEDY_VARIANT = f"{PPO_VARIANT}, likeliest actions"


def steps(trajectory: Trajectory, counted: int) -> Tensor:
    """Return the steps [B] of each trial, divided by `counted`."""
    return trajectory.mask.sum(dim=1).double() / counted


def measure(cell: str, scale: Scale, trained: Trained) -> Measured:
    """Play everybody of a cell on both of its tasks, equally often."""
    size, is_bandit, env = SIZES[scale], cell == BANDIT, setting(cell).env
    tasks = both_tasks(cell, size.bandit_tasks if is_bandit else size.corridor_tasks)
    optimal: Policy[Any]
    oracle: Policy[Any]
    if is_bandit:
        bandit = DependentBanditOptimal(TWO_POINT, NUM_PULLS)
        optimal, oracle, ceiling = bandit, Oracle(), bandit.value
    else:
        corridor = CorridorOptimal(HALF_LENGTH[cell])
        optimal, oracle = corridor, CorridorOracle(HALF_LENGTH[cell])
        ceiling = sum(corridor.expected_steps) / COUNTED[cell]
    there = plans(cell, scale)
    policies = {plan: [_in_plain_env(plan, policy) for policy in trained.policies(plan.name)] for plan in there}
    players = [Player("Random", [Random(2)]), Player(OPTIMAL, [optimal]), Player(ORACLE, [oracle])]
    for plan, several in policies.items():
        players.append(Player(plan.agent, several, plan.variant, PUBLISHED.get(cell), seeds=len(several)))
        if plan.variant == PPO_VARIANT:
            greedy = [_in_plain_env(plan, policy, greedy=True) for policy in trained.policies(plan.name)]
            players.append(Player(plan.agent, greedy, GREEDY_VARIANT, seeds=len(greedy)))
    ids = {"seed": 1 + CELLS.index(cell), "published_tasks": PUBLISHED_TRIALS, "ceiling": ceiling}
    if is_bandit:
        rows = compare(ID, cell, players, env, tasks, random="Random", reference=OPTIMAL, **ids).rows  # type: ignore[arg-type]
    else:
        score = partial(steps, counted=COUNTED[cell])
        rows = compare(ID, cell, players, env, tasks, score=score, better="lower", **ids).rows  # type: ignore[arg-type]
    random = next(row.mean for row in rows if row.agent == "Random")
    points: list[Point] = []
    for name, curve in (
        *((_line(plan), _by_episode(several, cell, env, tasks)) for plan, several in policies.items()),
        *((name, _by_episode([agent], cell, env, tasks)) for name, agent in ((OPTIMAL, optimal), (ORACLE, oracle))),
    ):
        lines = zip(*(part.tolist() for part in (curve.x, curve.mean, curve.low, curve.high)), strict=True)
        points += [Point(ID, cell, f"{name}: by episode", *line) for line in lines]
    for plan in there:
        metric = "trial_return" if is_bandit else "steps"
        learned = torch.tensor([card["history"][metric] for card in trained.cards(plan.name)])
        stage = next(stages_of(plan, scale, policy_of(plan, scale, 0), 0))
        trials = stage.training.iterations * stage.training.trials_per_iteration
        points += _learning(plan, learned / COUNTED.get(cell, 1), trials, random, ceiling)
    return Measured(rows, points)


def _in_plain_env(plan: Plan, policy: SoftmaxPolicy, *, greedy: bool = False) -> Any:
    acting = policy.acting("greedy" if greedy else "sampled")
    return Told(acting) if plan.agent == RL1 else acting


def _line(plan: Plan) -> str:
    return plan.agent if plan.variant == PPO_VARIANT else f"{plan.agent}, A2C"


def _by_episode(policies: Sequence[Policy[Any]], cell: str, env: Any, tasks: Tensor) -> Curve:
    """Reward of every pull, or steps of every episode; the interval is over runs."""
    means = []
    for number, policy in enumerate(policies):
        played = episodes(play(policy, env, tasks, seed=100 + number))
        means.append((played.returns if cell == BANDIT else played.steps.double()).mean(dim=0))
    return mean_curve(torch.stack(means))


def _learning(plan: Plan, learned: Tensor, trials: int, random: float, optimum: float) -> list[Point]:
    """The curve [runs, L] with the middle 80% of the runs, and when each run had come nine tenths of the way."""
    pieces = [piece.mean(dim=1) for piece in learned.tensor_split(min(60, learned.shape[1]), dim=1)]
    points = []
    for number, values in enumerate(pieces):
        low, high = values.quantile(0.1).item(), values.quantile(0.9).item()
        x = trials * (number + 1) / len(pieces)
        points.append(Point(ID, plan.cell, f"{_line(plan)}: learning", x, values.mean().item(), low, high))
    for run, when in enumerate(trials_to(learned, trials, random, optimum)):
        points.append(Point(ID, plan.cell, f"{_line(plan)}: trials to 90%", run, when))
    return points


def trials_to(learned: Tensor, trials: int, random: float, optimum: float, share: float = 0.9) -> list[float]:
    """Return after how many trials each curve [runs, L] had come a share of the way from random to the optimum.

    Means over three neighbours, against the luck of one batch; infinity for a run that never comes there.
    """
    length = learned.shape[1]
    smooth = learned.unfold(1, min(3, length), 1).mean(dim=-1)
    there = (smooth - random) / (optimum - random) >= share
    last = length - smooth.shape[1] + 1 + there.int().argmax(dim=1)  # of the first three whose mean is there
    return torch.where(there.any(dim=1), trials * last / length, torch.inf).tolist()
