import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rl2lib.agents.posterior import TRUE_PRIOR, Posterior, Prior


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def saw(posterior: Posterior, state: int, action: int, reward: float, next_state: int, seen: bool = True) -> Posterior:
    indices = (torch.tensor([x]) for x in (state, action))
    return posterior.observe(*indices, torch.tensor([reward]), torch.tensor([next_state]), torch.tensor([seen]))


def test_mean_rewards_by_hand() -> None:
    """N(1, 1) and a reward of 3 with noise N(0, 1/2): precision 1 + 2, mean (1 · 1 + 2 · 3) / 3."""
    posterior = saw(Prior(reward_mean=1.0, noise_precision=2.0).posterior(1, 2, 2), 1, 0, 3.0, 0)
    assert posterior.reward_mean.tolist() == [[[1.0, 1.0], [pytest.approx(7 / 3), 1.0]]]
    assert posterior.reward_precision.tolist() == [[[1.0, 1.0], [3.0, 1.0]]]
    assert posterior.reward_std[0, 1, 0].item() == pytest.approx(3**-0.5)


def test_mean_rewards_against_bayes_rule_on_a_grid() -> None:
    prior, rewards = Prior(reward_mean=-0.5, reward_precision=0.7, noise_precision=1.9), [0.3, 2.0, -1.1, 0.9]
    posterior = prior.posterior(1, 1, 1)
    for reward in rewards:
        posterior = saw(posterior, 0, 0, reward, 0)
    grid = np.linspace(-8, 8, 40_001)
    density = stats.norm.pdf(grid, -0.5, 0.7**-0.5)
    for reward in rewards:
        density *= stats.norm.pdf(reward, grid, 1.9**-0.5)
    density /= density.sum()
    mean = (grid * density).sum()
    std = ((grid - mean) ** 2 * density).sum() ** 0.5
    assert posterior.reward_mean.item() == pytest.approx(mean, abs=1e-5)
    assert posterior.reward_std.item() == pytest.approx(std, abs=1e-5)


def test_transitions_are_counted_where_they_were_seen() -> None:
    posterior = Prior(concentration=0.5).posterior(1, 3, 2)
    for next_state in (2, 2, 1):
        posterior = saw(posterior, 0, 1, 0.0, next_state)
    posterior = saw(posterior, 0, 1, 1.0, 0, seen=False)  # an episode's last step
    assert posterior.concentration[0, 0, 1].tolist() == [0.5, 1.5, 2.5]
    assert posterior.reward_precision[0, 0, 1].item() == 5.0, "its reward counts all the same"
    expected = stats.dirichlet.mean([0.5, 1.5, 2.5])
    np.testing.assert_allclose(posterior.transition[0, 0, 1].numpy(), expected, rtol=1e-6)
    assert (posterior.concentration[0, 1:] == 0.5).all() and (posterior.concentration[0, 0, 0] == 0.5).all()


def test_every_row_learns_its_own_step_and_the_callers_belief_stays() -> None:
    before = TRUE_PRIOR.posterior(3, 2, 2)
    state, action, following = torch.tensor([0, 1, 0]), torch.tensor([1, 1, 0]), torch.tensor([1, 0, 0])
    after = before.observe(state, action, torch.tensor([2.0, 3.0, 5.0]), following, torch.ones(3).bool())
    assert torch.equal(before.concentration, torch.ones(3, 2, 2, 2)) and (before.reward_mean == 1).all()
    changed = (after.concentration != 1).nonzero().tolist()
    assert changed == [[0, 0, 1, 1], [1, 1, 1, 0], [2, 0, 0, 0]]
    assert [after.reward_mean[tuple(i[:3])].item() for i in changed] == [1.5, 2.0, 3.0]
    assert after.select(torch.tensor([2])).reward_mean[0, 0, 0].item() == 3.0


def test_samples_have_the_posteriors_moments() -> None:
    n = 40_000
    concentration, mean = torch.tensor([0.5, 1.5, 3.0]), torch.tensor(0.7)
    copies = Posterior(concentration.expand(n, 3, 1, 3), mean.expand(n, 3, 1), torch.tensor(4.0).expand(n, 3, 1), 1.0)
    transition, reward = copies.sample(generator())
    assert transition.shape == (n, 3, 1, 3) and reward.shape == (n, 3, 1)
    torch.testing.assert_close(transition.sum(-1), torch.ones(n, 3, 1))
    np.testing.assert_allclose(transition[:, 1, 0].mean(0), stats.dirichlet.mean(concentration), atol=0.005)
    np.testing.assert_allclose(transition[:, 1, 0].var(0), stats.dirichlet.var(concentration), atol=0.002)
    assert reward.mean().item() == pytest.approx(0.7, abs=0.008) and reward.std().item() == pytest.approx(
        0.5, abs=0.006
    )
    assert abs(np.corrcoef(reward[:, 0, 0], reward[:, 1, 0])[0, 1]) < 0.025, "state-actions are drawn independently"


steps = st.lists(st.tuples(st.integers(0, 2), st.floats(-5, 5, width=32), st.booleans()), max_size=12)


@given(steps, st.floats(0.1, 5), st.floats(-2, 2), st.floats(0.2, 4), st.floats(0.2, 4))
def test_any_order_of_steps_comes_to_the_conjugate_posterior(
    history: list[tuple[int, float, bool]], concentration: float, mean: float, precision: float, noise: float
) -> None:
    """In closed form: Dirichlet(α + counts); Normal of precision τ₀ + n τ and mean (τ₀ μ₀ + τ Σ r) / (τ₀ + n τ)."""
    posterior = Prior(concentration, mean, precision, noise).posterior(1, 3, 1)
    for next_state, reward, seen in history:
        posterior = saw(posterior, 1, 0, reward, next_state, seen)
    counts = np.bincount([state for state, _, seen in history if seen], minlength=3)
    np.testing.assert_allclose(
        posterior.transition[0, 1, 0].numpy(), stats.dirichlet.mean(concentration + counts), rtol=1e-5
    )
    total = precision + noise * len(history)
    rewards = sum(reward for _, reward, _ in history)
    assert posterior.reward_precision[0, 1, 0].item() == pytest.approx(total, rel=1e-5)
    expected = (precision * mean + noise * rewards) / total
    assert posterior.reward_mean[0, 1, 0].item() == pytest.approx(expected, abs=2e-5)


def test_samples_have_the_posteriors_distribution() -> None:
    """After a few steps, against SciPy: each transition's marginal is a Beta, each mean reward's a Normal."""
    posterior = Prior(concentration=0.5, reward_mean=1.0).posterior(20_000, 3, 1)
    n, zero, seen = 20_000, torch.zeros(20_000).long(), torch.ones(20_000).bool()
    for reward, next_state in [(2.0, 1), (-1.0, 1), (0.5, 2)]:
        posterior = posterior.observe(zero, zero, torch.full((n,), reward), zero + next_state, seen)
    transition, reward_mean = posterior.sample(generator(2))
    for i, a in enumerate((0.5, 2.5, 1.5)):
        assert stats.kstest(transition[:, 0, 0, i].double().numpy(), stats.beta(a, 4.5 - a).cdf).pvalue > 1e-5
    expected = stats.norm((1 + 1.5) / 4, 4**-0.5)
    assert stats.kstest(reward_mean[:, 0, 0].double().numpy(), expected.cdf).pvalue > 1e-5


def test_what_cannot_be_believed_is_refused() -> None:
    for prior in (Prior(concentration=0.0), Prior(reward_precision=-1.0), Prior(noise_precision=float("nan"))):
        with pytest.raises(ValueError, match="above 0"):
            prior.posterior(1, 2, 2)
    with pytest.raises(ValueError, match="reward: expected finite"):
        saw(TRUE_PRIOR.posterior(1, 2, 2), 0, 0, float("nan"), 0)
