"""A policy for bandits with the problem's symmetry built in: one small memory per arm, the same weights for all.

Arms of a bandit have no names: relabel them, and a sensible agent's choices are relabelled with them. A plain
network must learn this from examples; here it holds by construction, and what was learned on ten arms plays fifty.
Structure of this kind is what Duan et al. 2016 ask for in their discussion (section 5).
"""

from __future__ import annotations

import copy
from typing import NamedTuple, Self

import torch
from torch import Tensor, nn

from rl2lib.agents.cores import GRU
from rl2lib.agents.feedforward import SetHead
from rl2lib.agents.softmax_policy import Mode, SoftmaxPolicy
from rl2lib.tasks.episodes import expect_counts
from rl2lib.types import StepInput


class ArmMemory(NamedTuple):
    """What the policy remembers of its trial.

    Attributes:
        hidden: [B, K, H] float32, a state for every arm.
        steps: [B] int64, how often it has acted; 0 at a trial's first step, whose input tells of no pull.
    """

    hidden: Tensor
    steps: Tensor


class ArmEquivariantPolicy(SoftmaxPolicy):
    """One GRU for every arm, all with the same weights; an arm's logit comes from its own state and the mean state.

    An arm's GRU reads three numbers at every step, whichever arm was pulled: whether it was this one, the reward as
    -1 or +1 (0 for the others), and the fraction of the trial that is over. Observations are not looked at.

    No weight depends on the number of arms or pulls: `for_bandits` returns the same policy for others.

    Args:
        num_arms: K.
        num_pulls: n, the length of a trial; the time that the GRU reads is in these units.
        hidden_size: H, of one arm's memory.
        generator: draws the initial weights.
        mode: "sampled" draws from softmax(logits); "greedy" takes the likeliest action.

    Raises:
        ValueError: if a count is below 1.
    """

    def __init__(
        self,
        num_arms: int,
        num_pulls: int,
        hidden_size: int = 32,
        *,
        generator: torch.Generator,
        mode: Mode = "sampled",
    ) -> None:
        super().__init__()
        expect_counts(num_arms=num_arms, num_pulls=num_pulls)
        self.num_arms, self.num_pulls, self.hidden_size = num_arms, num_pulls, hidden_size
        self.core = GRU(3, hidden_size, generator=generator)
        self.head = SetHead(hidden_size, generator=generator)
        self.mode = mode

    def for_bandits(self, num_arms: int, num_pulls: int | None = None) -> Self:
        """Return this policy for other bandits; the weights are shared, not copied.

        Args:
            num_arms: K.
            num_pulls: the length of a trial; None is this policy's own.
        """
        twin = copy.copy(self)
        twin.num_arms = num_arms
        twin.num_pulls = self.num_pulls if num_pulls is None else num_pulls
        expect_counts(num_arms=twin.num_arms, num_pulls=twin.num_pulls)
        return twin

    def initial_state(self, batch_size: int, tasks: object = None) -> ArmMemory:
        """Return a fresh trial's memory; the tasks are not looked at."""
        weight = self.core.bias_ih
        return ArmMemory(
            weight.new_zeros(batch_size, self.num_arms, self.hidden_size),
            torch.zeros(batch_size, dtype=torch.int64, device=weight.device),
        )

    def step(self, state: ArmMemory, inputs: StepInput) -> tuple[Tensor, ArmMemory]:
        """Return logits [B, K] and the next memory for one step's inputs."""
        features = self._features(inputs, state.steps)
        hidden, _ = self.core.step(features.flatten(0, 1), state.hidden.flatten(0, 1))
        hidden = hidden.unflatten(0, (-1, self.num_arms))
        return self.head(hidden), ArmMemory(hidden, state.steps + 1)

    def unroll(self, inputs: StepInput, state: ArmMemory | None = None) -> tuple[Tensor, ArmMemory]:
        """Return logits [B, T, K] for whole trials' inputs, and the last memory."""
        batch_size, num_steps = inputs.prev_action.shape
        state = self.initial_state(batch_size) if state is None else state
        steps = state.steps[:, None] + torch.arange(num_steps, device=state.steps.device)
        features = self._features(inputs, steps).transpose(1, 2)  # [B, K, T, F]: arms go with the trials
        hidden, last = self.core(features.flatten(0, 1), state.hidden.flatten(0, 1))
        # [B K, T, H] -> [B, T, K, H]
        hidden = hidden.unflatten(0, (batch_size, self.num_arms)).transpose(1, 2)
        return self.head(hidden), ArmMemory(last.unflatten(0, (batch_size, -1)), state.steps + num_steps)

    def _features(self, inputs: StepInput, steps: Tensor) -> Tensor:
        """What every arm's GRU reads, [..., K, 3]; `steps` [...] counts the pulls before this one."""
        highest = int(inputs.prev_action.max())
        if highest >= self.num_arms:
            raise ValueError(
                f"inputs.prev_action: expected 0..{self.num_arms - 1}, got {highest}; "
                f"for_bandits({highest + 1}) plays this policy on more arms"
            )
        dtype = self.core.bias_ih.dtype
        pulled = nn.functional.one_hot(inputs.prev_action, self.num_arms).to(dtype)
        pulled = pulled * (steps > 0)[..., None]
        signed = pulled * (2 * inputs.prev_reward[..., None] - 1)
        time = (steps / self.num_pulls).to(dtype)[..., None].expand_as(pulled)
        return torch.stack([pulled, signed, time], dim=-1)
