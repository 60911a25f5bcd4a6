import itertools
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats

from rl2lib.agents import gittins_tables
from rl2lib.agents.bandit import UCB1, CountingAgent, Counts, Greedy, Thompson
from rl2lib.agents.bayes_optimal import bayes_optimal_value
from rl2lib.agents.gittins import DISCOUNTS, Approximation, FiniteHorizonGittins, Gittins
from rl2lib.agents.gittins_tables import (
    RATES,
    FiniteHorizonIndices,
    build_finite_horizon,
    discounted_indices,
    finite_horizon_indices,
    stopping_indices,
    whittle_indices,
)
from rl2lib.evaluation.evaluate import evaluate
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RL2_CACHE", str(tmp_path / "cache"))
    gittins_tables._finite_horizon_indices.cache_clear()
    return tmp_path / "cache"


def exact_index(successes: int, failures: int, pulls_left: int) -> float:
    """The crossing by bisection on λ, each λ by a recursion of its own."""

    def advantage(rate: float) -> float:
        @cache
        def solve(s: int, f: int, left: int) -> float:
            mean = (s + 1) / (s + f + 2)
            if left == 1:
                return mean - rate
            win, lose = max(solve(s + 1, f, left - 1), 0.0), max(solve(s, f + 1, left - 1), 0.0)
            return mean - rate + mean * win + (1 - mean) * lose

        return solve(successes, failures, pulls_left)

    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if advantage(middle) > 0 else (low, middle)
    return low


# Beta(α, β), rows β = 1, 2, 3, columns α = 1, ..., 5: as tabulated by Gittins, Glazebrook & Weber (2011, p. 265)
TO_FOUR_DIGITS = {
    0.9: [
        [0.7029, 0.8001, 0.8452, 0.8723, 0.8905],
        [0.5001, 0.6346, 0.7072, 0.7539, 0.7869],
        [0.3796, 0.5163, 0.6010, 0.6579, 0.6996],
    ],
    0.99: [
        [0.8699, 0.9102, 0.9285, 0.9395, 0.9470],
        [0.7005, 0.7844, 0.8268, 0.8533, 0.8719],
        [0.5671, 0.6726, 0.7308, 0.7697, 0.7973],
    ],
}


def pulling_on_is_worth_it(rate: float, discount: float, depth: int, *, perfect_information: bool) -> np.ndarray:
    """Whether an arm is worth pulling at the sure rate, [s, f] for s + f < 8, by a recursion over values, not gains.

    At `depth` pulls the rest is worth at least λ or the mean for ever, and at most what one would earn who were
    told the arm's p, E[max(p, λ)]: with the lower end a "yes" is certain, with the upper a "no".
    """
    a = np.arange(depth + 1) + 1.0
    b = depth + 2 - a
    mean, best = a / (a + b), np.maximum(a / (a + b), rate)
    if perfect_information:
        best = mean * stats.beta.sf(rate, a + 1, b) + rate * stats.beta.cdf(rate, a, b)
    value = best / (1 - discount)
    worth_it = np.zeros((8, 8), dtype=bool)
    for pulled in range(depth - 1, -1, -1):
        mean = (np.arange(pulled + 1) + 1) / (pulled + 2)
        once_more = mean * (1 + discount * value[1:]) + (1 - mean) * discount * value[:-1]
        if pulled < 8:
            for s in range(pulled + 1):
                worth_it[s, pulled - s] = once_more[s] > rate / (1 - discount)
        value = np.maximum(once_more, rate / (1 - discount))
    return worth_it


@pytest.mark.slow
@pytest.mark.parametrize("discount", [0.9, 0.99])
def test_the_discounted_index_to_four_digits(discount: float) -> None:
    """The numbers above are right to half a unit of their last digit, and so are ours.

    The book itself was not at hand. Values of its table are quoted by the tests of GittinsIndices.jl (.7029, .8001,
    .8452, .5001, .6346, .3796 at γ = .9) and by Christian & Griffiths, "Algorithms to Live By" (2016), chapter 2
    (.7029, .6346, .6010 at γ = .9, .8699 at γ = .99); the page is named in rllab's scripts/bandits/evaluate_gittins.py.
    The others are from memory, so each is proved here: half a unit below it pulling on is better than retiring, half
    a unit above it is not, whatever happens after 300 or 1,500 pulls.
    """
    depth = {0.9: 300, 0.99: 1500}[discount]
    table = discounted_indices(10, discount)
    for f, row in enumerate(TO_FOUR_DIGITS[discount]):
        for s, index in enumerate(row):
            assert pulling_on_is_worth_it(index - 5e-5, discount, depth, perfect_information=False)[s, f], (s, f)
            assert not pulling_on_is_worth_it(index + 5e-5, discount, depth, perfect_information=True)[s, f], (s, f)
            assert table[s + f, s].item() == pytest.approx(index, abs=6e-5), (s, f)


def test_nine_wins_and_a_loss() -> None:
    """Christian & Griffiths 2016, chapter 2: a record of 9-1 has the index .8695 at γ = .9."""
    assert discounted_indices(20, 0.9)[10, 9].item() == pytest.approx(0.8695, abs=6e-5)


def test_a_longer_table_and_a_finer_grid_tell_the_same_of_the_same_arm() -> None:
    torch.testing.assert_close(discounted_indices(10, 0.9), discounted_indices(60, 0.9)[:10, :10], atol=2e-5, rtol=0)


def test_the_discounted_index_grows_with_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gittins_tables, "LOOKAHEAD", 150)  # a lower bound, quickly; no other test has 11 pulls
    tables = [discounted_indices(11, discount) for discount in DISCOUNTS]
    below = torch.tril(torch.ones(11, 11)).bool()
    for impatient, patient in itertools.pairwise(tables):
        assert (patient > impatient)[below].all()


@pytest.mark.slow
def test_the_closed_form_by_hand_and_beside_the_index_it_approximates() -> None:
    """Beta(1, 1), γ = .9: 1/2 + 1/4 / (2 √((2 · .10536 + 1/2) / 4)) = .7965; well-known arms agree closely."""
    start = whittle_indices(torch.zeros(1), torch.zeros(1), 0.9)
    assert start.item() == pytest.approx(0.5 + 0.25 / (2 * ((0.2107210 + 0.5) / 4) ** 0.5), abs=1e-6)
    # μ other than a half: Beta(3, 1), c = .0100503, 3/4 + 3/16 / (4 √((.0201007 + 1/4) 3/16) + 1/4)
    other = whittle_indices(torch.tensor([2.0]), torch.zeros(1), 0.99)
    assert other.item() == pytest.approx(0.75 + 0.1875 / (4 * (0.2701007 * 0.1875) ** 0.5 + 0.25), abs=1e-6)
    exact = discounted_indices(100, 0.99)
    for successes, failures in [(40, 40), (60, 30), (20, 70)]:
        close = whittle_indices(torch.tensor(float(successes)), torch.tensor(float(failures)), 0.99).item()
        assert close == pytest.approx(exact[successes + failures, successes].item(), abs=0.008)


def test_finite_horizon_indices_are_exact_on_tiny_problems() -> None:
    n = 8
    table = FiniteHorizonIndices(n, torch.from_numpy(build_finite_horizon(n)))
    for left in range(1, n + 1):
        for tried in range(n - left + 1):
            for s in range(tried + 1):
                counts = torch.tensor(float(s)), torch.tensor(float(tried - s))
                assert table(*counts, left).item() == pytest.approx(exact_index(s, tried - s, left), abs=2e-6)


def test_undiscounted_stopping_takes_the_arms_pulls_for_the_trials() -> None:
    table = stopping_indices(9)
    for s, f in [(0, 0), (0, 3), (4, 0), (2, 5)]:
        assert table[s + f, s].item() == pytest.approx(exact_index(s, f, 9 - s - f), abs=2e-6)
    assert table[2, 0] < table[2, 1] < table[2, 2]


def test_long_horizons_stay_within_the_grids_error() -> None:
    values = build_finite_horizon(60)
    table = FiniteHorizonIndices(60, torch.from_numpy(values))
    for s, f, left in [(0, 0, 60), (1, 2, 40), (20, 10, 30), (0, 30, 10), (25, 25, 8)]:
        ours = table(torch.tensor(float(s)), torch.tensor(float(f)), left).item()
        assert ours == pytest.approx(exact_index(s, f, left), abs=3e-5)


def test_the_coarsest_grid_is_off_by_little() -> None:
    """The finite-horizon table of a long trial has `RATES` intervals; a straight line in them would be off by more."""
    fine = gittins_tables._solve(200, np.linspace(0, 1, 10 * RATES + 1))
    error = gittins_tables._solve(200, np.linspace(0, 1, RATES + 1, dtype=np.float32)) - fine
    assert abs(error).mean() < 1.2e-4 and abs(error).max() < 1.5e-3


def test_the_last_pull_is_worth_its_mean_and_more_time_is_worth_more() -> None:
    table = FiniteHorizonIndices(20, torch.from_numpy(build_finite_horizon(20)))
    successes, failures = torch.tensor([0.0, 2.0, 5.0, 0.0]), torch.tensor([0.0, 3.0, 5.0, 7.0])
    by_time = torch.stack([table(successes, failures, left) for left in range(1, 11)])
    torch.testing.assert_close(by_time[0], (successes + 1) / (successes + failures + 2), atol=1e-6, rtol=0)
    assert (by_time.diff(dim=0) > 0).all()


def exact_policy_value(agent: CountingAgent, num_arms: int, num_pulls: int) -> float:
    """What an agent earns on U[0, 1] arms, over all histories and without sampling."""

    @cache
    def value(arms: tuple[tuple[int, int], ...], left: int) -> float:
        if left == 0:
            return 0.0
        counts = torch.tensor(arms, dtype=torch.float32)
        arm = int(agent.choose(Counts(counts[None, :, 0], counts[None, :, 1], num_pulls - left), torch.Generator()))
        s, f = arms[arm]
        mean = (s + 1) / (s + f + 2)
        win = value((*arms[:arm], (s + 1, f), *arms[arm + 1 :]), left - 1)
        lose = value((*arms[:arm], (s, f + 1), *arms[arm + 1 :]), left - 1)
        return mean * (1 + win) + (1 - mean) * lose

    return value(((0, 0),) * num_arms, num_pulls)


def test_the_finite_horizon_policy_earns_nearly_the_optimum_and_never_more() -> None:
    optimum = bayes_optimal_value(3, 7)
    earned = exact_policy_value(FiniteHorizonGittins(3, 7), 3, 7)
    greedy = exact_policy_value(Greedy(3), 3, 7)
    assert earned <= optimum + 1e-9
    assert optimum - earned < 0.05 * (optimum - greedy)


@pytest.mark.parametrize("approximation", ["whittle", "stopping", "calibration"])
def test_every_approximation_pulls_its_own_highest_index(approximation: Approximation) -> None:
    agent = Gittins(3, 10, approximation, discount=0.99)
    counts = Counts(torch.tensor([[3.0, 1.0, 0.0], [0.0, 0.0, 0.0]]), torch.tensor([[2.0, 0.0, 1.0], [3.0, 0, 0]]), 7)
    by_hand = {
        "whittle": lambda s, f: whittle_indices(torch.tensor(s), torch.tensor(f), 0.99).item(),
        "stopping": lambda s, f: exact_index(int(s), int(f), 10 - int(s + f)),
        "calibration": lambda s, f: discounted_indices(10, 0.99)[int(s + f), int(s)].item(),
    }[approximation]
    for row, chosen in enumerate(agent.choose(counts, torch.Generator()).tolist()):
        pairs = zip(counts.successes[row].tolist(), counts.failures[row].tolist(), strict=True)
        indices = [by_hand(s, f) for s, f in pairs]
        assert indices[chosen] >= max(indices) - 1e-6 and chosen == int(np.argmax(np.round(indices, 5)))


def test_the_finite_horizon_policy_explores_early_and_not_late() -> None:
    agent = FiniteHorizonGittins(2, 40)
    for steps, arm in [(3, 1), (39, 0)]:
        counts = Counts(torch.tensor([[2.0, 0.0]]), torch.tensor([[1.0, 0.0]]), steps)
        assert agent.choose(counts, torch.Generator()).tolist() == [arm]


@pytest.mark.slow
def test_measured_values_at_a_hundred_pulls() -> None:
    """Measured 83.74 ± .13; Duan et al. 2016, table 1, n = 100, k = 10: Gittins 82.8, Thompson 76.7, UCB1 82.4 (.3)."""
    tasks = IndependentBandits(10).sample(4_000, torch.Generator().manual_seed(5))
    agents = {
        "finite horizon": FiniteHorizonGittins(10, 100),
        "calibration": Gittins(10, 100, discount=0.99),
        "stopping": Gittins(10, 100, "stopping"),
        "whittle": Gittins(10, 100, "whittle", discount=0.99),
        "ucb1": UCB1(10, c=0.2),
        "thompson": Thompson(10),
    }
    result = evaluate(agents, BanditEnv(10, 100), tasks, seed=0)
    assert result.rows[0].agent == "finite horizon"
    assert result["finite horizon"].score.mean == pytest.approx(83.74, abs=0.7)  # four standard errors
    assert result["thompson"].score.mean == pytest.approx(77.1, abs=0.8)
    assert result["ucb1"].behind_best.low > 0
    for name in ("calibration", "stopping", "whittle"):
        assert result[name].score.mean > 82.0, name


def test_measured_values_at_ten_pulls() -> None:
    tasks = IndependentBandits(5).sample(20_000, torch.Generator().manual_seed(6))
    agents = {"finite horizon": FiniteHorizonGittins(5, 10), "stopping": Gittins(5, 10, "stopping")}
    result = evaluate(agents, BanditEnv(5, 10), tasks, seed=0)
    for name in agents:
        assert result[name].score.mean == pytest.approx(6.65, abs=0.06), name


def test_a_table_is_built_once_and_then_read(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = finite_horizon_indices(6)
    assert [place.name for place in own_cache.iterdir()] == ["finite_horizon_gittins_6.bin"]
    gittins_tables._finite_horizon_indices.cache_clear()
    monkeypatch.setattr(gittins_tables, "build_finite_horizon", lambda n: pytest.fail("the kept table was not read"))
    assert torch.equal(finite_horizon_indices(6).values, first.values)


@pytest.mark.parametrize(
    "damage", ["a flipped bit", "cut short", "cut in the header", "empty", "too long", "garbage", "another table's"]
)
def test_a_corrupt_table_is_rebuilt_and_said_so(own_cache: Path, damage: str) -> None:
    whole = finite_horizon_indices(6).values
    finite_horizon_indices(7)
    place = own_cache / "finite_horizon_gittins_6.bin"
    good = place.read_bytes()
    bad = {
        "a flipped bit": good[:-9] + bytes([good[-9] ^ 1]) + good[-8:],
        "cut short": good[:-40],
        "cut in the header": good[:20],
        "empty": b"",
        "too long": good + bytes(4),
        "garbage": np.random.default_rng(0).bytes(len(good)),
        "another table's": (own_cache / "finite_horizon_gittins_7.bin").read_bytes(),
    }[damage]
    place.write_bytes(bad)
    gittins_tables._finite_horizon_indices.cache_clear()
    with pytest.warns(UserWarning, match=r"finite_horizon_gittins_6.bin: the kept table is corrupt.*built anew"):
        assert torch.equal(finite_horizon_indices(6).values, whole)
    assert place.read_bytes() == good, "and repaired on disk"


def test_what_cannot_be_read_is_rebuilt_and_said_so(own_cache: Path) -> None:
    (own_cache / "finite_horizon_gittins_4.bin").mkdir(parents=True)
    # a folder in its place cannot be read, nor be replaced
    with pytest.warns(UserWarning, match="cannot be read"), pytest.warns(UserWarning, match="could not be kept"):
        table = finite_horizon_indices(4)
    assert torch.equal(table.values, torch.from_numpy(build_finite_horizon(4)))
    assert [place.name for place in own_cache.iterdir()] == ["finite_horizon_gittins_4.bin"], "nothing is left behind"


def test_a_folder_that_cannot_be_written_costs_a_warning_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.warns(UserWarning, match="could not be kept"):
        table = finite_horizon_indices(4, tmp_path / "file" / "below")
    assert torch.equal(table.values, torch.from_numpy(build_finite_horizon(4)))


def test_bad_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="approximation: expected"):
        Gittins(2, 5, "exact")  # type: ignore[arg-type]
    for discount in (0.0, 1.0, float("nan")):
        with pytest.raises(ValueError, match="discount: expected"):
            Gittins(2, 5, discount=discount)
    for approximation in ("whittle", "stopping", "calibration"):
        with pytest.raises(ValueError, match="num_pulls: expected at least 1"):
            Gittins(2, 0, approximation)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="num_pulls: expected at least 1"):
        FiniteHorizonGittins(2, 0)
    full = Counts(torch.tensor([[5.0, 0.0]]), torch.zeros(1, 2), 5)
    for agent in (Gittins(2, 5, "stopping"), FiniteHorizonGittins(2, 5)):
        with pytest.raises(ValueError, match="at most 4 pulls"):
            agent.choose(full, torch.Generator())
