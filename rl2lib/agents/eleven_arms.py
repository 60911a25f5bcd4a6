"""Who plays the eleven arms of Wang et al. 2016 (section 3.1.3): the optimum, classic agents, and one-hot networks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rl2lib.agents.recurrent import RecurrentBaseline, RecurrentPolicy
from rl2lib.tasks import sampling
from rl2lib.tasks.wang import NUM_CANDIDATES
from rl2lib.types import RuleAgent, StepInput

NUM_ARMS = NUM_CANDIDATES + 1
INFORMATIVE_ARM = NUM_CANDIDATES
PAYOUTS = (*(number / 10 for number in range(1, NUM_CANDIDATES + 1)), 5.0)
"""Every reward there is; what the informative arm pays for target 10 and what a candidate pays are both 1."""


def one_hot_reward(inputs: StepInput) -> StepInput:
    """Return inputs [...] with the reward as one-hot in the observation's place, [..., 11]; none before any pull."""
    payouts = inputs.prev_reward.new_tensor(PAYOUTS)
    near = (inputs.prev_reward[..., None] - payouts).abs() < 0.05
    return inputs._replace(observation=near.float(), prev_reward=torch.zeros_like(inputs.prev_reward))


class OneHotPolicy(RecurrentPolicy):
    """A recurrent policy that reads the reward as one-hot."""

    def features(self, inputs: StepInput) -> Tensor:
        """Return what the core reads, [..., F]."""
        return super().features(one_hot_reward(inputs))


class OneHotBaseline(RecurrentBaseline):
    """Its critic, which reads the same."""

    def features(self, inputs: StepInput) -> Tensor:
        """Return what the core reads, [..., F]."""
        return super().features(one_hot_reward(inputs))


class PaysForInformation(RuleAgent[tuple[Tensor, int]]):
    """The optimum for eleven arms, 20.55 in five pulls: it pulls the informative arm, then the one that it told."""

    def initial_state(self, batch_size: int, tasks: object = None) -> tuple[Tensor, int]:
        """Return the arm to pull next [B], and the number of pulls so far."""
        return torch.full((batch_size,), INFORMATIVE_ARM), 0

    def act(
        self, state: tuple[Tensor, int], inputs: StepInput, generator: torch.Generator
    ) -> tuple[Tensor, tuple[Tensor, int]]:
        """Return arms [B]; what the first pull paid is a tenth of the target's number, counted from 1."""
        arm, steps = state
        if steps == 1:
            arm = (10 * inputs.prev_reward).round().long() - 1
        return arm, (arm, steps + 1)


class TargetThompson(RuleAgent[tuple[Tensor, int]]):
    """Thompson sampling with the true prior: a target drawn from those still possible, until it is found.

    It never pulls the informative arm: no sample of the target makes that the best one.
    """

    def initial_state(self, batch_size: int, tasks: object = None) -> tuple[Tensor, int]:
        """Return which candidates may be the target, [B, 10], and the number of pulls so far."""
        return torch.ones(batch_size, NUM_CANDIDATES), 0

    def act(
        self, state: tuple[Tensor, int], inputs: StepInput, generator: torch.Generator
    ) -> tuple[Tensor, tuple[Tensor, int]]:
        """Rule out what the last pull ruled out, then draw: actions [B]."""
        possible, steps = state
        if steps > 0:
            pulled = nn.functional.one_hot(inputs.prev_action, NUM_CANDIDATES).to(possible.dtype)
            found = (inputs.prev_reward > 1)[:, None]
            possible = torch.where(found, pulled, possible * (1 - pulled))
        return sampling.index(possible, generator), (possible, steps + 1)


class EveryArmOnce(RuleAgent[tuple[int, int]]):
    """UCB1 (Auer et al. 2002) for fewer pulls than arms: each arm once before any a second time, lowest index first."""

    def initial_state(self, batch_size: int, tasks: object = None) -> tuple[int, int]:
        """Return the number of trials, and of pulls so far."""
        return batch_size, 0

    def act(
        self, state: tuple[int, int], inputs: StepInput, generator: torch.Generator
    ) -> tuple[Tensor, tuple[int, int]]:
        """Pull the next arm: actions [B]."""
        batch_size, steps = state
        return torch.full((batch_size,), steps % NUM_ARMS), (batch_size, steps + 1)
