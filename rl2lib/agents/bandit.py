"""The classic bandit algorithms, all bandits of a batch at once.

They are policies like any other: their state is a count per arm, they read nothing but the step input, and
ties go to the lowest index. An arm's mean is estimated with one success and one failure to begin with, as in
Duan et al. 2016 (section 3.1), which is the posterior mean under a uniform prior.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, NamedTuple

import torch
from torch import Tensor

from rl2lib.tasks import sampling
from rl2lib.tasks.episodes import expect_counts, expect_probabilities
from rl2lib.types import RuleAgent, StepInput, expect_shape

EPSILONS = tuple(i / 10 for i in range(11))
"""The ε to choose from for `EpsilonGreedy`.

This grid and the next two are those of Duan et al. 2016's search, as their script has them (rllab's
scripts/bandits/evaluate_bandits.py); the paper names none. Choose on tasks other than those of the comparison: the
script chose on the same.
"""

WIDTHS = tuple(i / 10 for i in range(11))
"""The c to choose from for `UCB1`."""

NUM_SAMPLES = tuple(range(1, 21))
"""The N to choose from for `OptimisticThompson`."""


class Counts(NamedTuple):
    """What a counting agent remembers of its trial so far.

    Attributes:
        successes: [B, K] float32, the sum of rewards of each arm.
        failures: [B, K] float32, pulls minus that sum.
        steps: how often it has acted; 0 at a trial's first step, whose input tells of no pull.
    """

    successes: Tensor
    failures: Tensor
    steps: int

    @property
    def pulls(self) -> Tensor:
        """[B, K] float32, how often each arm was pulled."""
        return self.successes + self.failures

    @property
    def mean(self) -> Tensor:
        """[B, K] float32, each arm's posterior mean, (successes + 1) / (pulls + 2)."""
        return (self.successes + 1) / (self.pulls + 2)


class CountingAgent(RuleAgent[Counts]):
    """Counts successes and failures; a subclass says which arm to pull, given the counts.

    Args:
        num_arms: K.
        device: where its counts live.
    """

    def __init__(self, num_arms: int, device: torch.device | str = "cpu") -> None:
        self.num_arms = num_arms
        self.device = torch.device(device)

    def initial_state(self, batch_size: int, tasks: Any = None) -> Counts:
        """Return counts of zero; a prior is added where a mean is taken."""
        zeros = torch.zeros(batch_size, self.num_arms, device=self.device)
        return Counts(zeros, zeros.clone(), 0)

    def act(self, state: Counts, inputs: StepInput, generator: torch.Generator) -> tuple[Tensor, Counts]:
        """Count the pull the input tells of, then choose."""
        state = self.observe(state, inputs)
        return self.choose(state, generator), state._replace(steps=state.steps + 1)

    def observe(self, state: Counts, inputs: StepInput) -> Counts:
        """Return the counts with the previous pull added; the first step's placeholder is not a pull."""
        expect_shape("inputs.prev_action", inputs.prev_action, "[B]", (state.successes.shape[0],))
        if state.steps == 0:
            return state
        arm = inputs.prev_action[:, None]
        reward = inputs.prev_reward[:, None]
        return state._replace(
            successes=state.successes.scatter_add(1, arm, reward),
            failures=state.failures.scatter_add(1, arm, 1 - reward),
        )

    @abstractmethod
    def choose(self, counts: Counts, generator: torch.Generator) -> Tensor:
        """Return the arms to pull, [B] int64."""


class Random(CountingAgent):
    """Pulls every arm with equal probability."""

    def choose(self, counts: Counts, generator: torch.Generator) -> Tensor:
        """Draw an arm uniformly."""
        return torch.randint(self.num_arms, counts.mean.shape[:1], generator=generator, device=self.device)


class Greedy(CountingAgent):
    """Pulls the arm of the highest posterior mean."""

    def choose(self, counts: Counts, generator: torch.Generator) -> Tensor:
        """Return the arm of the highest mean."""
        return counts.mean.argmax(dim=1)


class EpsilonGreedy(CountingAgent):
    """Greedy, except that with probability `epsilon` it draws uniformly among all arms."""

    def __init__(self, num_arms: int, epsilon: float = 0.1, device: torch.device | str = "cpu") -> None:
        super().__init__(num_arms, device)
        expect_probabilities(epsilon=epsilon)
        self.epsilon = epsilon

    def choose(self, counts: Counts, generator: torch.Generator) -> Tensor:
        """Toss the coin, then explore or exploit."""
        batch = counts.mean.shape[:1]
        explore = torch.rand(batch, generator=generator, device=self.device) < self.epsilon
        anything = torch.randint(self.num_arms, batch, generator=generator, device=self.device)
        return torch.where(explore, anything, counts.mean.argmax(dim=1))


class UCB1(CountingAgent):
    """Pulls the arm of the highest mean + c sqrt(2 ln t / pulls), t = 1, 2, ... the pull to be made.

    The starting success and failure count among an arm's pulls (Duan et al. 2016). Auer et al. 2002 have c = 1;
    short trials want far less.
    """

    def __init__(self, num_arms: int, c: float = 0.2, device: torch.device | str = "cpu") -> None:
        super().__init__(num_arms, device)
        if c < 0:
            raise ValueError(f"c: expected a width of at least 0, got {c}")
        self.c = c

    def choose(self, counts: Counts, generator: torch.Generator) -> Tensor:
        """Return the arm of the highest upper confidence bound."""
        log_t = torch.tensor(counts.steps + 1.0, device=self.device).log()
        return (counts.mean + self.c * (2 * log_t / (counts.pulls + 2)).sqrt()).argmax(dim=1)


class Thompson(CountingAgent):
    """Draws each arm's mean from its Beta posterior (uniform prior) and pulls the highest draw."""

    def choose(self, counts: Counts, generator: torch.Generator) -> Tensor:
        """Sample from the posterior, then play the sample's best arm."""
        return sampling.beta(counts.successes + 1, counts.failures + 1, generator).argmax(dim=1)


class OptimisticThompson(CountingAgent):
    """Draws `num_samples` vectors of means from the posterior and plays the best arm of the likeliest one.

    "Samples N times from the posterior, and takes the one with the highest probability" (Duan et al. 2016,
    section 3.1, after May et al. 2012): the joint density decides, over all arms at once. One sample is Thompson;
    many come near to greedy, which plays the posterior's mode of means.

    Args:
        num_arms: K.
        num_samples: N, at least 1.
        device: where its counts live.
    """

    def __init__(self, num_arms: int, num_samples: int = 5, device: torch.device | str = "cpu") -> None:
        super().__init__(num_arms, device)
        expect_counts(num_samples=num_samples)
        self.num_samples = num_samples

    def choose(self, counts: Counts, generator: torch.Generator) -> Tensor:
        """Sample from the posterior [B, N, K], keep the likeliest sample [B, K], then play its best arm."""
        successes = counts.successes[:, None].expand(-1, self.num_samples, -1)
        failures = counts.failures[:, None].expand(-1, self.num_samples, -1)
        means = sampling.beta(successes + 1, failures + 1, generator)
        # the prior is flat, so the posterior's log-density is the log-likelihood and a constant
        density = torch.xlogy(successes, means) + torch.xlogy(failures, 1 - means)
        likeliest = density.sum(dim=-1).argmax(dim=1)
        return means[torch.arange(len(means), device=means.device), likeliest].argmax(dim=1)


class Oracle(RuleAgent[Tensor], sees_task=True):
    """Is told the task and pulls its best arm from the start: the ceiling of ceilings, no agent's target."""

    def initial_state(self, batch_size: int, tasks: Tensor | None = None) -> Tensor:
        """Return the best arm [B] of each task, means [B, K]."""
        if tasks is None:
            raise ValueError("tasks: the oracle must be told the arms' means [B, K], got None")
        return tasks.argmax(dim=1)

    def act(self, state: Tensor, inputs: StepInput, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Pull the best arm."""
        return state, state
