"""A paired comparison: all agents on the same tasks, with the same luck where they choose alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from rl2lib.evaluation.statistics import Estimate, mean_estimate, normalised_score, paired_difference
from rl2lib.rollout import rollout
from rl2lib.tasks.sampling import make_generators
from rl2lib.types import Policy, TrialEnv


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

    def table(self) -> str:
        """Return the comparison as aligned Markdown."""
        head = ["agent", "actions", "trial return", "behind the best", "normalised"]
        cells = [head]
        for row in self.rows:
            best = row is self.rows[0]
            cells.append(
                [
                    row.agent,
                    row.actions,
                    row.score.format(3),
                    "best" if best else row.behind_best.format(3),
                    row.normalised.format(3) if row.normalised else "",
                ]
            )
        widths = [max(len(line[i]) for line in cells) for i in range(len(head))]
        lines = ["| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in cells]
        lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
        count = len(next(iter(self.scores.values())))
        lines.append(f"\nScored by {self.scored_by} on the same {count:,} tasks; ± is half a 95% interval.")
        return "\n".join(lines)


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
        generators = make_generators(seed, "evaluation policy", "evaluation env", device=_device_of(tasks))
        policy_generator, env_generator = generators.values()
        trajectory = rollout(agent, env, tasks, policy_generator=policy_generator, env_generator=env_generator)
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
