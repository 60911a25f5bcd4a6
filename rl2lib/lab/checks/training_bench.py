"""A training run of which nothing is real: tasks, policy, environment and update stay outside and keep a log."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from rl2lib.lab.handle import Handle
from rl2lib.lab.report import FORGOTTEN_RETURN, Report
from rl2lib.lab.values import Callback, Generator
from rl2lib.types import Step, Trajectory

NUM_ARMS = 3
STREAMS = ("tasks", "test tasks", "policy", "env")


@dataclass
class TrainingBench:
    """Everything that `train_bandit_agent` is handed, and what it did with it.

    A task is a row of three means that no other task has; the environment pays more the more updates came before, so
    that a score tells when it was measured; a state tells which call of `initial_state` it comes from.

    Args:
        num_pulls: n.
    """

    num_pulls: int
    sampled: list[Tensor] = field(default_factory=list)
    played: list[Tensor] = field(default_factory=list)
    updates_before: list[int] = field(default_factory=list)  # of each trial that was played
    started_fresh: list[bool] = field(default_factory=list)
    updated: list[Any] = field(default_factory=list)
    sums: list[Tensor] = field(default_factory=list)  # of the expected rewards, for each batch played

    num_actions = NUM_ARMS
    observation_shape = (1,)

    # ------------------------------------------------------------------ what the learner's code calls

    def sample(self, num_tasks: Any, generator: Any) -> Tensor:
        """Return tasks that never came before."""
        first = sum(map(len, self.sampled))
        serial = torch.arange(first, first + int(num_tasks), dtype=torch.float32)
        means = torch.stack([(serial * step) % 97 / 97 for step in (31.0, 47.0, 59.0)], dim=1)
        self.sampled.append(means)
        return means

    def initial_state(self, batch_size: Any, tasks: Any = None) -> Tensor:
        """Return a state that was never acted from."""
        return torch.zeros(int(batch_size), 1)

    def act(self, state: Any, inputs: Any, generator: Any) -> tuple[Tensor, Tensor]:
        """Choose by the row's number and the step; count in the state."""
        if not isinstance(state, Tensor):
            raise TypeError("policy.act(state, inputs, generator): state should be the policy's own")
        if self._pulls == 0:
            self.started_fresh.append(bool((state == 0).all()))
        rows = torch.arange(len(state))
        return (rows + self._pulls) % NUM_ARMS, state + 1

    def reset(self, tasks: Any, generator: Any) -> Tensor:
        """Start trials."""
        if not isinstance(tasks, Tensor) or tasks.ndim != 2:
            raise TypeError("env.reset(tasks, generator): tasks should be means [B, K]")
        self._tasks, self._pulls = tasks, 0
        self.played.append(tasks)
        self.updates_before.append(len(self.updated))
        self.sums.append(torch.zeros(len(tasks)))
        return torch.zeros(len(tasks), 1)

    def step(self, actions: Any) -> Step:
        """Pull arms."""
        self._pulls += 1
        mean = self._tasks.gather(1, actions[:, None]).squeeze(1) + 0.25 * self.updates_before[-1]
        reward = ((actions + self._pulls) % 2).float()  # has little to do with the mean, so the two are told apart
        self.sums[-1] = self.sums[-1] + mean
        ended = torch.ones_like(mean, dtype=torch.bool)
        last = ended if self._pulls >= self.num_pulls else ~ended
        return Step(torch.zeros(len(mean), 1), reward, ended, ~ended, last, mean)

    def update(self, trajectory: Any) -> None:
        """Write down what was learned from."""
        self.updated.append(trajectory)

    # ------------------------------------------------------------------ asking and judging

    def call(self, student: Handle, num_iterations: int, trials: int, num_test_tasks: int) -> Any:
        """Call the learner's function with all of this outside."""
        return student.call(
            "train_bandit_agent",
            Callback(self, ["initial_state", "act"]),
            self.update_callback(),
            Callback(self, ["sample"]),
            Callback(self, ["reset", "step"], ["num_actions", "observation_shape"]),
            num_iterations,
            trials,
            num_test_tasks,
            {name: Generator(number) for number, name in enumerate(STREAMS)},
        )

    def update_callback(self) -> Callback:
        """`update` as the learner sees it."""
        return Callback(self.update, ["__call__"])

    def judge(self, report: Report, what: str, got: Any, num_iterations: int, trials: int, num_test_tasks: int) -> None:
        """Look at the log first, then at what came back."""
        self._training(report, what, num_iterations, trials)
        self._testing(report, what, got, num_iterations, num_test_tasks)
        pair = isinstance(got, tuple | list) and len(got) == 2
        if not pair:
            report.fail(
                f"{what}: what it returns",
                "two values, the curve and the score",
                type(got).__name__,
                cause=FORGOTTEN_RETURN if got is None else "",
            )
        curve = torch.stack([sums.mean() for sums in self.sums[:num_iterations]])
        scores = torch.cat(self.sums[num_iterations:])
        found = got[0]
        if isinstance(found, list | tuple):
            found = torch.tensor([report.number(f"{what}: the curve, entry {i}", x) for i, x in enumerate(found)])
        report.close(f"{what}: the curve", found, curve, atol=1e-4)
        score = report.number(f"{what}: the score", got[1])
        report.close(f"{what}: the score", score, float(scores.mean()), atol=1e-4)

    def _training(self, report: Report, what: str, num_iterations: int, trials: int) -> None:
        before = [tasks for tasks, updates in zip(self.played, self.updates_before, strict=True) if updates == 0]
        report.true(
            f"{what}: the trials played before the first update",
            len(before) == 1 or not self.updated,
            expected="one iteration's",
            got=f"{len(before)} batches of trials",
        )
        played_on = [len(trajectory.mask) for trajectory in self.updated if isinstance(trajectory, Trajectory)]
        report.true(
            f"{what}: what update was handed",
            len(played_on) == len(self.updated),
            expected="a Trajectory each time",
            got="something else",
        )
        report.true(
            f"{what}: the number of updates",
            len(self.updated) == num_iterations,
            expected=str(num_iterations),
            got=str(len(self.updated)),
        )
        report.true(
            f"{what}: the number of trials in an update",
            set(played_on) == {trials},
            expected=str(trials),
            got=", ".join(map(str, sorted(set(played_on)))),
        )
        first = self.played[:num_iterations]
        repeated = len(first) > 1 and all(torch.equal(first[0], tasks) for tasks in first[1:])
        report.true(
            f"{what}: the tasks of each iteration", not repeated, expected="fresh ones", got="the same ones every time"
        )

    def _testing(self, report: Report, what: str, got: Any, num_iterations: int, num_test_tasks: int) -> None:
        told = f"{what}: the tasks that the score is made on"
        tests = [tasks for tasks, n in zip(self.played, self.updates_before, strict=True) if n == num_iterations]
        score = got[1] if isinstance(got, tuple | list) and len(got) == 2 else None
        last = float(self.sums[num_iterations - 1].mean()) if len(self.sums) >= num_iterations else None
        borrowed = isinstance(score, float) and last is not None and abs(score - last) < 1e-4
        report.true(
            told,
            tests,
            expected=f"{num_test_tasks} fresh ones, played after the last update",
            got="none were played after it" + (", and the score is the curve's last entry" if borrowed else ""),
        )
        rows = torch.cat(tests)
        seen = torch.cat(self.played[:num_iterations])
        known = (rows[:, None] == seen[None]).all(dim=-1).any(dim=1)
        report.true(
            told,
            not known.any(),
            expected="tasks that no update has learned from",
            got=f"{int(known.sum())} of {len(rows)} were trained on",
        )
        stale = self.started_fresh.count(False)
        report.true(
            f"{what}: the policy's state at the first pull of each trial",
            stale == 0,
            expected="fresh from initial_state",
            got=f"used, in {stale} of {len(self.started_fresh)} batches",
        )
        report.true(told, len(rows) == num_test_tasks, expected=f"{num_test_tasks} of them", got=str(len(rows)))
