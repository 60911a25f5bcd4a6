"""The optimum of chains without slips: what an agent earns that knows it is in a chain, and not which actions.

`tasks.tabular.ChainMDPs` draws in every state which action leads forward. A step forward is seen from where it led,
so what is known of a trial is how many states' forward actions were found, which ones of the next state failed, and
where one stands: few enough cases for backward induction over the whole trial.
"""

from __future__ import annotations

import math
from itertools import product
from typing import NamedTuple

import torch
from torch import Tensor

from rl2lib.tasks.episodes import expect_counts
from rl2lib.tasks.tabular import ChainMDPs
from rl2lib.types import RuleAgent, StepInput, expect_shape

Case = tuple[int, int, int]
"""States found, actions that failed at the next one, position."""


class ChainBelief(NamedTuple):
    """What is known of a chain.

    Attributes:
        failed: [B, S, A] bool, actions that led back.
        forward: [B, S] int64, the action that leads forward; meaningless where it was not found.
        found: [B] int64, in how many states it was found; they are the chain's first ones.
        position: [B] int64, the state it was in when it acted last.
        steps: how often it has acted; 0 at a trial's first step, whose input tells of no action.
    """

    failed: Tensor
    forward: Tensor
    found: Tensor
    position: Tensor
    steps: int


class ChainOptimal(RuleAgent[ChainBelief]):
    """Plays a chain without slips by backward induction over what is known of it.

    An episode's last step is followed by the start wherever it led. There only the reward tells, and rewards are
    noisy: this agent reads it at the chain's end, where it is the large or the small one and the noise is too small
    to confuse them, and nowhere else. So it is optimal but for the little that such rewards tell of other states;
    `bound` is what an agent would earn to whom they told everything.

    Args:
        chains: what is drawn from.
        horizon: the steps of an episode.
        episodes_per_trial: n.
        device: where its belief lives.

    Attributes:
        value: the expected sum of rewards over a trial, if it never misreads a reward.
        bound: no agent earns more.

    Raises:
        ValueError: if a count is below 1, chains slip, or going on at the end pays no more than going back.
    """

    def __init__(
        self, chains: ChainMDPs, horizon: int = 10, episodes_per_trial: int = 10, device: torch.device | str = "cpu"
    ) -> None:
        expect_counts(horizon=horizon, episodes_per_trial=episodes_per_trial)
        if chains.slip:
            raise ValueError(f"slip: expected 0, where a step tells for sure what the action does, got {chains.slip}")
        if not chains.goal_reward > chains.small_reward:
            raise ValueError(f"goal_reward: expected more than small_reward, {chains.small_reward}")
        self.chains, self.horizon, self.episodes_per_trial = chains, horizon, episodes_per_trial
        self.device = torch.device(device)
        self.value, advance = self._solve(told_at_ends=False)
        self.bound, _ = self._solve(told_at_ends=True)
        self._advance = advance.to(self.device)

    def initial_state(self, batch_size: int, tasks: object = None) -> ChainBelief:
        """Return a trial's start, nothing found; the tasks are not looked at."""
        states, actions = self.chains.num_states, self.chains.num_actions
        zeros = torch.zeros(batch_size, dtype=torch.int64, device=self.device)
        failed = torch.zeros(batch_size, states, actions, dtype=torch.bool, device=self.device)
        return ChainBelief(failed, zeros[:, None].expand(-1, states), zeros, zeros, 0)

    def act(self, state: ChainBelief, inputs: StepInput, generator: torch.Generator) -> tuple[Tensor, ChainBelief]:
        """Learn from the step the input tells of, then go forward, try something, or go back: actions [B]."""
        state = self.observe(state, inputs)
        row = torch.arange(len(state.found), device=self.device)
        at = state.position
        failed, forward = state.failed[row, at], state.forward[row, at]
        # at the frontier the first untried action is as good as another
        ahead = torch.where(at < state.found, forward, (~failed).int().argmax(dim=1))
        behind = torch.where(at < state.found, (forward + 1) % self.chains.num_actions, failed.int().argmax(dim=1))
        cases = state.found, self._failures(state), at
        if state.steps >= len(self._advance):
            raise ValueError(f"inputs: expected a trial of {len(self._advance)} steps, got a longer one")
        advance = self._advance[state.steps][cases]
        return torch.where(advance, ahead, behind), state._replace(steps=state.steps + 1)

    def observe(self, state: ChainBelief, inputs: StepInput) -> ChainBelief:
        """Return what is known after the step that the input tells of.

        Raises:
            ValueError: if observations are not [B, S].
        """
        last = self.chains.num_states - 1
        expect_shape("inputs.observation", inputs.observation, "[B, S]", (len(state.found), last + 1))
        position = inputs.observation.argmax(dim=1)
        if state.steps == 0:
            return state._replace(position=position)
        before, action = state.position, inputs.prev_action
        row = torch.arange(len(before), device=self.device)
        middle = (self.chains.goal_reward + self.chains.small_reward) / 2
        ended = inputs.prev_end > 0
        led_on = torch.where(ended, inputs.prev_reward > middle, position == (before + 1).clamp(max=last))
        news = (before == state.found) & (~ended | (before == last))
        failed = state.failed.clone()
        failed[row, before, action] |= news & ~led_on
        # the last action left must be it
        only_one = failed[row, before].sum(dim=1) == self.chains.num_actions - 1
        found_now = news & (led_on | only_one)
        which = torch.where(led_on, action, (~failed[row, before]).int().argmax(dim=1))
        forward = state.forward.clone()
        forward[row, before] = torch.where(found_now, which, forward[row, before])
        return state._replace(failed=failed, forward=forward, found=state.found + found_now, position=position)

    def _failures(self, state: ChainBelief) -> Tensor:
        """How many actions failed at the first state whose forward action is not found, [B]."""
        row = torch.arange(len(state.found), device=self.device)
        last = self.chains.num_states - 1
        count = state.failed[row, state.found.clamp(max=last)].sum(dim=1)
        return torch.where(state.found > last, 0, count)

    def _solve(self, *, told_at_ends: bool) -> tuple[float, Tensor]:
        """The value of a trial, and whether to go on rather than back, by step and case: [T n, S + 1, A - 1, S]."""
        states, actions = self.chains.num_states, self.chains.num_actions
        small, goal = self.chains.small_reward, self.chains.goal_reward
        cases: list[Case] = [
            (found, failed, at)
            for found, failed, at in product(range(states + 1), range(actions - 1), range(states))
            if at <= found and (found < states or failed == 0)
        ]
        num_steps = self.horizon * self.episodes_per_trial
        advance = torch.ones(num_steps, states + 1, actions - 1, states, dtype=torch.bool)
        worth = dict.fromkeys(cases, 0.0)
        for step in range(num_steps - 1, -1, -1):
            ends = step % self.horizon == self.horizon - 1
            now: dict[Case, float] = {}
            for found, failed, at in cases:
                onward = 0 if ends else min(at + 1, states - 1)
                paid = goal if at == states - 1 else 0.0
                back = small + worth[found, failed, 0]
                if at < found:
                    on = paid + worth[found, failed, onward]
                else:
                    chance = 1 / (actions - failed)
                    more = (found, failed + 1) if failed + 1 < actions - 1 else (found + 1, 0)
                    hit, miss = (found + 1, 0), more
                    if ends and not told_at_ends and at < states - 1:
                        hit = miss = found, failed
                    on = chance * (paid + worth[*hit, onward]) + (1 - chance) * (small + worth[*miss, 0])
                    if failed == 0:
                        back = -math.inf  # no action is known to lead back
                advance[step, found, failed, at] = on >= back
                now[found, failed, at] = max(on, back)
            worth = now
        return worth[0, 0, 0], advance
