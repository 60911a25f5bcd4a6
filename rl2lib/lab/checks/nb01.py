"""Visible checks of notebook 01: hand numbers and identities, on inputs that tell the usual mistakes apart."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from rl2lib.lab.handle import Handle
from rl2lib.lab.report import Report
from rl2lib.lab.values import Generator


def floats(report: Report, what: str, value: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Require an array of numbers; whole numbers of an integer dtype are as good."""
    array = report.array(what, value, shape)
    report.true(what, array.dtype.kind in "fiu", expected="numbers", got=f"dtype {array.dtype}")
    return array.astype(float)


# ------------------------------------------------------------------------------------------ 1.1


def pull(student: Handle, report: Report) -> None:
    """Arms that cannot surprise, then frequencies, then where the randomness comes from."""
    means, arms = np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]]), np.array([1, 1])
    what = "pull(means=[[0, 1, 1], [1, 0, 0]], arms=[1, 1], generator)"
    value = student.call("pull", means, arms, Generator(0, library="numpy"))
    if isinstance(value, np.ndarray) and value.ndim == 2:
        cause = (
            "means[arms] picks whole rows and means[:, arms] whole columns. You want one entry from each row: index "
            "with the row numbers and the arms together."
        )
        report.fail(what, "one reward for each row, shape (2,)", f"shape {value.shape}", cause=cause)
    rewards = report.array(what, value, (2,))
    report.true(what, rewards.dtype.kind != "b", expected="dtype float64", got="dtype bool")
    report.close(what, rewards.astype(float), np.array([1.0, 0.0]))
    report.note("arms that always or never pay")

    num_rows = 4000
    means, arms = np.tile([[0.9, 0.25, 0.6]], (num_rows, 1)), np.full(num_rows, 1)
    what = f"pull of an arm of mean 0.25, in {num_rows} rows"
    batches = [
        floats(report, what, student.call("pull", means, arms, Generator(seed, library="numpy")), (num_rows,))
        for seed in range(6)
    ]
    if (batches[0] == 0.25).all():
        report.fail(what, "rewards of 0 or 1", "0.25 in every row")
    coins = all(np.isin(rewards, (0.0, 1.0)).all() for rewards in batches)
    report.true(what, coins, expected="rewards of 0 or 1 only", got=f"{batches[0][:3]}, ...")
    if all((rewards == rewards[0]).all() for rewards in batches):
        constant = len({float(rewards[0]) for rewards in batches}) == 1 and batches[0][0] == 0.0
        # 4000 coins that fall alike: either nothing is tossed, or one toss serves all rows.
        never = ", and it is never 1" if constant and _never_pays(student, report) else ""
        report.fail(what, "independent tosses", f"the same reward in every row{never}")
    report.binomial(what, int(batches[0].sum()), num_rows, 0.25)
    report.note("an arm of mean 0.25 pays a quarter of the time, each row for itself")

    again = student.call("pull", means, arms, Generator(0, library="numpy"))
    equal = np.array_equal(floats(report, what, again, (num_rows,)), batches[0])
    report.same("pull, twice with the same seed", equal, "rewards")
    kept = student.keep(Generator(0, library="numpy"))
    first, second = (floats(report, what, student.call("pull", means, arms, kept), (num_rows,)) for _ in range(2))
    report.true(
        "pull, twice with one and the same generator",
        not np.array_equal(first, second),
        expected="fresh tosses the second time",
        got="the same tosses again",
    )
    report.note("all randomness comes from the generator")


def _never_pays(student: Handle, report: Report) -> bool:
    """Whether an arm of mean 0.4 never pays in 30 batches; by one shared toss that has probability 2e-7."""
    means, arms = np.full((2, 1), 0.4), np.zeros(2, dtype=int)
    calls = (student.call("pull", means, arms, Generator(seed, library="numpy")) for seed in range(100, 130))
    return not any(np.any(report.array("pull of an arm of mean 0.4", value, (2,))) for value in calls)


# ------------------------------------------------------------------------------------------ 1.2


def beta_posterior(student: Handle, report: Report) -> None:
    """The worked example, two rows at once, an empty history, and the order of pulls."""
    arms, rewards = np.array([[0, 0, 2, 0], [1, 1, 1, 2]]), np.array([[1.0, 0.0, 0.0, 1.0], [1.0, 1.0, 0.0, 1.0]])
    # Row 0: arm 0 paid 2 of 3, arm 1 untouched, arm 2 paid 0 of 1. Row 1: arm 1 paid 2 of 3, arm 2 paid 1 of 1.
    alpha, beta = np.array([[3.0, 1.0, 1.0], [1.0, 3.0, 2.0]]), np.array([[2.0, 1.0, 2.0], [1.0, 2.0, 1.0]])
    what = "beta_posterior(arms=[[0, 0, 2, 0], [1, 1, 1, 2]], rewards=[[1, 0, 0, 1], [1, 1, 0, 1]], num_arms=3)"
    _close_pair(student, report, what, (arms, rewards, 3), (alpha, beta))
    report.note("two trials counted by hand")

    what = "beta_posterior(arms=[[0]], rewards=[[1]], num_arms=4)"
    expected = np.array([[2.0, 1.0, 1.0, 1.0]]), np.ones((1, 4))
    _close_pair(student, report, what, (np.array([[0]]), np.array([[1.0]]), 4), expected)
    what = "beta_posterior of a trial without pulls, arms and rewards of shape [1, 0], num_arms=2"
    flat = np.ones((1, 2))
    _close_pair(student, report, what, (np.zeros((1, 0), dtype=int), np.zeros((1, 0)), 2), (flat, flat))
    report.note("arms that were never pulled; no pulls at all")

    what = "beta_posterior of the same pulls in reverse order"
    _close_pair(student, report, what, (arms[:, ::-1].copy(), rewards[:, ::-1].copy(), 3), (alpha, beta))
    report.note("the order of the pulls does not matter")


def _close_pair(student: Handle, report: Report, what: str, args: Any, expected: Any) -> None:
    value = student.call("beta_posterior", *args)
    pair = isinstance(value, tuple | list) and len(value) == 2
    if isinstance(value, np.ndarray):
        cause = "Return two arrays: return alpha, beta."
        report.fail(what, "a pair (alpha, beta)", f"one array of shape {value.shape}", cause=cause)
    if not pair:
        report.close(what, value, expected)
    shape = expected[0].shape
    for name, one in zip(("alpha", "beta"), value, strict=True):
        if isinstance(one, np.ndarray) and one.shape != shape and one.ndim in (1, 2):
            cause = "Every trial is another task with its own belief: one row for each."
            if one.shape[:-1] == shape[:-1]:
                cause = "There are num_arms arms, also when the last of them were never pulled."
            report.fail(f"{what}, {name}", f"shape {shape}", f"shape {one.shape}", cause=cause)
    got = tuple(
        floats(report, f"{what}, {name}", one, expected[0].shape)
        for name, one in zip(("alpha", "beta"), value, strict=True)
    )
    report.close(what, got, expected)


# ------------------------------------------------------------------------------------------ 1.3


def thompson_sampling(student: Handle, report: Report) -> None:
    """Certain beliefs, the worked 2/3, three equal arms, and where the randomness comes from."""
    best = np.array([2, 0, 1, 1])
    sure = 9999.0 * (np.arange(3) == best[:, None])
    alpha, beta = 1.0 + sure, 10000.0 - sure
    what = "thompson_sampling where 9,999 pulls of each arm leave no doubt, best arms [2, 0, 1, 1]"
    arms = _sampled(student, report, what, alpha, beta, Generator(0, library="numpy"))
    never = "never the best arm" if (arms != best).all() else "a worse arm in some rows"
    report.true(what, (arms == best).all(), expected=f"{best}", got=f"{arms}, {never}")
    report.note("every row follows its own belief")

    num_rows = 20_000
    alpha, beta = np.tile([[2.0, 1.0]], (num_rows, 1)), np.ones((num_rows, 2))
    what = f"thompson_sampling with beliefs Beta(2, 1) and Beta(1, 1), {num_rows} rows: arm 0"
    few = [
        _sampled(student, report, what, alpha[:40], beta[:40], Generator(seed, library="numpy")) for seed in range(40)
    ]
    alike = all((arms == arms[0]).all() for arms in few) and len({int(arms[0]) for arms in few}) > 1
    report.true(what, not alike, expected="rows that draw for themselves", got="all rows alike")
    arms = _sampled(student, report, what, alpha, beta, Generator(0, library="numpy"))
    share = (arms == 0).mean()
    report.true(what, not 0.87 < share < 1, expected="about 0.667 of the time", got="almost always, not quite always")
    report.binomial(what, int((arms == 0).sum()), num_rows, 2 / 3)
    report.note("Beta(2, 1) beats Beta(1, 1) two times in three")

    flat = np.ones((num_rows, 3))
    what = "thompson_sampling before any pull, three arms: arm 1"
    arms = _sampled(student, report, what, flat, flat, Generator(1, library="numpy"))
    report.binomial(what, int((arms == 1).sum()), num_rows, 1 / 3)

    again = _sampled(student, report, what, flat, flat, Generator(1, library="numpy"))
    report.same("thompson_sampling, twice with the same seed", np.array_equal(arms, again), "arms")
    kept = student.keep(Generator(1, library="numpy"))
    first, second = (_sampled(student, report, what, flat, flat, kept) for _ in range(2))
    report.true(
        "thompson_sampling, twice with one and the same generator",
        not np.array_equal(first, second),
        expected="fresh draws the second time",
        got="the same draws again",
    )
    report.note("all randomness comes from the generator")


def _sampled(student: Handle, report: Report, what: str, alpha: Any, beta: Any, generator: Any) -> np.ndarray:
    value = student.call("thompson_sampling", alpha, beta, generator)
    if isinstance(value, int) and not isinstance(value, bool):
        cause = "argmax without an axis looks for the best entry of the whole [B, K] table. Every row needs its own."
        report.fail(what, f"one arm for each of the {len(alpha)} rows", f"the number {value}", cause=cause)
    other_axis = isinstance(value, np.ndarray) and value.shape == alpha.shape[1:] and len(alpha) != alpha.shape[1]
    report.true(what, not other_axis, expected="one arm for each row", got="one number for each arm")
    arms = report.array(what, value, alpha.shape[:1], int)
    inside = arms.min() >= 0 and arms.max() < alpha.shape[1]
    report.true(what, inside, expected="arm numbers 0..K-1", got=f"{arms.min()} to {arms.max()}")
    return arms


# ------------------------------------------------------------------------------------------ 1.4


def ucb1(student: Handle, report: Report) -> None:
    """Seven beliefs after eight pulls that tell the usual mistakes apart, ties, and the worked example."""
    alpha = np.array([[6.0, 1.0, 3.0], [1.0, 2.0, 4.0], [3.0, 6.0, 1.0], [2.0, 2.0, 1.0], [1.0, 6.0, 2.0]])
    alpha = np.concatenate([alpha, [[1.0, 2.0, 6.0], [4.0, 1.0, 1.0]]])
    beta = np.array([[2.0, 1.0, 1.0], [2.0, 2.0, 3.0], [1.0, 1.0, 2.0], [6.0, 2.0, 1.0], [2.0, 1.0, 2.0]])
    beta = np.concatenate([beta, [[1.0, 2.0, 2.0], [3.0, 2.0, 3.0]]])
    counts = (
        "alpha=[[6,1,3],[1,2,4],[3,6,1],[2,2,1],[1,6,2],[1,2,6],[4,1,1]], "
        "beta=[[2,1,1],[2,2,3],[1,1,2],[6,2,1],[2,1,2],[1,2,2],[3,2,3]]"
    )
    what = f"ucb1({counts}, t=9, c=0.5)"
    arms = _chosen(student, report, what, alpha, beta, 9, 0.5)
    report.close(what, arms, np.array([2, 1, 0, 2, 1, 0, 0]))
    report.note("seven beliefs after eight pulls")

    what = "ucb1 at the first pull of a trial (four arms, flat prior, t=1, c=1)"
    arms = _chosen(student, report, what, np.ones((2, 4)), np.ones((2, 4)), 1, 1.0)
    report.close(what, arms, np.array([0, 0]))
    report.note("ties go to the lowest arm")

    alpha, beta = np.array([[4.0, 1.0]]), np.array([[2.0, 1.0]])
    for c, expected in ((1.0, 1), (0.2, 0), (0.0, 0)):
        what = f"ucb1(alpha=[[4, 1]], beta=[[2, 1]], t=5, c={c:g})"
        report.close(what, _chosen(student, report, what, alpha, beta, 5, c), np.array([expected]))
    report.note("the worked example: explores at c = 1, stays at c = 0.2")

    # Arm 1 paid 2 of 8. Beside 8 pulls of arm 0: 1.35 against 1.05. Beside 98 of them: 0.91 against 1.27.
    for first, t, expected in (((6, 4), 17, 0), ((60, 40), 107, 1)):
        what = f"ucb1(alpha=[[{first[0]}, 3]], beta=[[{first[1]}, 7]], t={t}, c=1)"
        arms = _chosen(student, report, what, np.array([[first[0], 3.0]]), np.array([[first[1], 7.0]]), t, 1.0)
        report.close(what, arms, np.array([expected]))
    report.note("the bonus of a neglected arm grows with the common clock")


def _chosen(student: Handle, report: Report, what: str, alpha: Any, beta: Any, t: int, c: float) -> np.ndarray:
    return report.array(what, student.call("ucb1", alpha, beta, t, c), alpha.shape[:1], int)


# ------------------------------------------------------------------------------------------ 1.5


def regret(student: Handle, report: Report) -> None:
    """Two trials by hand; unlucky and lucky coins; the identity with total reward."""
    means = np.array([[0.2, 0.8, 0.5], [0.6, 0.4, 0.9]])
    arms = np.array([[0, 1, 2, 1], [0, 0, 1, 0]])
    rewards = np.array([[1.0, 0.0, 1.0, 1.0], [1.0, 0.0, 0.0, 1.0]])
    # Row 0 loses 0.6, 0, 0.3, 0; row 1 never finds its arm of 0.9 and loses 0.3, 0.3, 0.5, 0.3.
    expected = np.array([[0.6, 0.6, 0.9, 0.9], [0.3, 0.6, 1.1, 1.4]])
    what = "regret(means=[[.2,.8,.5],[.6,.4,.9]], arms=[[0,1,2,1],[0,0,1,0]], rewards=[[1,0,1,1],[1,0,0,1]])"
    value = student.call("regret", means, arms, rewards)
    if isinstance(value, np.ndarray) and value.ndim == 1:
        cause = "You summed where a running sum is wanted: entry t holds the regret of all pulls up to and including t."
        if value.size == expected.size:
            cause = "cumsum without an axis runs through all trials in one line. Each trial has its own, along axis 1."
        report.fail(what, "shape (2, 4)", f"shape {value.shape}", cause=cause)
    got = floats(report, what, value, (2, 4))
    report.close(what, got, expected)
    report.note("two trials by hand, one of which never finds its best arm")

    what = "regret of always pulling the best arm, when it never pays"
    always = np.full((1, 3), 1)
    got = floats(report, what, student.call("regret", means[:1], always, np.zeros((1, 3))), (1, 3))
    report.close(what, got, np.zeros((1, 3)))
    report.note("bad luck is not regret")

    what = "regret of a bad arm (mean 0.2 beside 0.8 and 0.5) that happens to pay every time"
    lucky = np.zeros((1, 3), dtype=int)
    got = floats(report, what, student.call("regret", means[:1], lucky, np.ones((1, 3))), (1, 3))
    report.close(what, got, np.array([[0.6, 1.2, 1.8]]))
    report.note("and good luck does not excuse a bad choice")


# ------------------------------------------------------------------------------------------ 1.6


def bayes_optimal_value(student: Handle, report: Report) -> None:
    """Hand numbers from zero pulls on, then ten and twenty pulls."""
    flat = (1.0, 1.0, 1.0, 1.0)
    value = _value(student, report, flat, 0)
    report.close(_named(flat, 0), value, 0.0)
    known = (3.0, 2.0, 1.0, 1.0)
    # together, since the first alone does not tell a pull too few from payments that are never counted
    values = [_value(student, report, known, 1), _value(student, report, flat, 2)]
    report.close(f"{_named(known, 1)} and {_named(flat, 2)}", values, [0.6, 13 / 12])
    report.note("no pull: 0; one pull: the higher mean; two pulls: 13/12")

    even = (2.0, 2.0, 1.0, 1.0)
    value = _value(student, report, even, 2)
    report.close(_named(even, 2), value, 13 / 12)
    report.close(_named(known, 3), _value(student, report, known, 3), 11 / 6)
    report.note("three pulls with one arm known: 11/6, above greedy's 1.814")

    report.close(_named(flat, 4), _value(student, report, flat, 4), 41 / 18)
    swapped = (1.0, 1.0, 3.0, 2.0)
    report.close(_named(swapped, 3) + ", the arms exchanged", _value(student, report, swapped, 3), 11 / 6)
    _each_belief_once(student, report, flat)
    report.close(_named(flat, 10), _value(student, report, flat, 10), 6.0217857143)
    report.close(_named(flat, 20), _value(student, report, flat, 20), 12.4312649059)
    report.note("ten and twenty pulls, in time: every belief is computed once")


def _each_belief_once(student: Handle, report: Report, belief: tuple[float, ...]) -> None:
    """Stop a recursion that visits every history before it runs into the time limit at 20 pulls.

    From 6 to 8 pulls the histories grow 16-fold, the beliefs 2.4-fold. Only the words depend on the clock:
    what fails here cannot do 20 pulls.
    """

    def seconds(num_pulls: int) -> float:
        start = time.perf_counter()
        _value(student, report, belief, num_pulls)
        return time.perf_counter() - start

    long = min(seconds(8) for _ in range(3))
    if long < 0.03:
        return
    growth = long / min(seconds(6) for _ in range(3))
    if growth > 8:
        what = "bayes_optimal_value: the time it takes for 8 pulls and for 6"
        cause = (
            "The recursion meets the same belief by many routes and works it out anew each time, so two more pulls "
            "take 16 times as long. Compute each belief once (exercise 1.6)."
        )
        report.fail(what, "two to three times as long", f"{growth:.0f} times as long", cause=cause)


def _named(belief: tuple[float, ...], num_pulls: int) -> str:
    a0, b0, a1, b1 = belief
    return f"bayes_optimal_value(alpha=[{a0:g}, {a1:g}], beta=[{b0:g}, {b1:g}], num_pulls={num_pulls})"


def _value(student: Handle, report: Report, belief: tuple[float, ...], num_pulls: int) -> float:
    a0, b0, a1, b1 = belief
    value = student.call("bayes_optimal_value", np.array([a0, a1]), np.array([b0, b1]), num_pulls)
    return report.number(_named(belief, num_pulls), value)


# ------------------------------------------------------------------------------------------ 1.7


def value_of_information(student: Handle, report: Report) -> None:
    """Three beliefs by hand, and the two cases in which information is worth nothing."""
    flat = np.ones(2)
    # Beta(3, 2) and Beta(1, 1), three pulls: the optimum is 11/6, the fixed plan 3 x 0.6.
    alpha, beta = np.array([3.0, 1.0]), np.array([2.0, 1.0])
    _information(student, report, 11 / 6, alpha, beta, 3, 1 / 30)
    _information(student, report, 13 / 12, flat, flat, 2, 1 / 12)
    _information(student, report, 11 / 6, alpha[::-1].copy(), beta[::-1].copy(), 3, 1 / 30)
    report.note("hand numbers: 1/12 for two fresh arms, 1/30 for one known and one fresh")

    _information(student, report, 0.6, alpha, beta, 1, 0.0)
    # Beta(3, 1) and Beta(1, 1): after two pulls at most, nothing can make the second arm look better in time.
    _information(student, report, 1.5, np.array([3.0, 1.0]), flat, 2, 0.0)
    report.note("worth nothing with one pull left, or where it cannot change the choice in time")

    # Five fresh arms, ten pulls: 6.6600 against 5.
    _information(student, report, 6.659987874779542, np.ones(5), np.ones(5), 10, 1.659987874779542)
    report.note("any number of arms")


def _information(
    student: Handle,
    report: Report,
    optimum: float,
    alpha: np.ndarray,
    beta: np.ndarray,
    num_pulls: int,
    expected: float,
) -> None:
    shown = ", ".join(
        f"{name}={[round(float(x)) for x in counts]}" for name, counts in (("alpha", alpha), ("beta", beta))
    )
    what = f"value_of_information({optimum:.5g}, {shown}, num_pulls={num_pulls})"
    value = report.number(what, student.call("value_of_information", optimum, alpha, beta, num_pulls))
    report.close(what, value, expected)
