import math

import pytest
import torch
from scipy import stats

from rl2lib.evaluation.statistics import Estimate, mean_estimate, normalised_score, paired_difference


def test_a_mean_and_its_interval_by_hand() -> None:
    """1, 2, 3: mean 2, standard deviation 1, and a t-quantile of 4.303 at two degrees of freedom."""
    estimate = mean_estimate(torch.tensor([1.0, 2.0, 3.0]))
    assert estimate.mean == 2.0 and estimate.standard_error == pytest.approx(1 / math.sqrt(3))
    assert estimate.high - 2.0 == pytest.approx(4.303 / math.sqrt(3), abs=1e-3)
    assert estimate.format(1) == "2.0 ± 2.5"


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
