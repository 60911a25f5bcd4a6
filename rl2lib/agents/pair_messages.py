"""A memory for every state-action that also hears from the states it led to: messages along the transitions seen.

`PairMemoryPolicy` knows what each action paid and not where it leads. Here every memory says as well what its
state-action is worth by itself, and these worths are sent back along the transitions that the trial has seen, as
value iteration sends rewards: what a pair will bring is its worth and, weighted by how often it led there, the best
of every next state, as many times over as steps are left. States and actions still have no names, and no weight
depends on their numbers.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from rl2lib.agents.pair_memory import PairMemoryPolicy, _Visits, time_in_episode
from rl2lib.agents.recurrent import xavier_linear
from rl2lib.agents.softmax_policy import Mode
from rl2lib.types import StepInput, expect_shape


class MessageMemory(NamedTuple):
    """What the policy remembers of its trial.

    Attributes:
        hidden: [B, S, A, H] float32, a memory for every state-action.
        led: [B, S, A, S] float32, how often it led to each state; an episode's last step is followed by the next
            episode's start and tells of none.
        position: [B] int64, the state it was in when it acted last.
        time: [B] int64, how often it has acted in this episode.
        steps: [B] int64, how often it has acted; 0 at a trial's first step, whose input tells of no action.
    """

    hidden: Tensor
    led: Tensor
    position: Tensor
    time: Tensor
    steps: Tensor


class PairMessagesPolicy(PairMemoryPolicy):
    """A GRU for every state-action, and as many rounds of messages as steps are left in the episode.

    A pair's worth comes from its memory, the mean memory of its state's actions, and the fraction of the trial that
    is over. It has two parts, one as it is and one times the fraction of the episode that is left after the step:
    knowing where an action leads pays later. The logits are those of the memories, as in `PairMemoryPolicy`, and
    what the messages say each action will bring, over a learned temperature.

    Args:
        message_size: hidden units of the network that says what a pair is worth.
        others: as for `PairMemoryPolicy`.

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
        message_size: int = 16,
        *,
        generator: torch.Generator,
        mode: Mode = "sampled",
    ) -> None:
        super().__init__(
            num_states, num_actions, horizon, episodes_per_trial, hidden_size, generator=generator, mode=mode
        )
        self.own = xavier_linear(hidden_size, message_size, generator=generator)
        self.siblings = xavier_linear(message_size + 1, message_size, generator=generator, bias=False)
        self.worth = xavier_linear(message_size, 2, generator=generator, bias=False)
        self.log_concentration = nn.Parameter(torch.tensor(0.1).log())
        self.log_temperature = nn.Parameter(torch.zeros(()))

    def initial_state(self, batch_size: int, tasks: object = None) -> MessageMemory:  # type: ignore[override]
        """Return a fresh trial's memory; the tasks are not looked at."""
        hidden, position, time, steps = super().initial_state(batch_size)
        led = hidden.new_zeros(batch_size, self.num_states, self.num_actions, self.num_states)
        return MessageMemory(hidden, led, position, time, steps)

    def step(self, state: MessageMemory, inputs: StepInput) -> tuple[Tensor, MessageMemory]:  # type: ignore[override]
        """Return logits [B, A] and the next memory for one step's inputs."""
        expect_shape("inputs.observation", inputs.observation, "[B, S]", (len(state.steps), self.num_states))
        # one step is an unroll of length 1: there is no second set of equations
        logits, state = self.unroll(StepInput(*(field[:, None] for field in inputs)), state)
        return logits[:, 0], state

    def unroll(  # type: ignore[override]
        self, inputs: StepInput, state: MessageMemory | None = None
    ) -> tuple[Tensor, MessageMemory]:
        """Return logits [B, T, A] for whole trials' inputs, and the last memory."""
        batch_size, num_steps = inputs.prev_action.shape
        expect_shape("inputs.observation", inputs.observation, "[B, T, S]", (batch_size, num_steps, self.num_states))
        state = self.initial_state(batch_size) if state is None else state
        num_pairs = self.num_states * self.num_actions
        position = inputs.observation.argmax(dim=-1)
        steps = state.steps[:, None] + torch.arange(num_steps, device=position.device)
        time = time_in_episode(inputs.prev_end, steps, state.time)
        before = torch.cat([state.position[:, None], position[:, :-1]], dim=1)
        pair = before * self.num_actions + inputs.prev_action  # [B, T], the pair that each input tells of
        visits = _Visits(pair, steps > 0, num_pairs)
        memories = visits.run(self.core, inputs.prev_reward, state.hidden.flatten(0, 2))
        # where every pair's memory at each step is found, [B, T, S, A]
        everywhere = torch.arange(num_pairs, device=position.device).expand(batch_size, num_steps, -1)
        found = visits.find(everywhere).unflatten(2, (self.num_states, self.num_actions))
        led = self._led(inputs, pair, position, steps, state.led)
        values = self._values(memories, found, led, steps)
        row = torch.arange(batch_size * num_steps, device=position.device)
        left = (self.horizon - 1 - time).clamp(min=0)
        message = values[row, left.flatten(), position.flatten()].unflatten(0, (batch_size, num_steps))
        here = found.flatten(0, 1)[row, position.flatten()].unflatten(0, (batch_size, num_steps))
        logits = self._logits(memories[here], time, steps) + message / self.log_temperature.exp()
        last = memories[visits.last()].reshape(state.hidden.shape)
        return logits, MessageMemory(last, led[:, -1], position[:, -1], time[:, -1], state.steps + num_steps)

    def _led(self, inputs: StepInput, pair: Tensor, position: Tensor, steps: Tensor, before: Tensor) -> Tensor:
        """How often each pair had led to each state before each step, [B, T, S, A, S]."""
        known = (steps > 0).to(before.dtype) * (1 - inputs.prev_end)
        flat = before.new_zeros(*pair.shape, before[0].numel())
        place = pair * self.num_states + position
        flat = flat.scatter(2, place[..., None], known[..., None]).cumsum(dim=1)
        counts: Tensor = flat.unflatten(2, before.shape[1:])
        return counts + before[:, None]

    def _values(self, memories: Tensor, found: Tensor, led: Tensor, steps: Tensor) -> Tensor:
        """What every pair brings, by the steps left after it: [B T, horizon, S, A]."""
        own = self.own(memories).index_select(0, found.flatten()).view(*found.shape, -1)
        over = (steps / (self.horizon * self.episodes_per_trial)).to(own.dtype)
        over = over[..., None, None].expand(*own.shape[:3], 1)
        common = self.siblings(torch.cat([own.mean(dim=3), over], dim=-1))
        now, later = self.worth((own + common[..., None, :]).tanh()).flatten(0, 1).unbind(dim=-1)  # [B T, S, A]
        weight = led.flatten(0, 1) + self.log_concentration.exp()
        leads = (weight / weight.sum(dim=-1, keepdim=True)).flatten(1, 2)  # [B T, S A, S]
        values = [now]
        for left in range(1, self.horizon):
            best = values[-1].amax(dim=-1, keepdim=True)
            values.append(now + left / self.horizon * later + (leads @ best).view_as(now))
        return torch.stack(values, dim=1)
