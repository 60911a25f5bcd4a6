"""How likely an agent of the two-step task is to choose as before, by what came of it: the mark of a planner.

After a rare transition a planner and a caching learner part: paid there, the planner switches to what commonly leads
to that place, the learner repeats what it did; unpaid, the other way round. In the probabilities of staying this is an
interaction of reward and transition.

Counted over all choices, a caching learner has one too (Akam, Costa & Dayan 2015): where it has found the better
choice it stays whatever comes, and that choice is mostly paid after common and unpaid after rare transitions. Given
the task and the choice, transition and reward are drawn anew in every episode, independent of all that went before:
so stay probabilities *given the choice*, better or worse, show what an outcome causes, and those of a learner that
does not look at transitions have no interaction at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from rl2lib.evaluation.statistics import Estimate, mean_estimate
from rl2lib.types import Trajectory, expect_shape

OUTCOMES = ("rewarded, common", "rewarded, rare", "unrewarded, common", "unrewarded, rare")
"""Of an episode: its reward, and the transition that led there."""
CONTRAST = (1.0, -1.0, -1.0, 1.0)
"""The interaction of reward and transition, between -2 and 2; a deterministic planner without a doubt has 2."""


class StayCounts(NamedTuple):
    """How often each trial met each outcome, and stayed; the last episode has no next choice and is not counted.

    Attributes:
        met: [B, 2, 4] float64, by choice (the worse one, the better one) and outcome, in the order of `OUTCOMES`.
        stayed: [B, 2, 4] float64, how often the next choice was the same.
    """

    met: Tensor
    stayed: Tensor


@dataclass(frozen=True)
class StayProbabilities:
    """What an agent does after each outcome, with errors over trials.

    Attributes:
        outcomes: the probability of staying, in the order of `OUTCOMES`.
        interaction: (rewarded common - rewarded rare) - (unrewarded common - unrewarded rare).
    """

    outcomes: tuple[Estimate, Estimate, Estimate, Estimate]
    interaction: Estimate


def stay_counts(trajectory: Trajectory, tasks: Tensor) -> StayCounts:
    """Count outcomes and what was chosen next.

    Args:
        trajectory: B trials of the two-step task, n >= 2 episodes each.
        tasks: [B, 2] float32, the second stages' reward probabilities.

    Raises:
        ValueError: if the trajectory is not one of whole episodes of two steps, on these tasks.
    """
    num_trials, num_steps = trajectory.action.shape
    expect_shape("tasks", tasks, "[B, 2]", (num_trials, 2))
    expect_shape("observation", trajectory.observation, "[B, T, 3]", (num_trials, num_steps, 3))
    if num_steps % 2 or num_steps < 4:
        raise ValueError(f"trajectory: expected at least two episodes of two steps, got {num_steps} steps")
    # [B, T] -> [B, n, 2]: the two stages of each episode
    choice = trajectory.action.view(num_trials, -1, 2)[:, :, 0]
    place = trajectory.observation.argmax(dim=-1).view(num_trials, -1, 2)[:, :, 1] - 1
    reward = trajectory.reward.view(num_trials, -1, 2)[:, :, 1]
    better = choice == tasks.argmax(dim=1)[:, None]
    outcome = 2 * (reward == 0) + (place != choice)
    kind = one_hot(4 * better + outcome, 8)[:, :-1].double()
    stays = (choice[:, 1:] == choice[:, :-1])[..., None]
    return StayCounts(kind.sum(dim=1).view(-1, 2, 4), (kind * stays).sum(dim=1).view(-1, 2, 4))


def stay_probabilities(counts: StayCounts, *, given_choice: bool) -> StayProbabilities:
    """Return the probabilities of staying, and their interaction.

    They are ratios of sums over trials; the errors are the delta method's, with whole trials as the units, since the
    episodes of a trial hang together.

    Args:
        counts: of B >= 2 trials.
        given_choice: True: those after the better and after the worse choice, averaged with equal weights, free of
            what made the agent choose so. False: over all choices alike, as they are usually drawn.

    Raises:
        ValueError: if an outcome was never met.
    """
    met, stayed = (part if given_choice else part.sum(dim=1, keepdim=True) for part in counts)
    if bool((met.sum(dim=0) == 0).any()):
        raise ValueError("counts: expected every outcome at least once, got one that was never met; play more trials")
    ratio = stayed.sum(dim=0) / met.sum(dim=0)
    # what each trial adds to the ratio's error; its mean over trials is zero
    parts = ratio + (stayed - ratio * met) / met.mean(dim=0)
    by_outcome = parts.mean(dim=1)  # over the choices, [B, 4]
    first, second, third, fourth = (mean_estimate(values) for values in by_outcome.unbind(dim=1))
    interaction = by_outcome @ torch.tensor(CONTRAST, dtype=by_outcome.dtype, device=by_outcome.device)
    return StayProbabilities((first, second, third, fourth), mean_estimate(interaction))
