"""Hidden checks of notebook 05: scripted runs of random sizes, random tables, teachers and counts, the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from autograder.checks import drawn
from rl2lib.lab.checks.nb05 import ImitationBench, curve_is_a_tensor, real_streams, trials_to_imitate
from rl2lib.lab.checks.training_bench import TrainingBench
from rl2lib.lab.handle import Handle
from rl2lib.lab.report import Report
from rl2lib.lab.values import Lib

NUM_CASES = 10


def train_bandit_agent(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Scripted runs, each judged by its log and by the numbers; then real streams, with random seeds."""
    for _ in range(NUM_CASES):
        num_pulls, iterations, trials, tests = drawn.sizes(rng, 2, 7, 4)
        bench = TrainingBench(num_pulls)
        what = f"train_bandit_agent with {iterations} iterations of {trials} trials and {tests} test tasks"
        got = bench.call(student, iterations, trials, tests)
        bench.judge(report, what, got, iterations, trials, tests)
        theirs = TrainingBench(num_pulls)
        curve, score = theirs.call(reference, iterations, trials, tests)
        curve_is_a_tensor(report, what, got)
        report.close(f"{what}: the curve", got[0], curve, atol=1e-4)
        report.close(f"{what}: the score", report.number(f"{what}: the score", got[1]), score, atol=1e-4)
    for _ in range(2):
        a, b, c, d = drawn.sizes(rng, 0, 2**31, 4)
        real_streams(student, report, seeds=(a, b, c, d))


def normalised_score(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Random tables of agents, of which any two set the scale."""
    for case in range(NUM_CASES):
        generator, (num_agents, num_tasks) = drawn.generator(rng), drawn.sizes(rng, 4, 8, 2)
        names = [f"agent {number}" for number in range(num_agents)]
        # means well apart, so that no denominator is near zero, and in random order
        level = torch.randperm(num_agents, generator=generator).float()
        scores = {
            name: 3 + level[number] + torch.rand(num_tasks, generator=generator) - 0.5
            for number, name in enumerate(names)
        }
        order = sorted(names, key=lambda name: float(scores[name].mean()))
        low = order[1] if case % 2 else order[0]
        high = order[-2] if case % 3 else order[-1]
        what = f"normalised_score of {num_agents} agents on {num_tasks} tasks"
        got = student.call("normalised_score", scores, low, high)
        if isinstance(got, dict):
            got = {name: report.number(f"{what}[{name!r}]", value) for name, value in got.items()}
        report.close(what, got, reference.call("normalised_score", scores, low, high), atol=1e-4)


def imitate(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Losses and gradients against the reference's, with teachers of several kinds."""
    for case in range(8):
        seed, (num_arms, size, steps) = drawn.seed(rng), drawn.sizes(rng, 3, 7, 3)
        own, theirs = ImitationBench(student, seed, num_arms), ImitationBench(reference, seed, num_arms)
        trial = trials_to_imitate(drawn.generator(rng), num_arms, (size + 2, steps + 1))
        teacher = _teacher(case, num_arms, steps + 1)
        what = f"imitate {teacher.path.rsplit('.', 1)[1]} on {size + 2} trials of up to {steps + 1} pulls"
        report.close(what, own.loss(teacher, trial), theirs.loss(teacher, trial), atol=1e-5)
        got, expected = own.gradient(teacher, trial), theirs.gradient(teacher, trial)
        for name, value in expected.items():
            report.true(f"{what}: its gradient in {name}", got[name] is not None, expected="one", got="none")
            report.close(f"{what}: its gradient in {name}", got[name], value, atol=1e-5)


def _teacher(case: int, num_arms: int, num_pulls: int) -> Lib:
    kinds: list[Any] = [
        Lib("rl2lib.agents.bandit.Greedy", num_arms),
        Lib("rl2lib.agents.bandit.UCB1", num_arms, 0.5),
        Lib("rl2lib.agents.bandit.Thompson", num_arms),  # its luck comes from the generator that is handed in
        Lib("rl2lib.agents.gittins.FiniteHorizonGittins", num_arms, num_pulls),
    ]
    return kinds[case % len(kinds)]


def dependent_bandit(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Random counts, untried arms among them; and a count of frequencies that needs no formula."""
    for case in range(NUM_CASES):
        size = drawn.sizes(rng, 2, 7, 1)[0]
        successes, failures = (torch.from_numpy(rng.integers(0, 9, size=(size, 2))).float() for _ in range(2))
        if case == 0:
            successes, failures = torch.zeros(1, 2), torch.zeros(1, 2)
        if case == 1:
            successes[:, 1], failures[:, 1] = 0, 0
        what = f"dependent_bandit of {len(successes)} bandits"
        expected = reference.call("dependent_bandit", successes, failures)
        report.close(what, student.call("dependent_bandit", successes, failures), expected)
        # the posterior by the definition: prior times likelihood on a fine grid of p
        p = (torch.arange(4000, dtype=torch.float64) + 0.5) / 4000
        for_p = (successes[:, 0] + failures[:, 1]).double()[:, None]
        against = (failures[:, 0] + successes[:, 1]).double()[:, None]
        weight = (for_p * p.log() + against * (1 - p).log()).softmax(dim=1)
        mean = (weight @ p).float()
        report.close(f"{what}, against a grid", expected, torch.stack([mean, 1 - mean], dim=1), atol=1e-3)


def eleven_arms(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Random probabilities, trials shorter and longer than the search, and the slopes."""
    for case in range(NUM_CASES):
        generator, shape = drawn.generator(rng), tuple(drawn.sizes(rng, 1, 5, 1 + case % 2))
        pay, read = torch.rand(shape, generator=generator), torch.rand(shape, generator=generator)
        num_pulls = (1, 5, 10, 11, 20)[case] if case < 5 else drawn.sizes(rng, 2, 15, 1)[0]
        what = f"eleven_arms for {num_pulls} pulls and probabilities of shape {shape}"
        expected = reference.call("eleven_arms", pay, read, num_pulls)
        report.close(what, student.call("eleven_arms", pay, read, num_pulls), expected, atol=1e-4)
        arguments = (pay, read, num_pulls)
        own = student.grad("eleven_arms", arguments, [0, 1], cotangent=torch.ones(shape))
        theirs = reference.grad("eleven_arms", arguments, [0, 1], cotangent=torch.ones(shape))
        for name, got, wanted in zip(("pay", "read"), own, theirs, strict=True):
            if got is None and not wanted.any():
                continue  # a single pull leaves nothing to read
            report.gradient(f"{what}: its gradient in {name}", got, wanted, atol=1e-4, missing="none")
