"""What the slips of notebook 07 give on the same input: `belief_slips`, and those that solving it brought to light."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from rl2lib.lab.checks import belief_slips as known
from rl2lib.types import StepInput


def window_slips(observation: Tensor, episode_end: Tensor, num_observations: int) -> dict[str, Tensor]:
    """Return wrong windows [B, T, K, F], those of the right shape."""
    slips = known.window_slips(observation, episode_end, num_observations)
    right = slips["newest_first"].flip(2)
    return {**slips, "one_window_for_all_steps": right[:, -1:].expand_as(right)}


def belief_slips(
    model: known.Model, belief: Tensor, action: Tensor, observation: Tensor, reward: Tensor
) -> dict[str, Tensor]:
    """Return wrong beliefs [B, S]; those that divide 0 by 0 are NaN."""
    step = (model, belief, action, observation, reward)
    slips = {name: slip(*step) for name, slip in known.BELIEF_SLIPS.items()}
    arrived = belief[:, :, None] * (model.transition * model.reward)[:, action].transpose(0, 1)
    weighed = arrived.sum(dim=1) * model.observation[action, :, observation]
    return {
        **slips,
        "normalised_over_everything": slips["not_normalised"] / slips["not_normalised"].sum(),
        "weighed_by_the_reward": weighed / weighed.sum(dim=1, keepdim=True),
    }


def corridor_slips(cell: Tensor, side: Tensor, action: Tensor, half_length: int) -> dict[str, known.CorridorStep]:
    """Return wrong steps."""
    free = cell + 2 * action - 1
    last = 2 * half_length
    arrived = free.clamp(0, last)

    def ended(at: Tensor, by: Tensor) -> known.CorridorStep:
        return torch.where(by, half_length, at), 10.0 * by.float(), by

    return {
        **known.corridor_slips(cell, side, action, half_length),
        "no_walls": ended(free, free == side * last),
        "goal_in_the_middle": ended(arrived, arrived == side * half_length),
    }


def value_slips(prior: Tensor, means: Tensor, num_pulls: int, rule: known.Rule) -> dict[str, float]:
    """Return wrong values of a policy of the belief; none for long trials."""
    slips = known.value_slips(prior, means, num_pulls, rule)
    if not slips:
        return {}
    return {
        **slips,
        "joint_taken_for_the_belief": _value(prior, means, num_pulls, rule, scaled=False),
        "failures_left_out": _value(prior, means, num_pulls, rule, failures=False),
    }


def _value(
    belief: Tensor, means: Tensor, num_pulls: int, rule: known.Rule, *, scaled: bool = True, failures: bool = True
) -> float:
    if num_pulls == 0:
        return 0.0
    pulled = means[:, rule(belief)]
    paid = float(belief @ pulled)
    total = paid
    for joint, weight in ((belief * pulled, paid), (belief * (1 - pulled), 1 - paid if failures else 0.0)):
        if weight > 0:
            later = joint / joint.sum() if scaled else joint
            total += weight * _value(later, means, num_pulls - 1, rule, scaled=scaled, failures=failures)
    return total


def reveal_slips(
    inputs: StepInput, state: Tensor, task: Tensor, episode: Tensor, num_tasks: int
) -> dict[str, tuple[StepInput, Tensor]]:
    """Return wrong inputs and states of RL¹."""
    slips = known.reveal_slips(inputs, state, task, episode, num_tasks)
    blanked, wiped = slips["never_told"]
    hot = one_hot(task, num_tasks).float()

    def told(when: Tensor, *, in_front: bool = False) -> tuple[StepInput, Tensor]:
        columns = [inputs.observation, hot * when[:, None]]
        seen = torch.cat(columns[::-1] if in_front else columns, dim=1)
        return blanked._replace(observation=seen), wiped

    return {
        **slips,
        "task_in_front": told(episode > 0, in_front=True),
        "told_in_the_second_episode_only": told(episode == 1),
    }
