"""The classic algorithms for tabular MDPs: a posterior, a plan made from it, and nothing forgotten in between.

They are policies like any other: their state survives the episode and lives for one trial. Each plans with the
steps left in its episode (`value_iteration`), and takes a prior and a moment of planning, which name the columns
of a comparison:

- as published: the class's own prior, one plan an episode, as in TabulaRL (Osband 2016), which Duan et al. 2016
  ran. Their text says that the prior was the true one; their figures say that it was this.
- true prior: ``prior=TRUE_PRIOR``.
- true prior, updated every step: ``prior=TRUE_PRIOR, update="step"``; not for the posterior samplers, which
  explore because they keep to one sample for a whole episode.

The samplers, the greedy ones and the oracle are here, the optimists in `optimism`. Where actions tie one is drawn,
as in TabulaRL: an agent that knows nothing yet must not always do the same.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, Literal, NamedTuple

import torch
from torch import Tensor

from rl2lib.agents.posterior import FLAT, TABULARL, Posterior, Prior
from rl2lib.agents.value_iteration import backward_induction
from rl2lib.tasks.episodes import expect_probabilities
from rl2lib.tasks.tabular import TabularTasks
from rl2lib.types import RuleAgent, StepInput, expect_shape

Update = Literal["episode", "step"]

SMALLEST_SAMPLED = 0.01
"""Below this concentration the Gamma draws behind a Dirichlet underflow in float32."""

TIE = 1e-5
"""Values this close are taken for equal; float32 sums over an episode differ by less."""


class Memory(NamedTuple):
    """What a tabular agent remembers of its trial so far.

    Attributes:
        posterior: of B MDPs.
        values: [B, T, S, A] float32, what it plans by, index i with i steps left after this one.
        position: [B] int64, the state it was in when it acted last.
        time: [B] int64, how often it has acted in this episode.
        episode: [B] int64, the number of this episode, from 1.
        steps: how often it has acted; 0 at a trial's first step, whose input tells of no action.
    """

    posterior: Posterior
    values: Tensor
    position: Tensor
    time: Tensor
    episode: Tensor
    steps: int


class TabularAgent(RuleAgent[Memory]):
    """Keeps a posterior and plans; a subclass says how the plan's values come from the posterior.

    Args:
        num_states: S; observations are one-hot, [B, S].
        num_actions: A.
        horizon: T, the steps of an episode.
        prior: what is believed of every state-action at a trial's start; None is the agent's own, `own_prior`.
        update: plan at each "episode"'s start, or at every "step" with the steps that are left.
        device: where its memory lives.

    Raises:
        ValueError: if a size is below 1, the prior is none, or `update` is another word.
    """

    own_prior: ClassVar[Prior] = TABULARL

    def __init__(
        self,
        num_states: int,
        num_actions: int,
        horizon: int,
        prior: Prior | None = None,
        update: Update = "episode",
        device: torch.device | str = "cpu",
    ) -> None:
        if min(num_states, num_actions, horizon) < 1:
            sizes = f"{num_states}, {num_actions}, {horizon}"
            raise ValueError(f"num_states, num_actions, horizon: expected at least 1, got {sizes}")
        if update not in ("episode", "step"):
            raise ValueError(f'update: expected "episode" or "step", got {update!r}')
        self.num_states, self.num_actions, self.horizon = num_states, num_actions, horizon
        self.prior = self.own_prior if prior is None else prior
        self.update = update
        self.device = torch.device(device)
        self.prior.posterior(1, num_states, num_actions)  # says now what is wrong with it

    def initial_state(self, batch_size: int, tasks: Any = None) -> Memory:
        """Return a trial's start: the prior and no plan yet; the tasks are not looked at."""
        zeros = torch.zeros(batch_size, dtype=torch.int64, device=self.device)
        return Memory(
            self.prior.posterior(batch_size, self.num_states, self.num_actions, self.device),
            torch.zeros(batch_size, self.horizon, self.num_states, self.num_actions, device=self.device),
            zeros,
            zeros,
            zeros + 1,
            0,
        )

    def act(self, state: Memory, inputs: StepInput, generator: torch.Generator) -> tuple[Tensor, Memory]:
        """Learn from the step the input tells of, plan if it is time, then choose.

        Raises:
            ValueError: if observations are not [B, S], a reward is not finite, or an episode outlasts the horizon.
        """
        position, state = self.observe(state, inputs)
        left = (self.horizon - 1 - state.time).clamp(min=0)
        if self.update == "step":
            num_steps = int(left.max()) + 1
            state = state._replace(values=self.plan(state.posterior, state.episode, num_steps, generator))
        elif bool((starts := state.time == 0).any()):
            rows = starts.nonzero().squeeze(1)
            planned = self.plan(state.posterior.select(rows), state.episode[rows], self.horizon, generator)
            state = state._replace(values=state.values.index_copy(0, rows, planned))
        row = torch.arange(len(position), device=position.device)
        values = state.values[row, left, position]
        return self.choose(values, generator), state._replace(position=position, steps=state.steps + 1)

    def observe(self, state: Memory, inputs: StepInput) -> tuple[Tensor, Memory]:
        """Return the states of the MDPs [B] and the memory with the previous step learned.

        A trial's first input is a placeholder and teaches nothing.
        """
        shape = state.position.shape[0], self.num_states
        expect_shape("inputs.observation", inputs.observation, "[B, S]", shape)
        position = inputs.observation.argmax(dim=1)
        if state.steps == 0:
            return position, state
        ended = inputs.prev_end > 0
        time = torch.where(ended, 0, state.time + 1)
        if bool((time >= self.horizon).all()):
            raise ValueError(f"inputs.prev_end: expected an episode's end within {self.horizon} steps, got none")
        posterior = state.posterior.observe(
            state.position, inputs.prev_action, inputs.prev_reward, position, seen=~ended
        )
        return position, state._replace(posterior=posterior, time=time, episode=state.episode + ended)

    def choose(self, values: Tensor, generator: torch.Generator) -> Tensor:
        """Return [B] int64, the actions of the highest values [B, A]; ties are broken by a draw."""
        best = values >= values.amax(dim=1, keepdim=True) - TIE
        noise = torch.rand(values.shape, generator=generator, device=values.device)
        return torch.where(best, noise, -1.0).argmax(dim=1)

    @abstractmethod
    def plan(self, posterior: Posterior, episode: Tensor, num_steps: int, generator: torch.Generator) -> Tensor:
        """Return values [B, num_steps, S, A], by the steps left after an action.

        Args:
            posterior: of B MDPs.
            episode: [B] int64, the episode's number, from 1.
            num_steps: how many steps are left at most, this one included.
            generator: for those who sample.
        """


class Greedy(TabularAgent):
    """Plans as if the posterior's means were the truth (certainty equivalence)."""

    own_prior = FLAT

    def plan(self, posterior: Posterior, episode: Tensor, num_steps: int, generator: torch.Generator) -> Tensor:
        """Solve the mean MDP."""
        return backward_induction(posterior.transition, posterior.reward_mean, num_steps)


class EpsilonGreedy(Greedy):
    """Greedy, except that with probability `epsilon` it draws uniformly among all actions.

    Args:
        epsilon: in [0, 1].
        others: as for `TabularAgent`.
    """

    def __init__(
        self,
        num_states: int,
        num_actions: int,
        horizon: int,
        epsilon: float = 0.1,
        prior: Prior | None = None,
        update: Update = "episode",
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__(num_states, num_actions, horizon, prior, update, device)
        expect_probabilities(epsilon=epsilon)
        self.epsilon = epsilon

    def choose(self, values: Tensor, generator: torch.Generator) -> Tensor:
        """Toss the coin, then explore or exploit."""
        batch = values.shape[:1]
        explore = torch.rand(batch, generator=generator, device=values.device) < self.epsilon
        anything = torch.randint(self.num_actions, batch, generator=generator, device=values.device)
        return torch.where(explore, anything, super().choose(values, generator))


class PSRL(TabularAgent):
    """Draws one MDP from the posterior at each episode's start and follows its optimal policy throughout.

    Thompson sampling for MDPs (Strens 2000; Osband et al. 2013).
    """

    def __init__(
        self,
        num_states: int,
        num_actions: int,
        horizon: int,
        prior: Prior | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__(num_states, num_actions, horizon, prior, "episode", device)
        if self.prior.concentration < SMALLEST_SAMPLED:
            raise ValueError(
                f"prior: expected a concentration of at least {SMALLEST_SAMPLED} to sample MDPs from (float32 draws "
                f"of a smaller one vanish), got {self.prior.concentration}"
            )

    def plan(self, posterior: Posterior, episode: Tensor, num_steps: int, generator: torch.Generator) -> Tensor:
        """Sample and solve."""
        transition, reward = posterior.sample(generator)
        return backward_induction(transition, reward, num_steps)


class OPSRL(PSRL):
    """Solves several MDPs of the posterior and believes the best value of each state-action.

    The elementwise maximum of Q over the samples (Osband & Van Roy 2016, as in TabulaRL). One sample is PSRL.

    Args:
        num_samples: 1 to 20 in the published search.
        others: as for `TabularAgent`.
    """

    def __init__(
        self,
        num_states: int,
        num_actions: int,
        horizon: int,
        num_samples: int = 10,
        prior: Prior | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__(num_states, num_actions, horizon, prior, device)
        if num_samples < 1:
            raise ValueError(f"num_samples: expected at least 1, got {num_samples}")
        self.num_samples = num_samples

    def plan(self, posterior: Posterior, episode: Tensor, num_steps: int, generator: torch.Generator) -> Tensor:
        """Sample and solve, again and again."""
        values = super().plan(posterior, episode, num_steps, generator)
        for _ in range(self.num_samples - 1):
            values = values.maximum(super().plan(posterior, episode, num_steps, generator))
        return values


class Plan(NamedTuple):
    """What the oracle remembers.

    Attributes:
        values: [B, T, S, A] float32, optimal values, index i with i steps left after this one.
        time: [B] int64, how often it has acted in this episode.
        steps: how often it has acted.
    """

    values: Tensor
    time: Tensor
    steps: int


class Oracle(RuleAgent[Plan], sees_task=True):
    """Is told the task and follows its optimal policy from the start: a ceiling that nobody can learn to reach.

    Args:
        horizon: T, the steps of an episode.
    """

    def __init__(self, horizon: int) -> None:
        self.horizon = horizon

    def initial_state(self, batch_size: int, tasks: TabularTasks | None = None) -> Plan:
        """Solve the tasks.

        Raises:
            ValueError: if it is not told them, or if they do not fit.
        """
        if tasks is None:
            raise ValueError("tasks: the oracle must be told the MDPs (transition, reward_mean), got None")
        values = backward_induction(tasks.transition, tasks.reward_mean, self.horizon)
        return Plan(values, torch.zeros(batch_size, dtype=torch.int64, device=values.device), 0)

    def act(self, state: Plan, inputs: StepInput, generator: torch.Generator) -> tuple[Tensor, Plan]:
        """Take the best action, the lowest-numbered one on a tie."""
        time = torch.where(inputs.prev_end > 0, 0, state.time + 1) if state.steps else state.time
        left = (self.horizon - 1 - time).clamp(min=0)
        row = torch.arange(len(time), device=time.device)
        action = state.values[row, left, inputs.observation.argmax(dim=1)].argmax(dim=1)
        return action, Plan(state.values, time, state.steps + 1)
