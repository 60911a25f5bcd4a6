from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rl2lib.tasks import sampling
from rl2lib.tasks.sampling import make_generators

N = 20_000
# the smallest p-value a fixed seed may show: generous, for these tests must not depend on torch's stream
SMALL_P = 1e-5


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("a", [0.05, 0.5, 1.0, 3.0, 40.0])
def test_gamma_has_its_distribution(a: float) -> None:
    draws = sampling.gamma(torch.full((N,), a, dtype=torch.float64), generator())
    assert stats.kstest(draws.numpy(), stats.gamma(a).cdf).pvalue > SMALL_P


@pytest.mark.parametrize(("a", "b"), [(1.0, 1.0), (0.5, 2.0), (8.0, 3.0)])
def test_beta_has_its_distribution(a: float, b: float) -> None:
    draws = sampling.beta(torch.full((N,), a), torch.tensor(b), generator())
    assert stats.kstest(draws.double().numpy(), stats.beta(a, b).cdf).pvalue > SMALL_P


def test_dirichlet_sums_to_one_and_its_marginals_are_beta() -> None:
    concentration = torch.tensor([1.0, 2.0, 0.5])
    draws = sampling.dirichlet(concentration.expand(N, 3), generator())
    torch.testing.assert_close(draws.sum(dim=-1), torch.ones(N))
    for i, a in enumerate(concentration.tolist()):
        marginal = stats.beta(a, 3.5 - a)
        assert stats.kstest(draws[:, i].double().numpy(), marginal.cdf).pvalue > SMALL_P


def test_normal_has_its_mean_and_spread_elementwise() -> None:
    draws = sampling.normal(torch.tensor([0.0, 5.0]).expand(N, 2), torch.tensor([1.0, 0.1]), generator())
    for i, reference in enumerate((stats.norm(0, 1), stats.norm(5, 0.1))):
        assert stats.kstest(draws[:, i].numpy(), reference.cdf).pvalue > SMALL_P


def test_categorical_and_bernoulli_have_their_probabilities() -> None:
    probabilities = torch.tensor([0.1, 0.6, 0.3])
    draws = sampling.categorical((probabilities.log() + 7.0).expand(N, 3), generator())
    counts = torch.bincount(draws, minlength=3)
    assert stats.chisquare(counts.numpy(), (probabilities * N).numpy()).pvalue > SMALL_P
    ones = sampling.bernoulli(torch.full((N,), 0.3), generator())
    assert set(ones.unique().tolist()) == {0.0, 1.0}
    assert stats.binomtest(int(ones.sum()), N, 0.3).pvalue > SMALL_P


def test_indices_and_integers_have_their_probabilities() -> None:
    weights = torch.tensor([0.0, 0.2, 0.0, 1.2, 0.6, 0.0])  # they need not sum to 1
    draws = sampling.index(weights.expand(N, 6), generator())
    assert draws.dtype == torch.int64 and set(draws.tolist()) == {1, 3, 4}
    counts = torch.bincount(draws, minlength=6)[[1, 3, 4]]
    assert stats.chisquare(counts.numpy(), [N * 0.1, N * 0.6, N * 0.3]).pvalue > SMALL_P
    whole = torch.bincount(sampling.integers(7, N, generator()), minlength=7)
    assert len(whole) == 7 and stats.chisquare(whole.numpy()).pvalue > SMALL_P


@pytest.mark.parametrize("a", [1e-4, 0.02, 0.09])
def test_a_sparse_dirichlet_has_its_distribution_and_no_nan(a: float) -> None:
    draws = sampling.dirichlet(torch.full((N, 3), a), generator())
    torch.testing.assert_close(draws.sum(dim=-1), torch.ones(N))
    for threshold in (1e-6, 0.1, 0.5, 0.9):
        share = stats.beta(a, 2 * a).sf(threshold)
        assert abs(float((draws[:, 1] > threshold).float().mean()) - share) < 5 * (share * (1 - share) / N) ** 0.5


def test_certain_events_are_certain() -> None:
    p = torch.tensor([0.0, 1.0]).repeat(N)
    assert torch.equal(sampling.bernoulli(p, generator()), p)
    impossible = torch.tensor([0.0, float("-inf"), 0.0]).expand(N, 3)
    assert not (sampling.categorical(impossible, generator()) == 1).any()


def test_a_concentration_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        sampling.beta(torch.tensor([1.0, 0.0]), torch.tensor(1.0), generator())
    with pytest.raises(ValueError, match="positive"):
        sampling.gamma(torch.tensor([1.0, -1.0]), generator())


DRAWS: dict[str, Callable[[torch.Generator], torch.Tensor]] = {
    "uniform": lambda g: sampling.uniform((3, 2), g),
    "normal": lambda g: sampling.normal(torch.zeros(5), torch.ones(5), g),
    "bernoulli": lambda g: sampling.bernoulli(torch.full((50,), 0.5), g),
    "beta": lambda g: sampling.beta(torch.ones(5), torch.ones(5), g),
    "categorical": lambda g: sampling.categorical(torch.zeros(50, 4), g),
    "index": lambda g: sampling.index(torch.ones(50, 4), g),
    "integers": lambda g: sampling.integers(4, 50, g),
    "sparse dirichlet": lambda g: sampling.dirichlet(torch.full((5, 4), 0.01), g),
}


@pytest.mark.parametrize("name", DRAWS)
def test_draws_depend_on_the_generator_and_on_nothing_else(name: str) -> None:
    draw = DRAWS[name]
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = draw(generator(3))
    assert torch.equal(torch.get_rng_state(), before), "it must not touch the global generator"
    torch.manual_seed(2)
    assert torch.equal(draw(generator(3)), first)
    assert not torch.equal(draw(generator(4)), first)


@given(st.integers(0, 2**31))
def test_a_named_stream_depends_on_seed_and_name_alone(seed: int) -> None:
    few, many = make_generators(seed, "env"), make_generators(seed, "policy", "env", "tasks")
    assert few["env"].initial_seed() == many["env"].initial_seed()
    assert len({g.initial_seed() for g in (*many.values(), make_generators(seed + 1, "env")["env"])}) == 4
