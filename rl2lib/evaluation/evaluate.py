"""A paired comparison: everybody on the same tasks, with the same luck where they choose alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor

from rl2lib.evaluation.rows import CeilingIs, Row
from rl2lib.evaluation.statistics import mean_estimate, normalised_score, paired_difference
from rl2lib.evaluation.tables import Column, to_markdown
from rl2lib.nested import in_chunks
from rl2lib.rollout import rollout
from rl2lib.tasks.sampling import make_generators
from rl2lib.types import Policy, Trajectory, TrialEnv, as_agent

Kept = TypeVar("Kept")
Score = Callable[[Trajectory], Tensor]
"""What a trial is worth, [B]."""
COLUMNS = (
    Column("agent"),
    Column("actions"),
    Column("score", "trial return", bold="level_with_best"),
    Column("behind_best", "behind the best"),
    Column("normalised"),
)
"""A comparison's columns."""


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
        return as_agent(self.policies[0]).sees_task


@dataclass(frozen=True)
class Comparison:
    """A comparison's rows, best first, and the scores they were made from.

    Attributes:
        rows: one an agent.
        scores: each player's score on each task, [N], by name; of several seeds the median one's.
        scored_by: what the scores are: "expected reward", "sampled reward".
    """

    rows: list[Row]
    scores: dict[str, Tensor]
    scored_by: str

    def __getitem__(self, agent: str) -> Row:
        """Return an agent's row."""
        for row in self.rows:
            if row.agent == agent:
                return row
        raise KeyError(f"{agent}: not among {', '.join(row.agent for row in self.rows)}")

    def table(self, *, bold: bool = False) -> str:
        """Return the comparison as aligned Markdown.

        Args:
            bold: set returns level with the best in bold, for a page; False: plain, for a terminal.
        """
        return f"{to_markdown(self._shown(), COLUMNS, bold=bold)}\n\n{self.note()}"

    def note(self) -> str:
        """Say what the numbers are: the score, the number of tasks, and the meaning of ±."""
        count = len(next(iter(self.scores.values())))
        return f"Scored by {self.scored_by} on the same {count:,} tasks; ± is half a 95% interval."

    def _shown(self) -> list[dict[str, Any]]:
        """Return the rows as they are read: the best is not behind itself."""
        fields = {flag for column in COLUMNS for flag in (column.key, column.bold) if flag}
        return [
            {name: getattr(row, name) for name in fields} | ({"behind_best": "best"} if row.behind == 0 else {})
            for row in self.rows
        ]


def play(agent: Policy[Any], env: TrialEnv[Any], tasks: Any, *, seed: int) -> Trajectory:
    """Play one trial of an agent on every task, as `evaluate` does; curves are made from what comes back.

    The generators are fresh, from the seed alone: agents that choose alike meet the same luck, and an agent's
    trajectory does not depend on who else is played.

    Args:
        agent: who plays.
        env: what it plays in.
        tasks: N tasks.
        seed: of the environment's and the agent's randomness.

    Returns:
        N whole trials.
    """
    generators = make_generators(seed, "evaluation policy", "evaluation env", device=_first(tasks).device)
    policy_generator, env_generator = generators.values()
    return rollout(agent, env, tasks, policy_generator=policy_generator, env_generator=env_generator)


def trial_return(trajectory: Trajectory) -> Tensor:
    """Return [B], by expected reward where the environment tells it."""
    return trajectory.trial_return(expected=trajectory.expected_reward is not None)


def scores(
    policy: Policy[Any],
    env: TrialEnv[Any],
    tasks: Any,
    *,
    seed: int,
    score: Score = trial_return,
    chunk: int | None = 2_000,
) -> Tensor:
    """Return a policy's scores [N], played in chunks so that long trials of many tasks fit into memory.

    None as chunk plays all at once. Every chunk has generators of its own seed: agents that choose alike meet the
    same luck.
    """
    pieces = in_chunks(tasks, num_tasks(tasks), chunk)
    return torch.cat([score(play(policy, env, piece, seed=seed + 7919 * i)) for i, piece in enumerate(pieces)])


def num_tasks(tasks: Any) -> int:
    """Return how many tasks a batch holds."""
    return len(_first(tasks))


def median_of(ordered: Sequence[Kept]) -> Kept:
    """Return the middle one, worst first; of an even number, the worse of the middle two."""
    return ordered[(len(ordered) - 1) // 2]


def compare(
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
    better: Literal["higher", "lower"] = "higher",
    chunk: int | None = 2_000,
) -> Comparison:
    """Play everybody on the same tasks.

    Of an agent trained with several seeds the row is that of the median one; of an even number, of the worse of the
    middle two. The best, whom the others are measured against, is not told the task, unless everybody is.

    Args:
        experiment: its id.
        cell: the cell's name.
        players: who plays.
        env: what in.
        tasks: N test tasks; never tasks that anything was trained or selected on.
        seed: of the environment's and the agents' randomness.
        random: name of the player that scores 0 in the normalised column; None leaves it empty.
        reference: name of the one that scores 1.
        ceiling: the exact best expected score, where it is known; else the reference's mean stands there, as the best
            known or, if it is told the task, as what nobody else can reach.
        published_tasks: how many tasks the paper's means are over, to work out their standard error.
        apart: names of bounds that nobody is measured against, like whoever is told the task.
        score: what a trial is worth.
        better: "higher" or "lower".
        chunk: how many tasks are played at once; None: all.

    Raises:
        ValueError: if nobody plays, two players have one name, or `random` or `reference` is not the name of a player,
            or not ahead of it.
    """
    _expect_names(players, random=random, reference=reference)
    sign = 1 if better == "higher" else -1

    def worth(values: Tensor) -> float:
        return sign * values.double().mean().item()

    played = {
        player.name: sorted(
            (scores(policy, env, tasks, seed=seed, score=score, chunk=chunk) for policy in player.policies), key=worth
        )
        for player in players
    }
    kept = {name: median_of(seeds) for name, seeds in played.items()}
    named = {player.name: player for player in players}
    contenders = [name for name, player in named.items() if not player.sees_task and name not in apart] or list(named)
    best = kept[max(contenders, key=lambda name: worth(kept[name]))]
    ceiling_is: CeilingIs = "" if ceiling is None else "exact"
    if ceiling is None and reference:
        ceiling = sign * worth(kept[reference])
        ceiling_is = "told the task" if named[reference].sees_task and reference not in apart else "best known"
    rows = []
    for name, player in named.items():
        values = kept[name]
        estimate, behind = mean_estimate(values), paired_difference(sign * best, sign * values)
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
                actions=as_agent(player.policies[0]).mode,
                mean=estimate.mean,
                se=estimate.standard_error,
                num_tasks=len(values),
                seeds=player.seeds,
                every_seed=tuple(sorted(sign * worth(values) for values in played[name])) if player.seeds else (),
                published=player.published,
                published_se=published_se,
                ceiling=ceiling,
                ceiling_is=ceiling_is,
                normalised_mean=normalised.mean if normalised else None,
                normalised_se=normalised.standard_error if normalised else None,
                behind=behind.mean,
                behind_se=behind.standard_error,
                better=better,
            )
        )
    return Comparison(sorted(rows, key=lambda row: -sign * row.mean), kept, "score")


def evaluate(
    agents: Mapping[str, Policy[Any]],
    env: TrialEnv[Any],
    tasks: Any,
    *,
    seed: int,
    random: str | None = None,
    reference: str | None = None,
) -> Comparison:
    """Play one trial of every agent on every task and compare.

    Every agent gets fresh generators of the same seed, so its result does not depend on its company. Where the
    environment tells expected rewards they are the score: the same mean as the sampled ones, with less noise.

    Args:
        agents: by name; at least one.
        env: what they play in.
        tasks: N tasks, the same for all; never tasks that anything was trained or selected on.
        seed: of the environment's and the agents' randomness.
        random: name of the agent that scores 0 in the normalised column.
        reference: name of the agent that scores 1 there.

    Returns:
        The comparison, best agent first.

    Raises:
        ValueError: if no agent is given, or `random` or `reference` is not one of them, or only one is named.
    """
    if (random is None) != (reference is None):
        raise ValueError("random, reference: name both for a normalised score, or neither")
    told: set[bool] = set()

    def score(trajectory: Trajectory) -> Tensor:
        told.add(trajectory.expected_reward is not None)
        return trial_return(trajectory)

    players = [Player(name, [agent]) for name, agent in agents.items()]
    found = compare("", "", players, env, tasks, seed=seed, random=random, reference=reference, score=score, chunk=None)
    return replace(found, scored_by="expected reward" if told == {True} else "sampled reward")


def _expect_names(players: Sequence[Player], **roles: str | None) -> None:
    names = [player.name for player in players]
    if not names:
        raise ValueError("expected at least one agent, got none")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"players: expected names that differ, got {', '.join(twice)} more than once; set a variant")
    for role, name in roles.items():
        if name is not None and name not in names:
            raise ValueError(f"{role}: expected one of {', '.join(names)}, got {name!r}")


def _first(tasks: Any) -> Tensor:
    first: Tensor = tasks if isinstance(tasks, Tensor) else next(iter(tasks))
    return first
