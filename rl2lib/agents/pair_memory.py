"""A policy for tabular MDPs with the problem's symmetry built in: one small memory per state-action.

States and actions of a random MDP have no names, and what was paid in one place tells nothing of another. So every
state-action has a recurrent memory of its own, all with the same weights, and a memory moves only when its pair is
visited. It sees no transitions: a rule as blind as that is ahead of every published planner on the random MDPs of
Duan et al. 2016 (`optimism.TransitionBlind`). A bandit is such an MDP of one state: there it is one memory per arm.
"""

from __future__ import annotations

import copy
from typing import NamedTuple, Self

import torch
from torch import Tensor

from rl2lib.agents.cores import GRU
from rl2lib.agents.feedforward import SetHead
from rl2lib.agents.softmax_policy import Mode, SoftmaxPolicy
from rl2lib.tasks.episodes import expect_counts
from rl2lib.types import StepInput, expect_shape


class PairMemory(NamedTuple):
    """What the policy remembers of its trial.

    Attributes:
        hidden: [B, S, A, H] float32, a memory for every state-action.
        position: [B] int64, the state it was in when it acted last.
        time: [B] int64, how often it has acted in this episode.
        steps: [B] int64, how often it has acted; 0 at a trial's first step, whose input tells of no action.
    """

    hidden: Tensor
    position: Tensor
    time: Tensor
    steps: Tensor


class PairMemoryPolicy(SoftmaxPolicy):
    """One GRU for every state-action, all with the same weights, which reads a reward when its pair was visited.

    The logits of the current state's actions come from their memories, the mean of these, and the fractions of the
    trial and of the episode that are over.

    Args:
        num_states: S; observations are one-hot, [B, S].
        num_actions: A.
        horizon: T, the steps of an episode.
        episodes_per_trial: n.
        hidden_size: H, of one pair's memory.
        generator: draws the initial weights.
        mode: "sampled" draws from softmax(logits); "greedy" takes the likeliest action.

    Raises:
        ValueError: if a count is below 1.
    """

    def __init__(
        self,
        num_states: int,
        num_actions: int,
        horizon: int,
        episodes_per_trial: int,
        hidden_size: int = 24,
        *,
        generator: torch.Generator,
        mode: Mode = "sampled",
    ) -> None:
        super().__init__()
        expect_counts(
            num_states=num_states, num_actions=num_actions, horizon=horizon, episodes_per_trial=episodes_per_trial
        )
        self.num_states, self.num_actions = num_states, num_actions
        self.horizon, self.episodes_per_trial = horizon, episodes_per_trial
        self.hidden_size = hidden_size
        self.core = GRU(1, hidden_size, generator=generator)
        self.head = SetHead(hidden_size, 2, generator=generator)
        self.mode = mode

    def for_actions(self, num_actions: int) -> Self:
        """Return this policy with another number of actions; the weights, which know of none, are shared."""
        expect_counts(num_actions=num_actions)
        twin = copy.copy(self)
        twin.num_actions = num_actions
        return twin

    def for_trials(self, episodes_per_trial: int) -> Self:
        """Return this policy for trials of another length; the weights are shared."""
        expect_counts(episodes_per_trial=episodes_per_trial)
        twin = copy.copy(self)
        twin.episodes_per_trial = episodes_per_trial
        return twin

    def initial_state(self, batch_size: int, tasks: object = None) -> PairMemory:
        """Return a fresh trial's memory; the tasks are not looked at."""
        weight = self.core.bias_ih
        zeros = torch.zeros(batch_size, dtype=torch.int64, device=weight.device)
        hidden = weight.new_zeros(batch_size, self.num_states, self.num_actions, self.hidden_size)
        return PairMemory(hidden, zeros, zeros, zeros)

    def step(self, state: PairMemory, inputs: StepInput) -> tuple[Tensor, PairMemory]:
        """Return logits [B, A] and the next memory for one step's inputs."""
        expect_shape("inputs.observation", inputs.observation, "[B, S]", (len(state.steps), self.num_states))
        position = inputs.observation.argmax(dim=-1)
        row = torch.arange(len(position), device=position.device)
        visited = (row, state.position, inputs.prev_action)
        before = state.hidden[visited]
        after, _ = self.core.step(inputs.prev_reward[:, None].to(before.dtype), before)
        after = torch.where((state.steps > 0)[:, None], after, before)
        hidden = state.hidden.index_put(visited, after)
        time = torch.where((inputs.prev_end > 0) | (state.steps == 0), 0, state.time + 1)
        logits = self._logits(hidden[row, position], time, state.steps)
        return logits, PairMemory(hidden, position, time, state.steps + 1)

    def unroll(self, inputs: StepInput, state: PairMemory | None = None) -> tuple[Tensor, PairMemory]:
        """Return logits [B, T, A] for whole trials' inputs, and the last memory.

        A pair's memory depends on the rewards seen at it and on nothing else. So the trials' steps are regrouped
        into a sequence of visits for every pair, and the GRU runs over all pairs' first visits at once, then over
        their second ones, and so on: as many steps as the busiest pair has visits, not as the trial has.
        """
        batch_size, num_steps = inputs.prev_action.shape
        expect_shape("inputs.observation", inputs.observation, "[B, T, S]", (batch_size, num_steps, self.num_states))
        state = self.initial_state(batch_size) if state is None else state
        position = inputs.observation.argmax(dim=-1)
        steps = state.steps[:, None] + torch.arange(num_steps, device=position.device)
        before = torch.cat([state.position[:, None], position[:, :-1]], dim=1)
        pair = before * self.num_actions + inputs.prev_action  # [B, T], the pair that each input tells of
        visits = _Visits(pair, steps > 0, self.num_states * self.num_actions)
        memories = visits.run(self.core, inputs.prev_reward, state.hidden.flatten(0, 2))
        # where the memories of the current state's actions are found, [B, T, A]
        actions = torch.arange(self.num_actions, device=position.device)
        wanted = visits.find(position[..., None] * self.num_actions + actions)
        time = time_in_episode(inputs.prev_end, steps, state.time)
        logits = self._logits(memories[wanted], time, steps)
        last = memories[visits.last()].reshape(state.hidden.shape)
        return logits, PairMemory(last, position[:, -1], time[:, -1], state.steps + num_steps)

    def _logits(self, hidden: Tensor, time: Tensor, steps: Tensor) -> Tensor:
        """Logits [..., A] from the memories [..., A, H] of the current state's actions."""
        elapsed = torch.stack([steps / (self.horizon * self.episodes_per_trial), time / self.horizon], dim=-1)
        logits: Tensor = self.head(hidden, elapsed.to(hidden.dtype))
        return logits


class _Visits:
    """The steps of B trials, regrouped by state-action.

    Args:
        pair: [B, T] int64 in 0..P-1, the pair that step t's input tells of.
        told: [B, T] bool, whether it tells of any.
        num_pairs: P.
    """

    def __init__(self, pair: Tensor, told: Tensor, num_pairs: int) -> None:
        batch_size, num_steps = pair.shape
        device = pair.device
        self.num_sequences = batch_size * num_pairs
        self._first = torch.arange(batch_size, device=device)[:, None] * num_pairs  # a trial's first sequence
        # [B, T, P]: how often each pair was visited up to and including what step t's input tells of
        seen = torch.zeros(batch_size, num_steps, num_pairs, dtype=torch.int32, device=device)
        self._seen = seen.scatter_(2, pair[..., None], told[..., None].to(seen.dtype)).cumsum_(dim=1)
        lengths = self._seen[:, -1].flatten().long()
        # longest first, as packed sequences are kept; the v-th visits of all sequences lie side by side
        order = lengths.argsort(descending=True, stable=True)
        self._order = order[: int((lengths > 0).sum())]
        self._rank = torch.empty_like(order).scatter_(0, order, torch.arange(len(order), device=device))
        self.busy = torch.bincount(lengths).flip(0).cumsum(0).flip(0)[1:]  # sequences of at least v = 1, 2, ... visits
        self._start = torch.cat([self.busy.new_zeros(1), self.busy.cumsum(0)])
        # which step each packed visit is
        number = self._seen.gather(2, pair[..., None]).squeeze(-1).long()
        place = self._place(self._first + pair, number)[told]
        step = torch.arange(batch_size * num_steps, device=device).reshape(batch_size, num_steps)[told]
        self._step = torch.empty_like(step).scatter_(0, place - self.num_sequences, step)

    def _place(self, sequence: Tensor, number: Tensor) -> Tensor:
        """Where a sequence's memory after so many visits lies: first all initial ones, then the packed ones."""
        packed = self.num_sequences + self._start[(number - 1).clamp(min=0)] + self._rank[sequence]
        return torch.where(number > 0, packed, sequence)

    def run(self, core: GRU, reward: Tensor, initial: Tensor) -> Tensor:
        """Return all memories, initial [B P, H] and after every visit, [B P + visits, H]."""
        rewards = reward.reshape(-1, 1)[self._step].to(initial.dtype)
        # not torch's own packed sequences: their backward pass touches every visit at each of the visits' numbers
        hidden, packed = initial[self._order], [initial]
        for visits in rewards.split(self.busy.tolist()):
            hidden, _ = core.step(visits, hidden[: len(visits)])
            packed.append(hidden)
        return torch.cat(packed)

    def find(self, pair: Tensor) -> Tensor:
        """Return [B, T, A], where the memories of pairs [B, T, A] at each step lie."""
        return self._place(self._first[..., None] + pair, self._seen.gather(2, pair).long())

    def last(self) -> Tensor:
        """Return [B, P], where all pairs' last memories lie."""
        pairs = torch.arange(self._seen.shape[2], device=self._seen.device)
        return self._place(self._first + pairs, self._seen[:, -1].long())


def time_in_episode(prev_end: Tensor, steps: Tensor, before: Tensor) -> Tensor:
    """Return [B, T] int64, how often the policy has acted in the current episode before each step.

    Args:
        prev_end: [B, T] float32, 1 where the step before ended an episode.
        steps: [B, T] int64, how often it has acted in the trial before each step.
        before: [B] int64, what the answer was at the step before the first one; not looked at in a trial's start.
    """
    starts = (prev_end > 0) | (steps == 0)
    index = torch.arange(prev_end.shape[1], device=prev_end.device).expand_as(steps)
    began = torch.where(starts, index, -1).cummax(dim=1).values  # -1: before these inputs
    return torch.where(began >= 0, index - began, before[:, None] + 1 + index)
