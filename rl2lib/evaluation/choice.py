"""Everybody plays the same tasks: the rows of one cell."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

from rl2lib.agents.softmax_policy import Mode, SoftmaxPolicy
from rl2lib.evaluation.evaluate import play
from rl2lib.evaluation.statistics import mean_estimate, normalised_score, paired_difference
from rl2lib.experiments.reproduce.rows import Row
from rl2lib.nested import in_chunks
from rl2lib.tasks.sampling import make_generators
from rl2lib.types import Policy, TaskDistribution, Trajectory, TrialEnv

Kept = TypeVar("Kept")
Score = Callable[[Trajectory], Tensor]
"""What a trial is worth, [B]."""


@dataclass(frozen=True)
class Player:
    """Who plays, and what was published of them.

    Attributes:
        agent: the name, as the paper has it.
        policies: one a trained seed, or the one algorithm.
        variant: which form of the agent.
        setting: what a search on validation tasks chose.
        published: the paper's number.
        published_se: its standard error, where it was stated.
        seeds: how many were trained; 0 for an algorithm.
    """

    agent: str
    policies: Sequence[Policy[Any]]
    variant: str = ""
    published: float | None = None
    published_se: float | None = None
    seeds: int = 0
    setting: str = ""

    @property
    def name(self) -> str:
        """Agent and variant, unique in a cell."""
        return f"{self.agent} ({self.variant})" if self.variant else self.agent

    @property
    def sees_task(self) -> bool:
        """Whether it is told what the others must find out."""
        return bool(getattr(self.policies[0], "sees_task", False))


def trial_return(trajectory: Trajectory) -> Tensor:
    """Return [B], by expected reward where the environment tells it."""
    return trajectory.trial_return(expected=trajectory.expected_reward is not None)


def scores(
    policy: Policy[Any], env: TrialEnv[Any], tasks: Any, *, seed: int, score: Score = trial_return, chunk: int = 2_000
) -> Tensor:
    """Return a policy's scores [N], played in chunks so that long trials of many tasks fit into memory.

    Every chunk has generators of its own seed: agents that choose alike meet the same luck.
    """
    pieces = in_chunks(tasks, num_tasks(tasks), chunk)
    return torch.cat([score(play(policy, env, piece, seed=seed + 7919 * i)) for i, piece in enumerate(pieces)])


def num_tasks(tasks: Any) -> int:
    """Return how many tasks a batch holds."""
    first = tasks if isinstance(tasks, Tensor) else next(iter(tasks))
    return len(first)


class TaskCounts(Protocol):
    """A scale's sizes, of which two count tasks."""

    @property
    def test_tasks(self) -> int:
        """Of a comparison."""

    @property
    def validation_tasks(self) -> int:
        """Of every choice: a baseline's setting, greedy or sampled actions."""


def draw_tasks(distribution: TaskDistribution[Any], counts: TaskCounts, name: str, *, seed: int) -> tuple[Any, Any]:
    """Return a cell's test tasks, and validation tasks of a stream of their own.

    Args:
        distribution: what both are drawn from.
        counts: how many of each.
        name: of the experiment's streams.
        seed: of the cell.
    """
    test, validation = make_generators(seed, f"{name}: test", f"{name}: validation").values()
    return distribution.sample(counts.test_tasks, test), distribution.sample(counts.validation_tasks, validation)


def best_of(
    candidates: Iterable[tuple[str, Policy[Any]]],
    env: TrialEnv[Any],
    tasks: Any,
    *,
    seed: int,
) -> tuple[str, Policy[Any]]:
    """Return the candidate that earns most on validation tasks, which nobody is tested on."""
    return max(candidates, key=lambda item: scores(item[1], env, tasks, seed=seed).double().mean().item())


def acting_best(policies: Sequence[SoftmaxPolicy], env: TrialEnv[Any], tasks: Any, *, seed: int) -> list[SoftmaxPolicy]:
    """Return trained policies, all in one mode: greedy, unless sampled actions are shown to be better.

    It is decided on validation tasks, paired, by the seeds' mean of every task, and asks for `SHOWN` standard errors:
    the luck of sampled actions alone would often win by a little, and somewhere in the many tables by two.
    """
    greedy, sampled = (
        torch.stack([scores(policy.acting(mode), env, tasks, seed=seed) for policy in policies]).double().mean(dim=0)
        for mode in _MODES
    )
    gain = paired_difference(sampled, greedy)
    mode: Mode = "sampled" if gain.mean > SHOWN * gain.standard_error else "greedy"
    return [policy.acting(mode) for policy in policies]


SHOWN = 3.3
"""Standard errors: chance alone gets there once in two thousand choices, of which the tables make some hundred."""
_MODES: tuple[Mode, ...] = ("greedy", "sampled")


def median_of(ordered: Sequence[Kept]) -> Kept:
    """Return the middle one, worst first; of an even number, the worse of the middle two."""
    return ordered[(len(ordered) - 1) // 2]


def contest(
    experiment: str,
    cell: str,
    players: Sequence[Player],
    env: TrialEnv[Any],
    tasks: Any,
    *,
    seed: int,
    random: str | None = None,
    reference: str | None = None,
    ceiling: float | None = None,
    published_tasks: int | None = None,
    apart: Collection[str] = (),
    score: Score = trial_return,
    better: str = "higher",
    chunk: int = 2_000,
) -> list[Row]:
    """Play everybody on the same tasks and return the cell's rows, best first.

    Of an agent trained with several seeds the row is that of the median one; of an even number, of the worse of the
    middle two.

    Args:
        experiment: its id.
        cell: the cell's name.
        players: who plays.
        env: what in.
        tasks: N test tasks.
        seed: of the environment's and the agents' randomness.
        random: name of the player that scores 0 in the normalised column; None leaves it empty.
        reference: name of the one that scores 1.
        ceiling: the exact best expected score, where it is known; else the reference's mean stands there, as the best
            known or, if it is told the task, as what nobody else can reach.
        published_tasks: how many tasks the paper's means are over, to work out their standard error.
        apart: names of bounds that nobody is measured against, like whoever is told the task.
        score: what a trial is worth.
        better: "higher" or "lower".
        chunk: how many tasks are played at once.

    Raises:
        ValueError: if two players have one name, nobody plays without being told the task, or `random` or `reference`
            is not the name of a player, or not ahead of it.
    """
    _expect_names(players, random=random, reference=reference)
    sign = 1 if better == "higher" else -1
    kept: dict[str, Tensor] = {}
    every_seed: dict[str, tuple[float, ...]] = {}
    for player in players:
        played = [scores(policy, env, tasks, seed=seed, score=score, chunk=chunk) for policy in player.policies]
        played.sort(key=lambda values: sign * values.double().mean().item())  # worst first
        kept[player.name] = median_of(played)
        every_seed[player.name] = tuple(sorted(values.double().mean().item() for values in played))
    contenders = [player.name for player in players if not player.sees_task and player.name not in apart]
    best = max(contenders, key=lambda name: sign * kept[name].double().mean().item())
    ceiling_is = "exact" if ceiling is not None else ""
    if ceiling is None and reference:
        ceiling = kept[reference].double().mean().item()
        ceiling_is = "best known" if reference in contenders or reference in apart else "told the task"
    rows = []
    for player in players:
        values = kept[player.name]
        estimate = mean_estimate(values)
        behind = paired_difference(kept[best], values) if sign > 0 else paired_difference(values, kept[best])
        normalised = None
        if random and reference:
            normalised = normalised_score(sign * values, sign * kept[random], sign * kept[reference])
        published_se = player.published_se
        if player.published is not None and published_se is None and published_tasks:
            published_se = values.double().std().item() / math.sqrt(published_tasks)
        rows.append(
            Row(
                id=experiment,
                cell=cell,
                agent=player.agent,
                variant=player.variant,
                setting=player.setting,
                actions=getattr(player.policies[0], "mode", "own rule"),
                mean=estimate.mean,
                se=estimate.standard_error,
                num_tasks=len(values),
                seeds=player.seeds,
                every_seed=every_seed[player.name] if player.seeds else (),
                published=player.published,
                published_se=published_se,
                ceiling=ceiling,
                ceiling_is=ceiling_is,
                normalised=normalised.mean if normalised else None,
                normalised_se=normalised.standard_error if normalised else None,
                behind=behind.mean,
                behind_se=behind.standard_error,
                better=better,
            )
        )
    return sorted(rows, key=lambda row: -sign * row.mean)


def _expect_names(players: Sequence[Player], **roles: str | None) -> None:
    names = [player.name for player in players]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"players: expected names that differ, got {', '.join(twice)} more than once; set a variant")
    if all(player.sees_task for player in players):
        raise ValueError("players: expected one at least that is not told the task")
    for role, name in roles.items():
        if name is not None and name not in names:
            raise ValueError(f"{role}: expected one of {', '.join(names)}, got {name!r}")
