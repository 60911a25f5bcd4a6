"""A policy and an environment that stay outside and follow a script: a check sees all that they are handed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from rl2lib.lab.handle import Handle
from rl2lib.lab.report import FORGOTTEN_RETURN, Report
from rl2lib.lab.values import Callback, Generator, Ref
from rl2lib.types import Step, StepInput, Trajectory

MANY_STEPS = 200
NEVER = -60.0  # a log-probability that is never drawn


@dataclass
class ScriptedPolicy:
    """Log-probabilities come from a table; states are traceable, since no two are equal.

    Args:
        table: [T, B, A] log-probabilities by step.
    """

    table: Tensor
    states: list[Tensor] = field(default_factory=list)  # handed in
    inputs: list[StepInput] = field(default_factory=list)  # handed in
    returned: list[Tensor] = field(default_factory=list)

    def __post_init__(self) -> None:
        batch = self.table.shape[1]
        self.start = torch.stack([torch.arange(batch) / 7 - 1.0, torch.full((batch,), 0.5)], dim=1)

    @classmethod
    def choosing(cls, actions: Tensor, num_actions: int) -> ScriptedPolicy:
        """Return a policy that takes `actions` [T, B]."""
        table = torch.full((*actions.shape, num_actions), NEVER)
        return cls(table.scatter(2, actions[..., None], 0.0))

    @property
    def chosen(self) -> Tensor:
        """The likeliest actions [T, B]."""
        return self.table.argmax(dim=-1)

    def begin(self) -> None:
        """Forget what was handed in."""
        self.states, self.inputs, self.returned = [], [], []

    def initial_state(self, batch_size: int, tasks: Any = None) -> Tensor:
        """Return the start, which is not zero, so that a home-made state is noticed."""
        if batch_size != len(self.start):
            raise ValueError(f"initial_state: expected batch_size {len(self.start)}, got {batch_size}")
        return self.start

    def step(self, state: Any, inputs: Any) -> tuple[Tensor, Tensor]:
        """Write down what was handed in; answer from the script."""
        if not isinstance(inputs, StepInput):
            raise TypeError("policy.step(state, inputs): inputs should be a StepInput")
        if not isinstance(state, Tensor) or state.shape != self.start.shape:
            raise TypeError("policy.step(state, inputs): state should be the one from the step before")
        for name in StepInput._fields:
            value = getattr(inputs, name)
            if not isinstance(value, Tensor) or value.shape[:1] != state.shape[:1]:
                raise TypeError(f"policy.step(state, inputs): inputs.{name} should be a tensor [B, ...]")
        t = len(self.states)
        if t >= MANY_STEPS:
            raise RuntimeError(f"{MANY_STEPS} steps and no end: the loop runs until every trial is over")
        self.states.append(state)
        self.inputs.append(inputs)
        self.returned.append(0.5 * state + (t + 1.0) + 0.125 * inputs.prev_reward[:, None])
        return self.table[t % len(self.table)], self.returned[-1]


@dataclass(frozen=True)
class ScriptedEnv:
    """An environment whose answers come from tables, whatever the actions are.

    Args:
        observations: [T + 1, B, 1]; the first is what reset returns.
        rewards: [T, B].
        episode_ends: [T, B] bool.
        trial_ends: [T, B] bool; rows may say anything after their first True.
        num_actions: A.
    """

    observations: Tensor
    rewards: Tensor
    episode_ends: Tensor
    trial_ends: Tensor
    num_actions: int
    actions: list[Tensor] = field(default_factory=list)  # that came, by step

    @classmethod
    def bandit(cls, steps: int, rows: int, num_actions: int) -> ScriptedEnv:
        """Return trials of equal length in which nothing pays."""
        ends = torch.ones(steps, rows, dtype=torch.bool)
        last = (torch.arange(steps) == steps - 1)[:, None].expand(steps, rows).clone()
        return cls(torch.zeros(steps + 1, rows, 1), torch.zeros(steps, rows), ends, last, num_actions)

    @property
    def observation_shape(self) -> tuple[int, ...]:
        """The shape of one observation."""
        return (1,)

    def mask(self) -> Tensor:
        """Return [T, B]: the step belongs to a trial."""
        over = self.trial_ends.long().cumsum(dim=0) - self.trial_ends.long()
        return over == 0

    def reset(self, tasks: Any, generator: Any) -> Tensor:
        """Start; the tasks are not looked at."""
        self.actions.clear()
        return self.observations[0]

    def step(self, actions: Any) -> Step:
        """Answer from the tables."""
        batch = self.rewards.shape[1]
        if not isinstance(actions, Tensor) or actions.shape != (batch,) or actions.dtype != torch.int64:
            raise TypeError(f"env.step(actions): expected int64 actions of shape ({batch},)")
        t = min(len(self.actions), len(self.rewards) - 1)
        if len(self.actions) >= MANY_STEPS:
            raise RuntimeError(f"{MANY_STEPS} steps and no end: the loop runs until every trial is over")
        self.actions.append(actions)
        timed_out = torch.zeros_like(self.episode_ends[t])
        return Step(self.observations[t + 1], self.rewards[t], self.episode_ends[t], timed_out, self.trial_ends[t])

    def inputs(self, t: int, actions: Tensor) -> StepInput:
        """Return what should be fed at step t when `actions` [T, B] were taken."""
        if t == 0:
            return StepInput.first(self.observations[0])
        ends = self.episode_ends[t - 1].float()
        return StepInput(self.observations[t], actions[t - 1], self.rewards[t - 1], ends)


def play(
    student: Handle,
    report: Report,
    told: str,
    policy: ScriptedPolicy,
    env: ScriptedEnv,
    policy_seed: int = 1,
    env_seed: int = 2,
    handed: Ref | None = None,
) -> tuple[Trajectory, Any]:
    """Call the learner's run_trial with both outside, and require a trajectory and log-probabilities.

    Args:
        handed: a policy kept inside already, to be used again.
    """
    policy.begin()
    outside = Callback(env, methods=["reset", "step"], attributes=["num_actions", "observation_shape"])
    given = handed or Callback(policy, methods=["initial_state", "step"])
    tasks = torch.zeros(env.rewards.shape[1], 1)
    got = student.call("run_trial", given, outside, tasks, Generator(policy_seed), Generator(env_seed))
    pair = isinstance(got, tuple | list) and not isinstance(got, Trajectory) and len(got) == 2
    if not pair or not isinstance(got[0], Trajectory):
        kind = got.type_name if isinstance(got, Ref) else type(got).__name__
        report.fail(told, "a Trajectory and its log-probabilities", kind, cause=FORGOTTEN_RETURN if got is None else "")
    return got[0], got[1]


def _close_in(report: Report, what: str, rows: Tensor, got: Any, expected: Tensor) -> None:
    """Compare the rows that are still running; the others may hold anything."""
    report.tensor(what, got, tuple(expected.shape), expected.dtype)
    report.close(what, got[rows], expected[rows])


def check_states_and_inputs(report: Report, policy: ScriptedPolicy, env: ScriptedEnv, told: str) -> None:
    """Compare what the policy was handed with what it should have been, in the rows still running."""
    mask = env.mask()
    steps = len(mask)
    first = policy.start
    report.true(
        f"{told}: the number of steps", len(policy.states) == steps, expected=str(steps), got=str(len(policy.states))
    )
    for t in range(steps):
        should = first if t == 0 else policy.returned[t - 1]
        for row in range(mask.shape[1]):
            if not mask[t, row] or torch.equal(policy.states[t][row], should[row]):
                continue
            fresh = [_equal_or_zero(policy.states[t][i], first[i]) for i in range(mask.shape[1]) if mask[t, i]]
            got = "another one"
            if _equal_or_zero(policy.states[t][row], first[row]):
                got = "a fresh one, as in all rows that are running" if all(fresh) else "a fresh one"
            expected = "a fresh trial's" if t == 0 else "the one that the policy returned a step before"
            report.fail(f"{told}: the state handed in at t={t}, row {row}", expected, got)
        right = env.inputs(t, policy.chosen)
        old = all(
            torch.equal(getattr(policy.inputs[t], f)[mask[t]], getattr(env.inputs(0, policy.chosen), f)[mask[t]])
            for f in StepInput._fields
        )
        report.true(
            f"{told}: the inputs fed at t={t}",
            t == 0 or not old,
            expected="what came of the step before",
            got="the trial's first inputs",
        )
        for name in StepInput._fields:
            told_field = f"{told}: {name} fed at t={t}, in the rows still running"
            _close_in(report, told_field, mask[t], getattr(policy.inputs[t], name), getattr(right, name))


def _equal_or_zero(state: Tensor, fresh: Tensor) -> bool:
    """Tell whether a state is the policy's fresh one, or the zeros that one might take for it."""
    return torch.equal(state, fresh) or not state.any()


def check_sampling(student: Handle, report: Report, probabilities: Tensor, rows: int, seed: int) -> None:
    """Frequencies by an exact test, log-probabilities by value, streams by repetition."""
    steps, num_actions = 2, len(probabilities)
    env = ScriptedEnv.bandit(steps, rows, num_actions)
    table = probabilities.log().expand(steps, rows, num_actions).clone()
    told = f"run_trial with probabilities {[round(p, 2) for p in probabilities.tolist()]} in {rows} rows"

    def actions(policy_seed: int, env_seed: int) -> tuple[Tensor, Tensor]:
        policy = ScriptedPolicy(table)
        trajectory, log_probs = play(student, report, told, policy, env, policy_seed, env_seed)
        return trajectory.action, log_probs

    drawn, log_probs = actions(seed, seed + 1)
    drawn = report.tensor(f"{told}: actions", drawn, (rows, steps), torch.int64)
    best = int(probabilities.argmax())
    for step in range(steps):
        column = drawn[:, step]
        same = bool((column == column[0]).all())
        seeds = ""
        if same and any(bool((actions(seed + more, seed)[0] != best).any()) for more in range(10)):
            seeds = ", another one with another seed"
        told_step = f"{told}: the actions at t={step}"
        report.true(told_step, not same, expected="different ones in different rows", got=f"the same in all{seeds}")
        for action, probability in enumerate(probabilities.tolist()):
            report.binomial(f"{told}: action {action} at t={step}", int((column == action).sum()), rows, probability)
    right = probabilities.log()[drawn]
    report.close(f"{told}: log-probabilities of the actions", log_probs, right, atol=1e-5)
    again, _ = actions(seed, seed + 1)
    report.same(f"{told}, twice with generators of the same seeds", torch.equal(again, drawn), "actions")
    elsewhere, _ = actions(seed, seed + 2)
    told_env = f"{told}, with another seed for the environment only"
    report.same(told_env, torch.equal(elsewhere, drawn), "actions")
    other, _ = actions(seed + 3, seed + 1)
    report.other(f"{told}, with another seed for the policy only", torch.equal(other, drawn), "actions")


def check_second_trial(student: Handle, report: Report, policy: ScriptedPolicy, env: ScriptedEnv) -> None:
    """Play twice with one and the same policy object."""
    ref = student.keep(Callback(policy, methods=["initial_state", "step"]))
    for _ in range(2):
        play(student, report, "run_trial, twice with one policy", policy, env, handed=ref)
    for row in range(len(policy.start)):
        report.true(
            f"run_trial, the second time with one policy: the state at t=0, row {row}",
            torch.equal(policy.states[0][row], policy.start[row]),
            expected="a fresh trial's",
            got="another one",
        )


def check_scripted_unroll(
    student: Handle, report: Report, trials: Trajectory, num_actions: int, generator: torch.Generator
) -> None:
    """Unroll a policy that has `initial_state` and `step` and nothing else."""
    batch, steps = trials.action.shape
    policy = ScriptedPolicy(torch.randn(steps, batch, num_actions, generator=generator).log_softmax(dim=-1))
    told = f"unroll of a scripted policy over {batch} trials, the longest of {steps} steps"
    got = student.call("unroll", Callback(policy, methods=["initial_state", "step"]), trials)
    chosen = policy.table.transpose(0, 1).gather(2, trials.action[..., None]).squeeze(-1)
    report.close(told, got, chosen * trials.mask, atol=1e-5)
    should = [policy.start, *policy.returned]
    chain = all(torch.equal(state, other) for state, other in zip(policy.states, should, strict=False))
    report.true(f"{told}: the states handed in", chain, expected="each the one that came back a step before")
    inputs = trials.step_inputs()
    for t, fed in enumerate(policy.inputs[:steps]):
        for name, value, right in zip(StepInput._fields, fed, inputs, strict=True):
            _close_in(report, f"{told}: {name} fed at t={t}", trials.mask[:, t], value, right[:, t])
