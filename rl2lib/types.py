"""The words the whole library speaks: step inputs, steps, trajectories; policies, environments and tasks.

Dimension letters, everywhere: ``B`` trials side by side, ``T`` steps of a trial, ``K`` arms, ``S`` states,
``A`` actions, ``H`` hidden units. Tensors are batch-first: ``[B, T, ...]``. Rewards are float32, actions int64,
flags bool; the one exception is `StepInput.prev_end`, a float32 0 or 1, because a network is fed it as it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Generic, Literal, NamedTuple, Protocol, TypeVar

import torch
from torch import Tensor

State = TypeVar("State")
Kind = TypeVar("Kind")
Tasks_co = TypeVar("Tasks_co", covariant=True)
Tasks_contra = TypeVar("Tasks_contra", contravariant=True)
ActsBy = Literal["sampled", "greedy", "own rule"]
"""How an agent's actions come about."""


class StepInput(NamedTuple):
    """What a policy is fed at one step: (o_t, a_{t-1}, r_{t-1}, d_{t-1}) (Duan et al. 2016, section 2.2).

    Attributes:
        observation: [B, ...] float32, o_t; a constant zero of shape [B, 1] where a task has no state.
        prev_action: [B] int64, the action before; 0 at a trial's first step.
        prev_reward: [B] float32, the reward before; 0 at a trial's first step.
        prev_end: [B] float32, 1 where that step ended an episode; 0 at a trial's first step.

    A whole trajectory's inputs are the same record with [B, T, ...] in place of [B, ...].
    """

    observation: Tensor
    prev_action: Tensor
    prev_reward: Tensor
    prev_end: Tensor

    @classmethod
    def first(cls, observation: Tensor) -> StepInput:
        """Return a trial's first input: the observation [B, ...] and placeholders action 0, reward 0, flag 0."""
        zeros = observation.new_zeros(observation.shape[0], dtype=torch.float32)
        return cls(observation, zeros.long(), zeros, zeros.clone())


class Step(NamedTuple):
    """What an environment answers to one action per trial.

    Attributes:
        observation: [B, ...] float32, the next observation; after an episode's end, the next episode's first.
        reward: [B] float32.
        episode_end: [B] bool, the flag d that the policy will be fed; a time-out sets it too.
        timed_out: [B] bool, the episode ended by its horizon, not by the task.
        trial_end: [B] bool, the trial's last episode has ended.
        expected_reward: [B] float32, the mean of `reward` given the task, state and action, where the
            environment can tell it; used for scoring, never shown to a policy.
    """

    observation: Tensor
    reward: Tensor
    episode_end: Tensor
    timed_out: Tensor
    trial_end: Tensor
    expected_reward: Tensor | None = None


class Trajectory(NamedTuple):
    """B whole trials, padded to the longest; everything beyond a trial's end is zero and masked out.

    Attributes:
        observation: [B, T, ...] float32, o_t, what the policy saw before it chose `action`.
        action: [B, T] int64.
        reward: [B, T] float32.
        episode_end: [B, T] bool, this step ended an episode.
        timed_out: [B, T] bool, it did so by the horizon.
        trial_end: [B, T] bool, it ended the trial.
        mask: [B, T] bool, the step belongs to the trial.
        expected_reward: [B, T] float32, or None where the environment does not tell it.
    """

    observation: Tensor
    action: Tensor
    reward: Tensor
    episode_end: Tensor
    timed_out: Tensor
    trial_end: Tensor
    mask: Tensor
    expected_reward: Tensor | None = None

    def step_inputs(self) -> StepInput:
        """Return the inputs the policy was fed, [B, T, ...]: actions, rewards and flags one step late."""
        return StepInput(
            observation=self.observation,
            prev_action=_one_step_late(self.action),
            prev_reward=_one_step_late(self.reward),
            prev_end=_one_step_late(self.episode_end).to(torch.float32),
        )

    def trial_return(self, *, expected: bool = False) -> Tensor:
        """Return [B], the undiscounted reward summed over each trial.

        Args:
            expected: sum `expected_reward` in place of the sampled rewards (less noise, same mean).

        Raises:
            ValueError: if expected rewards are wanted and the environment did not tell them.
        """
        if not expected:
            return self.reward.sum(dim=1)
        if self.expected_reward is None:
            raise ValueError("expected_reward: this environment does not tell it; use expected=False")
        return self.expected_reward.sum(dim=1)

    def select(self, rows: Tensor) -> Trajectory:
        """Return the trials with the given indices [N] (or the boolean mask [B]), as a trajectory of their own."""
        return Trajectory(*(None if field is None else field[rows] for field in self))  # type: ignore[arg-type]


def _one_step_late(values: Tensor) -> Tensor:
    return torch.cat([torch.zeros_like(values[:, :1]), values[:, :-1]], dim=1)


class Policy(Protocol[State]):
    """A fast learner: anything whose state survives the episode and lives exactly one trial. Two methods are enough."""

    def initial_state(self, batch_size: int) -> State:
        """Return the state of a fresh trial for `batch_size` trials."""
        ...

    def act(self, state: State, inputs: StepInput, generator: torch.Generator) -> tuple[Tensor, State]:
        """Return actions [B] int64 and the next state."""
        ...


class Agent(ABC, Generic[State]):
    """A policy of the library, which also says what it is told and how its actions come about.

    Both are abstract: a subclass that misspells one cannot be made. Anybody else's policy needs neither (`as_agent`).
    """

    @property
    @abstractmethod
    def sees_task(self) -> bool:
        """Whether it is handed the tasks, as an oracle is and nobody who must find them out."""

    @property
    @abstractmethod
    def mode(self) -> ActsBy:
        """How its actions come about: drawn from a network's distribution, its likeliest, or by a rule of its own."""

    @abstractmethod
    def initial_state(self, batch_size: int, tasks: Any = None) -> State:
        """Return the state of a fresh trial for `batch_size` trials; `tasks` are None unless it sees them."""

    @abstractmethod
    def act(self, state: State, inputs: StepInput, generator: torch.Generator) -> tuple[Tensor, State]:
        """Return actions [B] int64 and the next state."""


class RuleAgent(Agent[State]):
    """An agent without a network, which acts by a rule of its own.

    One that is told the task says so as it is declared, where Python and mypy refuse a misspelt word:
    ``class Oracle(RuleAgent, sees_task=True)``.
    """

    sees_task = False
    mode: ActsBy = "own rule"

    def __init_subclass__(cls, *, sees_task: bool | None = None) -> None:
        super().__init_subclass__()
        if sees_task is not None:
            cls.sees_task = sees_task


class TellsTies(Agent[State]):
    """An agent that can name every action it holds optimal, not only the one it takes."""

    @abstractmethod
    def optimal_actions(self, state: State) -> Tensor:
        """Return [B, A] bool, for the state in which it has just chosen."""


class _TwoMethods(RuleAgent[State]):
    """Somebody's own policy."""

    def __init__(self, policy: Policy[State]) -> None:
        self.policy = policy

    def initial_state(self, batch_size: int, tasks: Any = None) -> State:
        return self.policy.initial_state(batch_size)

    def act(self, state: State, inputs: StepInput, generator: torch.Generator) -> tuple[Tensor, State]:
        return self.policy.act(state, inputs, generator)


def as_agent(policy: Policy[State]) -> Agent[State]:
    """Return a policy as an agent: the one door through which anything with two methods comes in.

    Raises:
        TypeError: if it is no `Agent` and yet has an attribute `sees_task` or `mode`, which nobody would read.
    """
    if isinstance(policy, Agent):
        return policy
    for name in ("sees_task", "mode"):
        if hasattr(policy, name):
            kind = type(policy).__name__
            raise TypeError(f"{kind}.{name}: expected of an rl2lib.types.Agent alone; write {kind}(Agent)")
    return _TwoMethods(policy)


class TrialEnv(Protocol[Tasks_contra]):
    """B tasks side by side. The next episode of the same task starts by itself.

    Rows whose trial has ended may be stepped further; what they answer then is ignored.
    """

    @property
    def num_actions(self) -> int:
        """The number of actions, A."""
        ...

    @property
    def observation_shape(self) -> tuple[int, ...]:
        """The shape of one observation, without [B]."""
        ...

    def reset(self, tasks: Tasks_contra, generator: torch.Generator) -> Tensor:
        """Start one trial per task; return the first observation [B, ...]."""
        ...

    def step(self, actions: Tensor) -> Step:
        """Take actions [B] int64."""
        ...


class TaskDistribution(Protocol[Tasks_co]):
    """What tasks are drawn from, outside of the environment, so that all agents of a comparison share them."""

    def sample(self, num_tasks: int, generator: torch.Generator) -> Tasks_co:
        """Draw `num_tasks` tasks on the generator's device."""
        ...


def expect_shape(name: str, tensor: Tensor, letters: str, shape: tuple[int, ...]) -> None:
    """Raise ValueError unless `tensor` has `shape`; `letters` names its axes, e.g. "[B, T]"."""
    if tuple(tensor.shape) != shape:
        got = tuple(tensor.shape)
        hint = "; the library is batch-first" if sorted(got) == sorted(shape) else ""
        raise ValueError(f"{name}: expected {letters} = {shape}, got {got}{hint}")


def expect_kind(name: str, value: object, kind: type[Kind]) -> Kind:
    """Return a value that must be of a class, or raise TypeError."""
    if not isinstance(value, kind):
        raise TypeError(f"{name}: expected a {kind.__name__}, got {type(value).__name__}")
    return value
