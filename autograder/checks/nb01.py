"""Hidden checks of notebook 01: the learner's answer against the reference on fresh random inputs.

Answers that use randomness are compared in distribution: counts against exact probabilities, with a bound on
the chance that a correct answer fails (`FALSE_ALARM` a test, fewer than thirty tests: below 1e-6 in all).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb
from typing import Any

import numpy as np

from autograder.checks import drawn
from rl2lib.lab.checks.nb01 import floats
from rl2lib.lab.handle import Handle
from rl2lib.lab.report import Report
from rl2lib.lab.values import Generator

FALSE_ALARM = 1e-8


def _luck(rng: np.random.Generator) -> Generator:
    """Return a NumPy generator for the learner's side, from a fresh seed."""
    return Generator(drawn.seed(rng), library="numpy")


def _randomness(student: Handle, report: Report, name: str, rng: np.random.Generator, args: Any) -> None:
    """Same seed, same result; same generator, a fresh result; other seed, another result.

    `args` must leave so much open that two independent results agree with negligible probability.
    """
    seed = drawn.seed(rng)
    first = student.call(name, *args, Generator(seed, library="numpy"))
    again = student.call(name, *args, Generator(seed, library="numpy"))
    what, same = f"{name}, twice with one seed", np.array_equal(first, again)
    report.true(what, same, expected="equal results", got="others")
    kept = student.keep(Generator(seed, library="numpy"))
    student.call(name, *args, kept)
    later = student.call(name, *args, kept)
    other = student.call(name, *args, Generator(seed + 1, library="numpy"))
    what = f"{name}, with a generator that has moved on and with another seed"
    fresh = not np.array_equal(first, later) and not np.array_equal(first, other)
    report.true(what, fresh, expected="fresh randomness", got="the same results")


def pull(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Certain arms exactly; uncertain ones by frequency, each row on its own task; independence of rows."""
    for num_rows, num_arms in ((1, 1), (1, 6), (7, 2), (40, 5)):
        means = rng.integers(2, size=(num_rows, num_arms)).astype(float)
        arms = rng.integers(num_arms, size=num_rows)
        what = f"pull of {num_rows} arms that pay always or never, {num_arms} arms a task"
        call = (means, arms, _luck(rng))
        got = report.array(what, student.call("pull", *call), (num_rows,))
        report.true(what, got.dtype.kind != "b", expected="dtype float64", got="dtype bool")
        report.close(what, floats(report, what, got, (num_rows,)), reference.call("pull", *call))

    for _ in range(8):
        num_arms = int(rng.integers(2, 7))
        # Two tasks take turns along the batch, so that mixing rows shows in both frequencies.
        pair, pulled = rng.uniform(0.05, 0.95, size=(2, num_arms)), rng.integers(num_arms, size=2)
        which = np.arange(40_000) % 2
        what = f"pull of uncertain arms, {num_arms} arms a task, 40,000 rows"
        value = student.call("pull", pair[which], pulled[which], _luck(rng))
        rewards = floats(report, what, value, which.shape)
        report.true(what, np.isin(rewards, (0.0, 1.0)).all(), expected="rewards of 0 or 1", got="other values")
        for task in (0, 1):
            paid, p = int(rewards[which == task].sum()), float(pair[task, pulled[task]])
            report.binomial(what, paid, 20_000, p, false_alarm=FALSE_ALARM)

    # Neighbours on equal tasks agree half of the time if, and only if, each row tosses its own coin.
    halves = np.full((40_000, 2), 0.5)
    value = student.call("pull", halves, np.zeros(40_000, dtype=int), _luck(rng))
    rewards = floats(report, "pull of arms of mean 0.5", value, (40_000,))
    what = "pull of arms of mean 0.5: neighbouring rows agree"
    agree = int((rewards[::2] == rewards[1::2]).sum())
    report.binomial(what, agree, 20_000, 0.5, false_alarm=FALSE_ALARM)
    _randomness(student, report, "pull", rng, (halves[:2000], np.zeros(2000, dtype=int)))


def beta_posterior(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Random histories, with untouched arms, one step, one row, one arm, no step."""
    sizes: list[Sequence[int]] = [(1, 1, 1), (1, 5, 3), (4, 1, 6), (3, 0, 2), (2, 200, 2), (5, 3, 50), (6, 6, 6)]
    sizes += [drawn.sizes(rng, 2, 30, 3) for _ in range(4)]
    for num_rows, num_steps, num_arms in sizes:
        arms = rng.integers(num_arms, size=(num_rows, num_steps))
        rewards = rng.integers(2, size=(num_rows, num_steps)).astype(float)
        what = f"beta_posterior of {num_rows} trials of {num_steps} pulls, {num_arms} arms"
        value = student.call("beta_posterior", arms, rewards, num_arms)
        expected = reference.call("beta_posterior", arms, rewards, num_arms)
        if not (isinstance(value, tuple | list) and len(value) == 2):
            report.close(what, value, expected)
        got = tuple(floats(report, what, one, (num_rows, num_arms)) for one in value)
        report.close(what, got, expected)


def _best_arm_probabilities(alpha: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """P(arm k is the best) for independent Beta arms with whole parameters, exact up to rounding.

    Densities and distribution functions are then polynomials, which Gauss's quadrature integrates exactly.
    """
    degree = int((alpha + beta).sum())
    nodes, weights = np.polynomial.legendre.leggauss(degree // 2 + 1)
    x = (nodes + 1) / 2
    density, below = [], []
    for a, b in zip(alpha.astype(int).tolist(), beta.astype(int).tolist(), strict=True):
        density.append(a * comb(a + b - 1, a) * x ** (a - 1) * (1 - x) ** (b - 1))
        below.append(sum(comb(a + b - 1, j) * x**j * (1 - x) ** (a + b - 1 - j) for j in range(a, a + b)))
    arms = range(len(alpha))
    best = [density[k] * np.prod([below[j] for j in arms if j != k], axis=0) for k in arms]
    return np.array([(weights / 2 * integrand).sum() for integrand in best])


def thompson_sampling(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Frequencies against the exact probability that an arm is best; two beliefs take turns along the batch."""
    num_rows = 20_000
    which = np.arange(2 * num_rows) % 2
    for case in range(9):
        num_arms = 2 if case < 4 else int(rng.integers(3, 6))
        alpha = rng.integers(1, 9, size=(2, num_arms)).astype(float)
        beta = rng.integers(1, 9, size=(2, num_arms)).astype(float)
        what = f"thompson_sampling, {num_arms} arms, {2 * num_rows} rows of two beliefs in turn"
        value = student.call("thompson_sampling", alpha[which], beta[which], _luck(rng))
        arms = report.array(what, value, which.shape, int)
        inside = arms.min() >= 0 and arms.max() < num_arms
        report.true(what, inside, expected="arm numbers 0..K-1", got=f"{arms.min()} to {arms.max()}")
        for row in (0, 1):
            exact = _best_arm_probabilities(alpha[row], beta[row])
            arm = int(np.abs(exact - 0.5).argmin())  # the arm about which most is open
            count, p = int((arms[which == row] == arm).sum()), float(np.clip(exact[arm], 0.0, 1.0))
            report.binomial(f"{what}: arm {arm}", count, num_rows, p, false_alarm=FALSE_ALARM)

    # Two rows that know nothing choose alike half of the time; rows that share one imagined world always do.
    flat = np.ones((2 * num_rows, 2))
    what = "thompson_sampling before any pull: neighbouring rows choose alike"
    arms = report.array(what, student.call("thompson_sampling", flat, flat, _luck(rng)), which.shape, int)
    alike = int((arms[::2] == arms[1::2]).sum())
    report.binomial(what, alike, num_rows, 0.5, false_alarm=FALSE_ALARM)
    _randomness(student, report, "thompson_sampling", rng, (flat[:2000], flat[:2000]))


def ucb1(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Random beliefs at every stage of a trial, from the first pull on; ties among arms with equal counts."""
    for case in range(14):
        num_arms, num_rows = int(rng.integers(2, 9)), int(rng.integers(20, 80))
        made = [0, 1, 2, 5, 12, 40][case] if case < 6 else int(rng.integers(1, 400))
        c = [0.0, 0.2, 1.0, 2.0][case % 4] if case < 8 else float(rng.uniform(0.05, 1.5))
        shares = rng.dirichlet(np.full(num_arms, 0.7), size=num_rows)
        pulls = np.stack([rng.multinomial(made, share) for share in shares])
        wins = rng.binomial(pulls, rng.uniform(size=pulls.shape))
        alpha, beta = 1.0 + wins, 1.0 + pulls - wins
        what = f"ucb1 after {made} pulls, {num_arms} arms, c = {c:.3g}"
        got = report.array(what, student.call("ucb1", alpha, beta, made + 1, c), (num_rows,), int)
        expected = reference.call("ucb1", alpha, beta, made + 1, c)
        # Where another arm with other counts comes within rounding, either arm is right.
        clear = _clear(alpha, beta, made + 1, c)
        report.close(what, np.where(clear, got, -1), np.where(clear, expected, -1))


def _clear(alpha: np.ndarray, beta: np.ndarray, t: int, c: float) -> np.ndarray:
    """Whether each row's winner is ahead by more than rounding of every arm whose counts differ from its own."""
    index = alpha / (alpha + beta) + c * np.sqrt(2 * np.log(t) / (alpha + beta))
    rows, best = np.arange(len(index)), index.argmax(axis=1)
    differs = (alpha != alpha[rows, best][:, None]) | (beta != beta[rows, best][:, None])
    rival = np.where(differs, index, -np.inf).max(axis=1)
    return index[rows, best] - rival > 1e-9


def regret(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Random records, some of trials that never touch their best arm, and paid at random."""
    sizes: list[Sequence[int]] = [(1, 1, 1), (1, 2, 9), (8, 3, 1), (5, 5, 5), (3, 12, 4)]
    sizes += [drawn.sizes(rng, 2, 30, 3) for _ in range(5)]
    for num_rows, num_arms, num_steps in sizes:
        means = rng.uniform(size=(num_rows, num_arms))
        arms = rng.integers(num_arms, size=(num_rows, num_steps))
        avoided = means.argmax(axis=1)[:, None]
        arms[::2] = np.where(arms[::2] == avoided[::2], (arms[::2] + 1) % num_arms, arms[::2])
        rewards = (rng.uniform(size=arms.shape) < np.take_along_axis(means, arms, axis=1)).astype(float)
        what = f"regret of {num_rows} trials of {num_steps} pulls, {num_arms} arms"
        got = floats(report, what, student.call("regret", means, arms, rewards), (num_rows, num_steps))
        expected = reference.call("regret", means, arms, rewards)
        report.close(what, got, expected)


def bayes_optimal_value(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Random beliefs and horizons, the arms exchanged, and twenty pulls in time."""
    lengths = [0, 1, 2, 3, 4, *(int(n) for n in rng.integers(5, 13, size=5)), 20]
    for num_pulls in lengths:
        alpha, beta = rng.integers(1, 5, size=(2, 2)).astype(float)
        if num_pulls == 20:
            alpha, beta = np.ones(2), np.ones(2)
        elif num_pulls >= 3:
            # Arms of nearly equal means, one of them known better: there planning differs from greed.
            alpha[1] = beta[1] = 1.0
            alpha[0], beta[0] = (int(x) for x in rng.permutation([2, 3]) + rng.integers(0, 2))
        what = f"bayes_optimal_value with {num_pulls} pulls left"
        expected = float(reference.call("bayes_optimal_value", alpha, beta, num_pulls))
        for order in (slice(None), slice(None, None, -1)):
            value = student.call("bayes_optimal_value", alpha[order].copy(), beta[order].copy(), num_pulls)
            report.close(what, report.number(what, value), expected, atol=1e-9)


def value_of_information(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Random beliefs over any number of arms; the optimum is handed in, so any plausible number serves."""
    for case in range(12):
        num_arms, num_pulls = int(rng.integers(1, 8)), [1, 2, 500][case] if case < 3 else int(rng.integers(1, 60))
        alpha = rng.integers(1, 30, size=num_arms).astype(float)
        beta = rng.integers(1, 30, size=num_arms).astype(float)
        plan = num_pulls * float((alpha / (alpha + beta)).max())
        optimum = plan + float(rng.uniform(0.0, 1.0)) * (num_pulls - plan) * 0.5
        what = f"value_of_information of {num_arms} arms, {num_pulls} pulls"
        value = report.number(what, student.call("value_of_information", optimum, alpha, beta, num_pulls))
        expected = float(reference.call("value_of_information", optimum, alpha, beta, num_pulls))
        report.close(what, value, expected, atol=1e-9)
