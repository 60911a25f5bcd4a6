import math
import warnings
from typing import Any

import pytest
import torch
from hypothesis import strategies as st
from scipy import stats
from torch import Tensor

from rl2lib.evaluation.statistics import (
    Estimate,
    equivalence_test,
    mean_estimate,
    normal_estimate,
    normalised_score,
    over_tasks_and_seeds,
    paired_difference,
)


def test_a_mean_and_its_interval_by_hand() -> None:
    """1, 2, 3: mean 2, standard deviation 1, and a t-quantile of 4.303 at two degrees of freedom."""
    estimate = mean_estimate(torch.tensor([1.0, 2.0, 3.0]))
    assert estimate.mean == 2.0 and estimate.standard_error == pytest.approx(1 / math.sqrt(3))
    assert estimate.high - 2.0 == pytest.approx(4.303 / math.sqrt(3), abs=1e-3)
    assert estimate.format(1) == "2.0 ± 2.5"
    assert normal_estimate(2.0, math.nan).format(1) == "2.0", "no interval is known"


def test_the_interval_is_the_paired_t_tests() -> None:
    g = torch.Generator().manual_seed(0)
    x, y = torch.randn(2, 30, generator=g)
    difference = paired_difference(x, y)
    reference = stats.ttest_rel(x.double().numpy(), y.double().numpy()).confidence_interval(0.95)
    assert (difference.low, difference.high) == pytest.approx((reference.low, reference.high))


def test_pairing_forgets_what_the_tasks_share() -> None:
    g = torch.Generator().manual_seed(0)
    tasks, noise = 100 * torch.randn(500, generator=g), torch.randn(500, generator=g)
    difference = paired_difference(tasks + noise + 1.0, tasks)
    assert difference.standard_error < 0.06 < mean_estimate(tasks).standard_error


def test_normalised_score_by_hand() -> None:
    random, reference = torch.tensor([0.0, 2.0]), torch.tensor([4.0, 6.0])
    assert normalised_score(torch.tensor([3.0, 5.0]), random, reference).mean == 0.75
    assert normalised_score(random, random, reference) == Estimate(0.0, 0.0, 0.0, 0.0)
    assert normalised_score(reference, random, reference) == Estimate(1.0, 0.0, 1.0, 1.0)


def test_the_normalised_interval_covers_as_often_as_it_says() -> None:
    """800 experiments of known score .8; the count of misses has a standard deviation of 6."""
    g = torch.Generator().manual_seed(0)
    misses = 0
    for _ in range(800):
        shared = torch.randn(200, generator=g)
        random, reference = shared, shared + 2 + torch.randn(200, generator=g)
        agent = random + 0.8 * 2 + torch.randn(200, generator=g)
        estimate = normalised_score(agent, random, reference)
        misses += not estimate.low <= 0.8 <= estimate.high
    assert 14 < misses < 70


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="N >= 2"):
        mean_estimate(torch.tensor([1.0]))
    with pytest.raises(ValueError, match="finite"):
        mean_estimate(torch.tensor([1.0, float("nan")]))
    with pytest.raises(ValueError, match="others: expected"):
        paired_difference(torch.zeros(3), torch.zeros(4))
    with pytest.raises(ValueError, match="above random's"):
        normalised_score(torch.zeros(3), torch.ones(3), torch.ones(3))


def test_the_part_that_exploration_earns_is_the_score_with_greedy_in_randoms_place() -> None:
    greedy, reference = torch.tensor([6.0, 6.0]), torch.tensor([6.5, 6.7])
    assert normalised_score(torch.tensor([6.3, 6.3]), greedy, reference).mean == pytest.approx(0.3 / 0.6)
    assert normalised_score(torch.tensor([5.4, 5.4]), greedy, reference).mean == pytest.approx(-1.0)


# float32 is what scores are; whole numbers give ties and constant differences
SCORES = st.lists(st.tuples(*2 * [st.integers(-5, 5).map(float) | st.floats(-1e3, 1e3, width=32)]), min_size=2)


def split(pairs: list[tuple[float, float]]) -> tuple[Tensor, Tensor]:
    x, y = torch.tensor(pairs).T
    return x, y


def test_scores_that_leave_no_doubt_have_defined_answers() -> None:
    same = torch.tensor([1.0, 2.0, 4.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        equal = [equivalence_test(same, same + shift, 0.5, paired=True) for shift in (0, 0.25, 0.5, 1)]
        flat = equivalence_test(torch.ones(3), torch.ones(2), 0.5, paired=False)
    assert [result.equivalent for result in equal] == [True, True, False, False]
    assert flat.equivalent and flat.low == flat.high == 0.0


@pytest.mark.parametrize("paired", [True, False])
def test_equivalence_is_two_one_sided_t_tests(paired: bool) -> None:
    g = torch.Generator().manual_seed(0)
    x, y = torch.randn(20, generator=g), 0.2 + 0.5 * torch.randn(20 if paired else 12, generator=g)
    result = equivalence_test(x, y, 1.0, paired=paired)
    one, other = x.double().numpy(), y.double().numpy()
    options: dict[str, Any] = {} if paired else {"equal_var": False}
    test = stats.ttest_rel if paired else stats.ttest_ind
    above = test(one + 1.0, other, alternative="greater", **options).pvalue
    below = test(one - 1.0, other, alternative="less", **options).pvalue
    assert result.p_value == pytest.approx(max(above, below))
    interval = test(one, other, **options).confidence_interval(0.9)
    assert (result.low, result.high) == pytest.approx((interval.low, interval.high))
    for bound, equivalent in ((1.01, True), (0.99, False)):
        edge = max(abs(result.low), abs(result.high)) * bound
        assert equivalence_test(x, y, edge, paired=paired).equivalent is equivalent


def test_too_little_data_is_neither_different_nor_equivalent() -> None:
    x, y = torch.tensor([0.0, 1.0, 0.2]), torch.tensor([0.9, 0.1, 0.4])
    difference = paired_difference(x, y)
    assert difference.low < 0 < difference.high and not equivalence_test(x, y, 0.1, paired=True).equivalent


def test_tests_refuse_nonsense() -> None:
    three, four, nan = torch.arange(3.0), torch.arange(4.0), torch.tensor([0.0, 1.0, float("nan")])

    def paired_equivalence(x: Tensor, y: Tensor) -> object:
        return equivalence_test(x, y, 1.0, paired=True)

    for test in (paired_difference, paired_equivalence):
        with pytest.raises(ValueError, match="others: expected"):
            test(three, four)
        with pytest.raises(ValueError, match="finite"):
            test(three, nan)
        with pytest.raises(ValueError, match="N >= 2"):
            test(three[:1], three[:1])
    with pytest.raises(ValueError, match="N >= 2"):
        equivalence_test(three, three[:1], 1.0, paired=False)
    for bound in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match="bound: expected a positive"):
            equivalence_test(three, four, bound, paired=False)


STATSMODELS_X = torch.tensor([5.2, 6.1, 7.4, 4.8, 6.6, 5.9, 7.1, 6.3], dtype=torch.float64)
STATSMODELS_Y = torch.tensor([5.0, 6.4, 6.9, 4.9, 6.0, 6.1, 6.5, 6.2], dtype=torch.float64)
STATSMODELS_Z = torch.tensor([4.1, 6.9, 5.5, 7.7, 3.9], dtype=torch.float64)


def test_another_librarys_figures_come_out() -> None:
    """statsmodels 0.15.0, stats.weightstats: DescrStatsW, ttost_paired, and ttost_ind(usevar="unequal")."""
    mean = mean_estimate(STATSMODELS_X)
    assert (mean.standard_error, mean.low, mean.high) == pytest.approx(
        (0.31267852043729694, 5.435632787621818, 6.914367212378182), rel=1e-12
    )
    paired = equivalence_test(STATSMODELS_X, STATSMODELS_Y, 0.5, paired=True)
    assert (paired.p_value, paired.low, paired.high) == pytest.approx(
        (0.01926059290524056, -0.06717491845259915, 0.4171749184525988), rel=1e-12
    )
    welch = equivalence_test(STATSMODELS_X, STATSMODELS_Z, 1.5, paired=False)
    assert (welch.p_value, welch.low, welch.high) == pytest.approx(
        (0.14672723841727459, -1.0547447662102052, 2.164744766210206), rel=1e-12
    )


def test_several_seeds_widen_an_interval() -> None:
    values = torch.randn(500, generator=torch.Generator().manual_seed(0))
    one = over_tasks_and_seeds([values])
    three = over_tasks_and_seeds([values - 1, values, values + 1])
    assert math.isclose(one.mean, three.mean, abs_tol=1e-9)
    half = 4.302653 / math.sqrt(3)
    assert math.isclose(three.high - three.mean, math.hypot(one.high - one.mean, half), rel_tol=1e-5)
