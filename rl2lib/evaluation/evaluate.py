"""A paired comparison: all agents on the same tasks, with the same luck where they choose alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from rl2lib.evaluation.statistics import Estimate, mean_estimate, normalised_score, paired_difference
from rl2lib.evaluation.tables import Column, to_csv, to_latex, to_markdown
from rl2lib.rollout import rollout
from rl2lib.tasks.sampling import make_generators
from rl2lib.types import Policy, Trajectory, TrialEnv

COLUMNS = (
    Column("agent"),
    Column("actions"),
    Column("score", "trial return", bold="level_with_best"),
    Column("behind_best", "behind the best"),
    Column("normalised"),
)
"""A comparison's columns, in whatever form it is written."""


@dataclass(frozen=True)
class Row:
    """One agent's line of a comparison.

    Attributes:
        agent: its name.
        actions: "sampled" or "greedy" for a network's distribution; "own rule" for an algorithm that says itself.
        score: mean trial return; by expected reward where the environment tells it (`Evaluation.scored_by`).
        sampled_return: mean trial return of the rewards actually drawn.
        behind_best: the best agent's score less this one's, paired over tasks; zero for the best itself.
        normalised: (score - random) / (reference - random), where both were named.
    """

    agent: str
    actions: str
    score: Estimate
    sampled_return: Estimate
    behind_best: Estimate
    normalised: Estimate | None

    @property
    def level_with_best(self) -> bool:
        """Whether the paired 95% interval does not separate this agent from the best."""
        return self.behind_best.low <= 0


@dataclass(frozen=True)
class Evaluation:
    """A comparison's rows, best first, and the scores they were made from.

    Attributes:
        rows: one an agent.
        scores: each agent's score on each task, [N].
        scored_by: "expected reward" or "sampled reward".
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

    def latex(self) -> str:
        """Return the comparison as a LaTeX tabular; bold returns are those level with the best."""
        return to_latex(self._shown(), COLUMNS)

    def csv(self) -> str:
        """Return the comparison as CSV, every digit kept."""
        return to_csv(self.rows, COLUMNS)

    def note(self) -> str:
        """Say what the numbers are: the score, the number of tasks, and the meaning of ±."""
        count = len(next(iter(self.scores.values())))
        return f"Scored by {self.scored_by} on the same {count:,} tasks; ± is half a 95% interval."

    def _shown(self) -> list[dict[str, Any]]:
        """Return the rows as they are read: the best is not behind itself."""
        fields = {flag for column in COLUMNS for flag in (column.key, column.bold) if flag}
        records = [{name: getattr(row, name) for name in fields} for row in self.rows]
        records[0]["behind_best"] = "best"
        return records


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
    generators = make_generators(seed, "evaluation policy", "evaluation env", device=_device_of(tasks))
    policy_generator, env_generator = generators.values()
    return rollout(agent, env, tasks, policy_generator=policy_generator, env_generator=env_generator)


def evaluate(
    agents: Mapping[str, Policy[Any]],
    env: TrialEnv[Any],
    tasks: Any,
    *,
    seed: int,
    random: str | None = None,
    reference: str | None = None,
) -> Evaluation:
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
    if not agents:
        raise ValueError("agents: expected at least one, got none")
    if (random is None) != (reference is None):
        raise ValueError("random, reference: name both for a normalised score, or neither")
    for role, name in (("random", random), ("reference", reference)):
        if name is not None and name not in agents:
            raise ValueError(f"{role}: expected one of {', '.join(agents)}, got {name!r}")
    scores, sampled, told = {}, {}, True
    for name, agent in agents.items():
        trajectory = play(agent, env, tasks, seed=seed)
        told = trajectory.expected_reward is not None
        scores[name] = trajectory.trial_return(expected=told)
        sampled[name] = trajectory.trial_return()
    best = max(scores, key=lambda name: scores[name].double().mean().item())
    rows = [
        Row(
            agent=name,
            actions=getattr(agent, "mode", "own rule"),
            score=mean_estimate(scores[name]),
            sampled_return=mean_estimate(sampled[name]),
            behind_best=paired_difference(scores[best], scores[name]),
            normalised=(
                normalised_score(scores[name], scores[random], scores[reference]) if random and reference else None
            ),
        )
        for name, agent in agents.items()
    ]
    rows.sort(key=lambda row: row.score.mean, reverse=True)
    return Evaluation(rows, scores, "expected reward" if told else "sampled reward")


def _device_of(tasks: Any) -> Any:
    first = tasks if isinstance(tasks, Tensor) else next(iter(tasks))
    return first.device
