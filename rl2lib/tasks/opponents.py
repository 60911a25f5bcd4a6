"""Others as the hidden part of a task: an opponent of unknown type, a listener of unknown intent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from rl2lib.tasks import sampling
from rl2lib.tasks.episodes import EpisodicEnv, expect_counts, expect_finite, expect_probabilities, expect_tasks
from rl2lib.types import Step

COOPERATE, DEFECT = 0, 1


class OpponentType(NamedTuple):
    """An opponent of a repeated game with two moves, as a machine whose state is its mood, 0 or 1.

    Attributes:
        name: what the literature calls it.
        first_mood: the mood a match starts in.
        cooperates: the probability of move 0 in mood 0 and in mood 1.
        next_mood: the mood after a round, `next_mood[mood][your move]`.
    """

    name: str
    first_mood: int
    cooperates: tuple[float, float]
    next_mood: tuple[tuple[int, int], tuple[int, int]]


OPPONENT_TYPES = (
    OpponentType("always cooperates", 0, (1.0, 1.0), ((0, 0), (0, 0))),
    OpponentType("always defects", 1, (0.0, 0.0), ((1, 1), (1, 1))),
    OpponentType("tit for tat", 0, (1.0, 0.0), ((0, 1), (0, 1))),
    OpponentType("grim trigger", 0, (1.0, 0.0), ((0, 1), (1, 1))),
    # win-stay lose-shift: your cooperation is a win, your defection a loss
    OpponentType("Pavlov", 0, (1.0, 0.0), ((0, 1), (1, 0))),
    OpponentType("random", 0, (0.5, 0.5), ((0, 0), (0, 0))),
)
"""Classic strategies of the repeated prisoner's dilemma (Axelrod 1984; Pavlov: Nowak & Sigmund 1993)."""

PRISONERS_DILEMMA = ((3.0, 0.0), (5.0, 1.0))
"""What you are paid, `[your move][the opponent's]`; move 0 cooperates, 1 defects."""


@dataclass(frozen=True)
class HiddenOpponents:
    """One of several types of opponent, equally likely.

    Attributes:
        num_types: how many; the first of `OPPONENT_TYPES`, or of the types that the environment is given.
    """

    num_types: int = len(OPPONENT_TYPES)

    def __post_init__(self) -> None:
        expect_counts(num_types=self.num_types)

    def sample(self, num_tasks: int, generator: torch.Generator) -> Tensor:
        """Draw the opponent's type [num_tasks] int64."""
        expect_counts(num_tasks=num_tasks)
        return sampling.integers(self.num_types, num_tasks, generator)


class MatrixGameEnv(EpisodicEnv):
    """Matches of a repeated game with two moves against an opponent of hidden type, who forgets between matches.

    The observation is what the opponent just played, as one-hot [B, 3]: nothing yet, move 0, move 1. A match is an
    episode of `horizon` rounds and ends by it. Both move at once. In ten rounds of the prisoner's dilemma the best
    replies earn 50, 10, 32, 32, 32 and 30 against the six types.

    Args:
        horizon: the rounds of a match.
        episodes_per_trial: n, the matches against the same opponent.
        payoff: what you are paid, `payoff[your move][the opponent's]`.
        types: the opponents that a task's number points into.
    """

    def __init__(
        self,
        horizon: int = 10,
        episodes_per_trial: int = 3,
        *,
        payoff: tuple[tuple[float, float], tuple[float, float]] = PRISONERS_DILEMMA,
        types: tuple[OpponentType, ...] = OPPONENT_TYPES,
    ) -> None:
        super().__init__(2, (3,), horizon, episodes_per_trial)
        if len(payoff) != 2 or any(len(row) != 2 for row in payoff):
            raise ValueError(f"payoff: expected 2 × 2 numbers, payoff[your move][the opponent's], got {payoff}")
        for row in payoff:
            for value in row:
                expect_finite(payoff=value)
        if not types:
            raise ValueError("types: expected at least one opponent, got none")
        for kind in types:
            for probability in kind.cooperates:
                expect_probabilities(cooperates=probability)
        self.payoff, self.types = payoff, types

    def reset(self, tasks: Tensor, generator: torch.Generator) -> Tensor:
        """Start a trial against each opponent, types [B] int64; return "nothing yet" as one-hot [B, 3].

        Raises:
            TypeError: if the tasks are no tensor.
            ValueError: if they are not [B] int64 numbers of a type.
        """
        high = len(self.types) - 1
        expect_tasks("tasks", tasks, "opponent types [B]", (), generator, low=0, high=high, dtype=torch.int64)
        self._start(len(tasks), generator)
        device = tasks.device
        self._payoff = torch.tensor(self.payoff, dtype=torch.float32, device=device)
        first = torch.tensor([kind.first_mood for kind in self.types], device=device)
        cooperates = torch.tensor([kind.cooperates for kind in self.types], dtype=torch.float32, device=device)
        following = torch.tensor([kind.next_mood for kind in self.types], device=device)
        self._first_mood, self._cooperates, self._next_mood = first[tasks], cooperates[tasks], following[tasks]
        self._rows = torch.arange(len(tasks), device=device)
        self._mood = self._first_mood
        return self._observe(torch.zeros_like(tasks))

    def step(self, actions: Tensor) -> Step:
        """Play one round: moves [B]."""
        generator = self._begin_step(actions)
        cooperates = self._cooperates[self._rows, self._mood]
        move = 1 - sampling.bernoulli(cooperates, generator).long()
        mine = self._payoff[actions]  # [B, 2], by the opponent's move
        reward = mine.gather(1, move[:, None]).squeeze(1)
        expected = cooperates * mine[:, COOPERATE] + (1 - cooperates) * mine[:, DEFECT]
        ends = self._end_step(torch.zeros_like(actions, dtype=torch.bool))
        mood = self._next_mood[self._rows, self._mood, actions]
        self._mood = torch.where(ends.episode_end, self._first_mood, mood)
        return Step(self._observe(torch.where(ends.episode_end, 0, 1 + move)), reward, *ends, expected)

    def _observe(self, seen: Tensor) -> Tensor:
        return one_hot(seen, 3).to(torch.float32)


@dataclass(frozen=True)
class HiddenListeners:
    """A listener wants one of 2^b things, equally likely; the agent is not told which.

    Attributes:
        num_bits: b, the yes-or-no properties that tell the things apart.
    """

    num_bits: int = 3

    def __post_init__(self) -> None:
        expect_counts(num_bits=self.num_bits)

    def sample(self, num_tasks: int, generator: torch.Generator) -> Tensor:
        """Draw the intent [num_tasks] int64, 0..2^b − 1."""
        expect_counts(num_tasks=num_tasks)
        return sampling.integers(2**self.num_bits, num_tasks, generator)


class DialogueEnv(EpisodicEnv):
    """A dialogue in small: ask about properties, hear yes or no, offer a thing.

    Actions 0..b−1 ask whether bit 0..b−1 of the intent is set and cost `ask_reward`; actions b..b + 2^b − 1 offer
    thing 0..2^b − 1 and end the dialogue, with +1 if it was wanted, else −1. The observation is the last reply as
    one-hot [B, 3]: none yet, no, yes. The intent lasts for the trial: what was understood in the first dialogue
    need not be asked again. With truthful replies b questions and an offer are optimal in the first dialogue, an
    offer in each later one: n − b/10 over n dialogues.

    Args:
        num_bits: b.
        horizon: the turns after which a dialogue times out.
        episodes_per_trial: n, the dialogues with one listener.
        truthful: the probability that a reply is right.
        ask_reward: paid for a question.
    """

    def __init__(
        self,
        num_bits: int = 3,
        horizon: int = 10,
        episodes_per_trial: int = 3,
        *,
        truthful: float = 1.0,
        ask_reward: float = -0.1,
    ) -> None:
        expect_counts(num_bits=num_bits)
        expect_probabilities(truthful=truthful)
        expect_finite(ask_reward=ask_reward)
        super().__init__(num_bits + 2**num_bits, (3,), horizon, episodes_per_trial)
        self.num_bits, self.truthful, self.ask_reward = num_bits, truthful, ask_reward

    def reset(self, tasks: Tensor, generator: torch.Generator) -> Tensor:
        """Start a trial with each listener, intents [B] int64; return "none yet" as one-hot [B, 3].

        Raises:
            TypeError: if the tasks are no tensor.
            ValueError: if they are not [B] int64 in 0..2^b − 1.
        """
        high = 2**self.num_bits - 1
        expect_tasks("tasks", tasks, "intents [B]", (), generator, low=0, high=high, dtype=torch.int64)
        self._start(len(tasks), generator)
        self._intent = tasks
        return self._observe(torch.zeros_like(tasks))

    def step(self, actions: Tensor) -> Step:
        """Ask or offer: actions [B]."""
        generator = self._begin_step(actions)
        offers = actions >= self.num_bits
        wanted = actions - self.num_bits == self._intent
        reward = torch.where(offers, torch.where(wanted, 1.0, -1.0), self.ask_reward)
        bit = (self._intent >> actions.clamp(max=self.num_bits - 1)) & 1
        truth = sampling.bernoulli(torch.full_like(reward, self.truthful), generator).long()
        reply = torch.where(truth == 1, bit, 1 - bit)
        ends = self._end_step(offers)
        return Step(self._observe(torch.where(ends.episode_end, 0, 1 + reply)), reward, *ends, reward)

    def _observe(self, reply: Tensor) -> Tensor:
        return one_hot(reply, 3).to(torch.float32)
