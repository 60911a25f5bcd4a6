"""Who plays the two-step task of Daw et al. 2011 (as in Wang et al. 2016, section 3.2.1) without any training.

One agent plans: it knows the transitions and infers which second stage pays. One caches: it credits the choice at the
first stage with whatever was paid, by whichever way. What tells them apart is what they do after a rare transition.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from rl2lib.tasks import sampling
from rl2lib.tasks.episodes import expect_counts
from rl2lib.types import RuleAgent, StepInput, expect_shape


class TwoStepMemory(NamedTuple):
    """What an agent of the two-step task remembers.

    Attributes:
        values: [B, 2] float32, what speaks for either choice at the first stage; what it means is the agent's own.
        choice: [B] int64, the last choice at the first stage.
        place: [B] int64, the second stage it led to, 0 or 1.
    """

    values: Tensor
    choice: Tensor
    place: Tensor


class TwoStepAgent(RuleAgent[TwoStepMemory]):
    """Keeps track of an episode's choice, second stage and reward; a subclass learns from the three, and chooses.

    Args:
        device: where its memory lives.
    """

    start = 0.0
    """Of both values, at a trial's start."""

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)

    def initial_state(self, batch_size: int, tasks: Any = None) -> TwoStepMemory:
        """Return the memory of a fresh trial."""
        nothing = torch.zeros(batch_size, dtype=torch.int64, device=self.device)
        return TwoStepMemory(torch.full((batch_size, 2), self.start, device=self.device), nothing, nothing.clone())

    def act(self, state: TwoStepMemory, inputs: StepInput, generator: torch.Generator) -> tuple[Tensor, TwoStepMemory]:
        """Learn from an episode that has just ended, then choose; at the second stage any action is the same.

        Raises:
            ValueError: if observations are not [B, 3].
        """
        expect_shape("inputs.observation", inputs.observation, "[B, 3]", (len(state.choice), 3))
        learned = self.learn(state.values, state.choice, state.place, inputs.prev_reward)
        values = torch.where(inputs.prev_end[:, None] > 0, learned, state.values)
        stage = inputs.observation.argmax(dim=1)
        choice = self.choose(values, generator)
        # at the second stage, what was done at the first one is the action before
        second = stage > 0
        return torch.where(second, 0, choice), TwoStepMemory(
            values,
            torch.where(second, inputs.prev_action, state.choice),
            torch.where(second, stage - 1, state.place),
        )

    @abstractmethod
    def learn(self, values: Tensor, choice: Tensor, place: Tensor, reward: Tensor) -> Tensor:
        """Return the values [B, 2] after an episode: its choice, its second stage and its reward, each [B]."""

    @abstractmethod
    def choose(self, values: Tensor, generator: torch.Generator) -> Tensor:
        """Return choices at the first stage, [B] int64."""


class TwoStepModelFree(TwoStepAgent):
    """Q(1) at the first stage: the choice made is moved towards the reward paid, whatever lay between.

    With a trace of 1 the second stage's own value drops out of the update (SARSA(1) is the same here, since an
    episode has one choice that counts). So what it does next depends on choice and reward, never on the transition.

    Args:
        learning_rate: α, in (0, 1].
        inverse_temperature: β of the softmax over the two values.
        device: where its memory lives.

    Raises:
        ValueError: if α is not in (0, 1], or β is negative.
    """

    start = 0.5

    def __init__(
        self, learning_rate: float = 0.5, inverse_temperature: float = 5.0, device: torch.device | str = "cpu"
    ) -> None:
        super().__init__(device)
        if not 0 < learning_rate <= 1:
            raise ValueError(f"learning_rate: expected one in (0, 1], got {learning_rate}")
        if not 0 <= inverse_temperature < math.inf:
            raise ValueError(f"inverse_temperature: expected at least 0, got {inverse_temperature}")
        self.learning_rate, self.inverse_temperature = learning_rate, inverse_temperature

    def learn(self, values: Tensor, choice: Tensor, place: Tensor, reward: Tensor) -> Tensor:
        """Move the chosen action's value towards the reward."""
        value = values.gather(1, choice[:, None])
        return values.scatter(1, choice[:, None], value + self.learning_rate * (reward[:, None] - value))

    def choose(self, values: Tensor, generator: torch.Generator) -> Tensor:
        """Draw from the softmax."""
        return sampling.categorical(self.inverse_temperature * values, generator)


class TwoStepOptimal(TwoStepAgent):
    """Keeps the belief about which second stage pays often, and chooses what commonly leads to the likelier one.

    Every episode teaches the same, whichever choice was made: a reward at one place and none at the other are equally
    telling. So nothing is to be explored, and choosing what looks better is optimal. All evidence weighs alike: the
    values count the episodes that spoke for either second stage.

    Args:
        episodes_per_trial: n.
        often: the probability of a reward in the better second stage; that in the other is one less it.
        common: the probability of the common transition.
        sees_second_stage: False makes it the best of all agents that do not look where they were led: it credits the
            choice itself, as a model-free learner does, but by Bayes' rule.
        device: where its memory lives.

    Attributes:
        value: the exact expected sum of rewards over a trial.

    Raises:
        ValueError: if a probability is not in (1/2, 1), or n is below 1.
    """

    def __init__(
        self,
        episodes_per_trial: int,
        often: float = 0.9,
        common: float = 0.75,
        *,
        sees_second_stage: bool = True,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__(device)
        expect_counts(episodes_per_trial=episodes_per_trial)
        for name, probability in (("often", often), ("common", common)):
            if not 0.5 < probability < 1:
                raise ValueError(f"{name}: expected a probability in (1/2, 1), got {probability}")
        self.sees_second_stage = sees_second_stage
        paid = common * often + (1 - common) * (1 - often)  # by the better choice
        right = chances_to_be_right(episodes_per_trial, often if sees_second_stage else paid)
        self.value = sum(1 - paid + (2 * paid - 1) * chance for chance in right)

    def learn(self, values: Tensor, choice: Tensor, place: Tensor, reward: Tensor) -> Tensor:
        """Count one for the place met (or the choice made) if it paid, for the other one if not."""
        met = place if self.sees_second_stage else choice
        return values + one_hot(torch.where(reward > 0, met, 1 - met), 2)

    def choose(self, values: Tensor, generator: torch.Generator) -> Tensor:
        """Return what more episodes spoke for; a tie is drawn."""
        lead = values[:, 1] - values[:, 0]
        drawn = torch.rand(len(values), generator=generator, device=self.device) < 0.5
        return torch.where(lead == 0, drawn, lead > 0).long()


def chances_to_be_right(num_episodes: int, telling: float) -> list[float]:
    """Return the probability that each episode's choice is the better one, if what looks better is chosen.

    The evidence is a walk: an episode speaks for the truth with probability `telling`, else against it.

    Args:
        num_episodes: n.
        telling: in (1/2, 1).
    """
    walk = torch.zeros(2 * num_episodes + 1, dtype=torch.float64)
    walk[num_episodes] = 1
    right = []
    for _ in range(num_episodes):
        right.append((walk[num_episodes + 1 :].sum() + walk[num_episodes] / 2).item())
        walk = telling * walk.roll(1) + (1 - telling) * walk.roll(-1)
    return right
