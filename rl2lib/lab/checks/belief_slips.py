"""What the usual slips of notebook 07 give on the same input, by misconception; used by its visible checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from rl2lib.types import StepInput

# --------------------------------------------------------------------------------------- windows


def window_slips(observation: Tensor, episode_end: Tensor, num_observations: int) -> dict[str, Tensor]:
    """Return wrong windows [B, T, K, F], those of the right shape."""
    ends = episode_end[..., None, None]
    never = torch.zeros_like(ends)
    late = torch.cat([torch.zeros_like(ends[:, :1]), ends[:, :-1]], dim=1)  # the step before ended an episode
    anyone = late.any(dim=0, keepdim=True).expand_as(late)
    right = _windows(observation, late, num_observations)
    padded = _windows(observation, late, num_observations + 1)
    return {
        "crosses_episodes": _windows(observation, never, num_observations),
        "cut_a_step_early": _windows(observation, ends, num_observations),
        "newest_first": right.flip(2),
        "k_off_by_one": padded[:, :, :-1],
        "one_trials_end_cuts_all": _windows(observation, anyone, num_observations),
        "filled_with_the_first": _windows(observation, late, num_observations, fill=True),
    }


def _windows(observation: Tensor, cut: Tensor, num_observations: int, *, fill: bool = False) -> Tensor:
    """Windows that begin anew wherever `cut` [B, T, 1, 1]; `fill` pads with the first observation."""
    window, found = observation.new_zeros(len(observation), num_observations, observation.shape[2]), []
    for t, now in enumerate(observation.unbind(dim=1)):
        start = now[:, None].expand_as(window) if fill else torch.zeros_like(window)
        window = torch.where(cut[:, t], start, start if t == 0 else window)
        window = torch.cat([window[:, 1:], now[:, None]], dim=1)
        found.append(window)
    return torch.stack(found, dim=1)


# --------------------------------------------------------------------------------------- beliefs


class Model(NamedTuple):
    """A POMDP's three tables: transition [S, A, S], observation model [A, S, O], rewards [S, A, S]."""

    transition: Tensor
    observation: Tensor
    reward: Tensor


def _joint(model: Model, belief: Tensor, action: Tensor) -> Tensor:
    """The probability of being in s and going to s', [B, S, S']."""
    return belief[:, :, None] * model.transition[:, action].transpose(0, 1)


def _pays(model: Model, action: Tensor, reward: Tensor) -> Tensor:
    return torch.isclose(model.reward[:, action].transpose(0, 1), reward[:, None, None]).float()


def _scaled(weight: Tensor) -> Tensor:
    return weight / weight.sum(dim=-1, keepdim=True)


def _seen(model: Model, action: Tensor, seen: Tensor) -> Tensor:
    """The chance of the observation by state, [B, S]."""
    return model.observation[action, :, seen]


def _not_normalised(model: Model, belief: Tensor, action: Tensor, seen: Tensor, reward: Tensor) -> Tensor:
    arrived = (_joint(model, belief, action) * _pays(model, action, reward)).sum(dim=1)
    return arrived * _seen(model, action, seen)


def _over_the_batch(model: Model, belief: Tensor, action: Tensor, seen: Tensor, reward: Tensor) -> Tensor:
    weight = _not_normalised(model, belief, action, seen, reward)
    return weight / weight.sum(dim=0, keepdim=True)


def _reward_ignored(model: Model, belief: Tensor, action: Tensor, seen: Tensor, reward: Tensor) -> Tensor:
    return _scaled(_joint(model, belief, action).sum(dim=1) * _seen(model, action, seen))


def _zero_reward_ignored(model: Model, belief: Tensor, action: Tensor, seen: Tensor, reward: Tensor) -> Tensor:
    pays = torch.where(reward[:, None, None] == 0, 1.0, _pays(model, action, reward))
    return _scaled((_joint(model, belief, action) * pays).sum(dim=1) * _seen(model, action, seen))


def _old_state(model: Model, belief: Tensor, action: Tensor, seen: Tensor, reward: Tensor) -> Tensor:
    weight = _joint(model, belief, action) * _pays(model, action, reward) * _seen(model, action, seen)[:, :, None]
    return _scaled(weight.sum(dim=1))


def _transposed(model: Model, belief: Tensor, action: Tensor, seen: Tensor, reward: Tensor) -> Tensor:
    moved = belief[:, :, None] * model.transition[:, action].permute(1, 2, 0)
    weight = (moved * _pays(model, action, reward)).sum(dim=1) * _seen(model, action, seen)
    return _scaled(weight)


def _no_transition(model: Model, belief: Tensor, action: Tensor, seen: Tensor, reward: Tensor) -> Tensor:
    chance = (model.transition[:, action].transpose(0, 1) * _pays(model, action, reward)).sum(dim=2)
    return _scaled(belief * chance * _seen(model, action, seen))


def _observation_ignored(model: Model, belief: Tensor, action: Tensor, seen: Tensor, reward: Tensor) -> Tensor:
    return _scaled((_joint(model, belief, action) * _pays(model, action, reward)).sum(dim=1))


def _belief_ignored(model: Model, belief: Tensor, action: Tensor, seen: Tensor, reward: Tensor) -> Tensor:
    even = torch.full_like(belief, 1 / belief.shape[1])
    return _scaled(_not_normalised(model, even, action, seen, reward))


BELIEF_SLIPS: dict[str, Callable[[Model, Tensor, Tensor, Tensor, Tensor], Tensor]] = {
    "not_normalised": _not_normalised,
    "normalised_over_the_batch": _over_the_batch,
    "reward_evidence_ignored": _reward_ignored,
    "zero_reward_is_no_evidence": _zero_reward_ignored,
    "observation_of_the_old_state": _old_state,
    "transition_transposed": _transposed,
    "transition_left_out": _no_transition,
    "observation_ignored": _observation_ignored,
    "old_belief_ignored": _belief_ignored,
}


# --------------------------------------------------------------------------------------- the corridor

CorridorStep = tuple[Tensor, Tensor, Tensor]


def corridor_slips(cell: Tensor, side: Tensor, action: Tensor, half_length: int) -> dict[str, CorridorStep]:
    """Return wrong steps."""
    last = 2 * half_length
    goal, moved = side * last, cell + 2 * action - 1
    inside = moved.clamp(0, last)

    def ended(at: Tensor, by: Tensor, pays: float = 10.0, back: int | Tensor = half_length) -> CorridorStep:
        return torch.where(by, back, at), pays * by.float(), by

    mirrored = (cell - 2 * action + 1).clamp(0, last)
    return {
        "walls_wrap": ended(moved % (last + 1), moved % (last + 1) == goal),
        "paid_for_the_old_cell": ended(inside, cell == goal),
        "stays_at_the_goal": (inside, 10.0 * (inside == goal).float(), inside == goal),
        "pays_one": ended(inside, inside == goal, pays=1.0),
        "either_end_pays": ended(inside, (inside == 0) | (inside == last)),
        "restarts_at_cell_0": ended(inside, inside == goal, back=0),
        "left_and_right_swapped": ended(mirrored, mirrored == goal),
        "sides_swapped": ended(inside, inside == last - goal),
        "pays_without_ending": (inside, 10.0 * (inside == goal).float(), torch.zeros_like(inside == goal)),
        "all_restart_together": (
            torch.where((inside == goal).any(), half_length, inside),
            10.0 * (inside == goal).float(),
            inside == goal,
        ),
    }


# --------------------------------------------------------------------------------------- values

Rule = Callable[[Tensor], int]
MANY_PULLS = 4  # slips are told apart on short trials; long ones would take their time


def value_slips(prior: Tensor, means: Tensor, num_pulls: int, rule: Rule) -> dict[str, float]:
    """Return wrong values of a policy of the belief; none for long trials."""
    if not 0 < num_pulls <= MANY_PULLS:
        return {}
    return {
        "belief_never_updated": _frozen(prior, means, num_pulls, rule),
        "reward_of_the_outcome_left_out": _value(prior, means, num_pulls, rule, reward=0.0),
        "outcomes_equally_likely": _value(prior, means, num_pulls, rule, even=True),
        "best_arm_in_place_of_the_policys": _best(prior, means, num_pulls),
        "one_pull_too_few": _value(prior, means, num_pulls - 1, rule),
        "one_pull_too_many": _value(prior, means, num_pulls + 1, rule),
        "told_the_task": num_pulls * float((prior * means.amax(dim=1)).sum()),
        "belief_after_0_as_after_1": _value(prior, means, num_pulls, rule, confused=True),
    }


def _outcomes(prior: Tensor, pulled: Tensor) -> Iterator[tuple[float, float, Tensor]]:
    for reward, likelihood in ((1.0, pulled), (0.0, 1 - pulled)):
        joint = prior * likelihood
        probability = float(joint.sum())
        if probability > 0:
            yield reward, probability, joint / probability


def _value(
    prior: Tensor,
    means: Tensor,
    num_pulls: int,
    rule: Rule,
    *,
    reward: float = 1.0,
    even: bool = False,
    confused: bool = False,
) -> float:
    if num_pulls == 0:
        return 0.0
    pulled, total = means[:, rule(prior)], 0.0
    for paid, probability, later in _outcomes(prior, pulled):
        if confused and paid == 0 and float((prior * pulled).sum()) > 0:
            later = prior * pulled / (prior * pulled).sum()
        following = _value(later, means, num_pulls - 1, rule, reward=reward, even=even, confused=confused)
        total += (0.5 if even else probability) * (reward * paid + following)
    return total


def _frozen(prior: Tensor, means: Tensor, num_pulls: int, rule: Rule) -> float:
    return num_pulls * float(prior @ means[:, rule(prior)])


def _best(prior: Tensor, means: Tensor, num_pulls: int) -> float:
    if num_pulls == 0:
        return 0.0
    return max(
        sum(p * (paid + _best(later, means, num_pulls - 1)) for paid, p, later in _outcomes(prior, means[:, arm]))
        for arm in range(means.shape[1])
    )


# --------------------------------------------------------------------------------------- RL¹ and the transplant


def reveal_slips(
    inputs: StepInput, state: Tensor, task: Tensor, episode: Tensor, num_tasks: int
) -> dict[str, tuple[StepInput, Tensor]]:
    """Return wrong inputs and states of RL¹."""
    fresh, hot = inputs.prev_end == 1, one_hot(task, num_tasks).float()

    def made(told: Tensor, wiped: Tensor, blanked: Tensor) -> tuple[StepInput, Tensor]:
        seen = StepInput(
            torch.cat([inputs.observation, hot * told.float()[:, None]], dim=1),
            torch.where(blanked, 0, inputs.prev_action),
            torch.where(blanked, 0.0, inputs.prev_reward),
            torch.where(blanked, 0.0, inputs.prev_end),
        )
        return seen, torch.where(wiped[:, None], 0.0, state)

    over, always, never = episode > 0, torch.ones_like(fresh), torch.zeros_like(fresh)
    right, _ = made(over, fresh, fresh)
    return {
        "told_in_the_first_episode": made(always, fresh, fresh),
        "told_an_episode_late": made(episode > 1, fresh, fresh),
        "told_at_the_first_step_only": made(over & fresh, fresh, fresh),
        "never_told": made(never, fresh, fresh),
        "state_not_wiped": made(over, never, fresh),
        "inputs_not_blanked": made(over, fresh, never),
        "one_trials_end_wipes_all": made(over, fresh.any().expand_as(fresh), fresh),
        "wiped_at_every_step": made(over, over, over),
        "flag_left_in": (right._replace(prev_end=inputs.prev_end), torch.where(fresh[:, None], 0.0, state)),
    }


def transplant_slips(state: Tensor, kept: Tensor, donor: Tensor, moment: Tensor) -> dict[str, Tensor]:
    """Return wrong states after an operation."""
    here, half = moment[:, None], state.shape[1] // 2
    backwards = torch.empty_like(kept)
    backwards[donor] = kept
    moved = torch.where(here, kept[donor], state)
    return {
        "everyone_is_operated_on": kept[donor],
        "own_kept_state": torch.where(here, kept, state),
        "donors_state_of_now": torch.where(here, state[donor], state),
        "donor_and_receiver_confused": torch.where(here, backwards, state),
        "half_of_the_state": torch.cat([moved[:, :half], state[:, half:]], dim=1),
        "moment_of_the_donor": torch.where(moment[donor][:, None], kept[donor], state),
        "nothing_happens": state,
        "averaged": torch.where(here, (state + kept[donor]) / 2, state),
    }
