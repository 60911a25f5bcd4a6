"""Who plays eleven arms beside the trained agents, and what is noted pull by pull and during training."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from rl2lib.agents.bandit import Random
from rl2lib.agents.eleven_arms import (
    INFORMATIVE_ARM,
    NUM_ARMS,
    PAYOUTS,
    EveryArmOnce,
    PaysForInformation,
    TargetThompson,
)
from rl2lib.evaluation.choice import acting_best, draw_tasks
from rl2lib.evaluation.curves import mean_curve
from rl2lib.evaluation.evaluate import Player, compare, median_of, scores
from rl2lib.evaluation.rows import Measured, Point
from rl2lib.experiments.papers.eleven_arms.trained import (
    FORMS,
    ID,
    PAYS,
    RETURN,
    SETTING,
    SIZES,
    Form,
    Size,
)
from rl2lib.experiments.plan import Scale, Trained
from rl2lib.tasks.wang import NUM_CANDIDATES
from rl2lib.types import Trajectory

OPTIMAL, TS, UCB, RANDOM = "Optimal", "Thompson", "UCB1", "Random"


def optimum(num_pulls: int) -> float:
    """Return what paying first earns on average: 20.55 in five pulls."""
    return sum(PAYOUTS[:NUM_CANDIDATES]) / NUM_CANDIDATES + PAYOUTS[-1] * (num_pulls - 1)


def pays(trajectory: Trajectory) -> Tensor:
    """Return [B], 1 where the informative arm was pulled at all."""
    return (trajectory.action == INFORMATIVE_ARM).any(dim=1).float()


def measure(cell: str, scale: Scale, trained: Trained) -> Measured:
    """Play everybody; a cell is what the same trials are scored by."""
    size = SIZES[scale]
    distribution, env = SETTING
    tasks, validation = draw_tasks(distribution, size, "eleven arms", seed=11)
    players = [
        Player(OPTIMAL, [PaysForInformation()]),
        Player(TS, [TargetThompson()], "true prior"),
        Player(UCB, [EveryArmOnce()]),
        Player(RANDOM, [Random(NUM_ARMS)]),
    ]
    for form in FORMS:
        policies = acting_best(trained.policies(form.run), env, validation, seed=11)
        players.append(Player(form.agent, policies, form.variant, seeds=len(policies)))
    if cell == PAYS:
        return Measured(compare(ID, cell, players, env, tasks, seed=11, score=pays).rows)
    rows = compare(
        ID,
        cell,
        players,
        env,
        tasks,
        seed=11,
        random=RANDOM,
        reference=OPTIMAL,
        ceiling=optimum(SETTING.env.num_pulls),  # type: ignore[attr-defined]
    ).rows
    points = [point for form in FORMS for point in _learning(form, size, trained.cards(form.run))]
    return Measured(rows, points + [point for player in players for point in _by_pull(player, env, tasks)])


def _learning(form: Form, size: Size, cards: list[dict[str, Any]]) -> list[Point]:
    """Mean trial return while PPO learns, by trials so far: the mean over seeds, and their range."""
    num_pulls = SETTING.env.num_pulls  # type: ignore[attr-defined]
    histories = torch.tensor([card["history"]["trial_return"] for card in cards], dtype=torch.float64)
    steps = torch.tensor(cards[0]["history"]["env_steps"])
    # while it imitates, its teacher plays
    own = steps > (size.imitation * size.trials * num_pulls if form.imitates else 0)
    places = own.nonzero().flatten()
    few = max(1, len(places) // 50)
    points = []
    for at in places[few - 1 :: few].tolist():
        values = histories[:, max(at - few + 1, 0) : at + 1].mean(dim=1)
        trials = steps[at].item() / num_pulls
        middle, low, high = values.mean().item(), values.min().item(), values.max().item()
        points.append(Point(ID, RETURN, form.line, trials, middle, low, high))
    return points


def by_pull(name: str) -> str:
    """Return the line of an agent's reward at each pull."""
    return f"by pull: {name}"


def _by_pull(player: Player, env: Any, tasks: Tensor) -> list[Point]:
    """Reward at every pull, of the median seed."""
    played = [scores(policy, env, tasks, seed=11, score=lambda trial: trial.reward) for policy in player.policies]
    played.sort(key=lambda values: values.double().sum().item())
    curve = mean_curve(median_of(played))
    parts = (curve.x, curve.mean, curve.low, curve.high)
    places = zip(*(part.tolist() for part in parts), strict=True)
    return [Point(ID, RETURN, by_pull(player.name), *place) for place in places]
