import time
from fractions import Fraction
from functools import cache

import pytest
import torch

from rl2lib.agents.bandit import Counts, Greedy
from rl2lib.agents.bayes_optimal import (
    UNTRIED,
    BayesOptimal,
    BayesOptimalPlan,
    bayes_optimal_value,
)
from rl2lib.evaluation.evaluate import evaluate
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits


@cache
def plain_value(counts: tuple[tuple[int, int], ...], left: int) -> Fraction:
    """The optimum again, in exact fractions and with every arm told apart."""
    if left == 0:
        return Fraction(0)
    values = []
    for i, (s, f) in enumerate(counts):
        mean = Fraction(s + 1, s + f + 2)
        win = plain_value((*counts[:i], (s + 1, f), *counts[i + 1 :]), left - 1)
        lose = plain_value((*counts[:i], (s, f + 1), *counts[i + 1 :]), left - 1)
        values.append(mean * (1 + win) + (1 - mean) * lose)
    return max(values)


def test_values_by_hand() -> None:
    assert bayes_optimal_value(1, 7) == pytest.approx(3.5), "one arm: nothing to choose"
    # two pulls: after a success (probability 1/2) stay at 2/3, after a failure leave for 1/2
    assert bayes_optimal_value(2, 2) == pytest.approx(1 / 2 + 1 / 2 * 2 / 3 + 1 / 2 * 1 / 2)


@pytest.mark.parametrize(("num_arms", "num_pulls"), [(2, 1), (2, 5), (3, 4), (4, 3)])
def test_values_equal_a_plain_recursion_in_fractions(num_arms: int, num_pulls: int) -> None:
    exact = plain_value(((0, 0),) * num_arms, num_pulls)
    assert bayes_optimal_value(num_arms, num_pulls) == pytest.approx(float(exact), abs=1e-12)


@pytest.mark.parametrize(("num_arms", "expected"), [(5, 6.6600), (10, 6.7140), (50, 6.7140)])
def test_ten_pulls_are_worth_what_they_are_worth(num_arms: int, expected: float) -> None:
    seconds = []
    for _ in range(3):  # the best of three: a garbage collection may fall into one
        started = time.process_time()
        assert bayes_optimal_value(num_arms, 10) == pytest.approx(expected, abs=5e-5)
        seconds.append(time.process_time() - started)
    assert min(seconds) < 1


def test_an_eleventh_arm_adds_nothing_to_ten_pulls_and_a_tenth_does() -> None:
    assert bayes_optimal_value(11, 10) == bayes_optimal_value(10, 10) > bayes_optimal_value(9, 10)


def test_information_is_worth_an_inferior_pull() -> None:
    """An arm with 1 success and 1 failure looks as good as an untried one, and teaches less."""
    plan = BayesOptimalPlan(2, 6)
    values = plan.action_values(((1, 1),), 4)
    assert values[UNTRIED] > values[(1, 1)]
    assert BayesOptimalPlan(2, 3).action_values(((1, 1),), 1) == {(1, 1): 0.5, UNTRIED: 0.5}


def test_optimal_actions_show_ties_and_do_not_depend_on_the_arms_order() -> None:
    agent = BayesOptimal(3, 6)
    start = agent.initial_state(1)
    assert agent.optimal_actions(start).tolist() == [[True, True, True]]
    successes, failures = torch.tensor([[1.0, 0, 0]]), torch.tensor([[1.0, 0, 0]])
    for shift in range(3):
        counts = Counts(successes.roll(shift, 1), failures.roll(shift, 1), 2)
        expected = torch.tensor([[False, True, True]]).roll(shift, 1)
        assert torch.equal(agent.optimal_actions(counts), expected)
    lowest = agent.choose(Counts(successes, failures, 2), torch.Generator())
    assert lowest.tolist() == [1], "ties go to the lowest index"


def test_every_belief_of_a_plan_is_found_in_the_batch_table() -> None:
    agent = BayesOptimal(3, 5)
    table = agent.plan.optimal_arms()
    padded = [(*belief, *[UNTRIED] * (3 - len(belief))) for belief in table]
    counts = torch.tensor(padded, dtype=torch.float32)
    found = agent.optimal_actions(Counts(counts[..., 0], counts[..., 1], 0))
    expected = [[arm in table[belief] for arm in arms] for belief, arms in zip(table, padded, strict=True)]
    assert found.tolist() == expected


def test_playing_it_earns_its_value_and_beats_greedy() -> None:
    tasks = IndependentBandits(5).sample(40_000, torch.Generator().manual_seed(3))
    optimal = BayesOptimal(5, 10)
    result = evaluate({"optimal": optimal, "greedy": Greedy(5)}, BanditEnv(5, 10), tasks, seed=0)
    score = result["optimal"].score
    assert abs(score.mean - optimal.value) < 4 * score.standard_error
    behind = result["greedy"].behind_best
    assert behind.low > 0.05 and behind.high < 0.13  # 6.66 - 6.565


def test_counts_that_no_plan_meets_are_refused() -> None:
    agent = BayesOptimal(2, 3)
    full, half = torch.tensor([[3.0, 0.0]]), torch.tensor([[0.5, 0.0]])
    with pytest.raises(ValueError, match="at most 2 pulls"):
        agent.optimal_actions(Counts(full, torch.zeros(1, 2), 3))
    with pytest.raises(ValueError, match="rewards of 0 or 1"):
        agent.optimal_actions(Counts(half, half, 1))
    with pytest.raises(ValueError, match="at least 1"):
        BayesOptimalPlan(0, 3)
