import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from rl2lib.agents.bandit import (
    EPSILONS,
    NUM_SAMPLES,
    UCB1,
    WIDTHS,
    CountingAgent,
    Counts,
    EpsilonGreedy,
    Greedy,
    OptimisticThompson,
    Oracle,
    Random,
    Thompson,
)
from rl2lib.rollout import rollout
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.tasks.sampling import make_generators
from rl2lib.types import StepInput


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def counts(successes: list[float], failures: list[float], steps: int | None = None, copies: int = 1) -> Counts:
    one = (torch.tensor([x], dtype=torch.float32).expand(copies, -1) for x in (successes, failures))
    return Counts(*one, steps if steps is not None else int(sum(successes) + sum(failures)))


def after(agent: CountingAgent, action: int, reward: float, state: Counts) -> Counts:
    ended = torch.ones(1)
    inputs = StepInput(torch.zeros(1, 1), torch.tensor([action]), torch.tensor([reward]), ended)
    return agent.act(state, inputs, generator())[1]


def test_the_first_steps_placeholder_is_no_pull() -> None:
    agent = Greedy(3)
    _, state = agent.act(agent.initial_state(1), StepInput.first(torch.zeros(1, 1)), generator())
    assert state.pulls.tolist() == [[0.0, 0.0, 0.0]] and state.steps == 1


def test_counts_by_hand() -> None:
    agent = Greedy(3)
    _, state = agent.act(agent.initial_state(1), StepInput.first(torch.zeros(1, 1)), generator())
    for action, reward in [(0, 1.0), (2, 0.0), (0, 0.0), (0, 1.0)]:
        state = after(agent, action, reward, state)
    assert state.successes.tolist() == [[2.0, 0.0, 0.0]]
    assert state.failures.tolist() == [[1.0, 0.0, 1.0]]
    assert state.mean.tolist() == [[pytest.approx(3 / 5), 0.5, pytest.approx(1 / 3)]]


def test_acting_leaves_the_callers_state_alone() -> None:
    agent = Greedy(2)
    state = counts([1.0, 0.0], [0.0, 0.0])
    after(agent, 1, 1.0, state)
    assert state.successes.tolist() == [[1.0, 0.0]]


def test_greedy_takes_the_highest_mean_and_the_lowest_index_on_ties() -> None:
    assert Greedy(3).choose(counts([0, 2, 1], [1, 0, 0]), generator()).tolist() == [1]
    assert Greedy(3).choose(counts([0, 1, 2], [0, 1, 2]), generator()).tolist() == [0]
    assert Greedy(3).choose(counts([0, 1, 1], [0, 0, 0]), generator()).tolist() == [1]


def test_ucb1_index_by_hand() -> None:
    """At the fourth pull: arm 0 has mean 3/4 of 4 pulls, arm 1 mean 1/3 of 3, the start's two among them."""
    state = counts([2, 0], [0, 1])
    bonus = [math.sqrt(2 * math.log(4) / pulls) for pulls in (4, 3)]
    tipping = (3 / 4 - 1 / 3) / (bonus[1] - bonus[0])
    assert UCB1(2, c=tipping - 0.01).choose(state, generator()).tolist() == [0]
    assert UCB1(2, c=tipping + 0.01).choose(state, generator()).tolist() == [1]


def test_epsilon_greedy_explores_with_its_probability() -> None:
    n, epsilon = 40_000, 0.3
    chosen = EpsilonGreedy(4, epsilon).choose(counts([0, 3, 0, 0], [0, 0, 0, 0], copies=n), generator())
    shares = torch.bincount(chosen, minlength=4) / n
    expected = torch.tensor([0.075, 0.775, 0.075, 0.075])
    torch.testing.assert_close(shares, expected, atol=0.011, rtol=0)  # five standard errors
    state = counts([0, 3, 0, 0], [0, 0, 0, 0], copies=100)
    assert (EpsilonGreedy(4, 0.0).choose(state, generator()) == 1).all()


def test_thompson_chooses_with_the_posterior_probability_of_being_best() -> None:
    """P(Beta(2, 1) > Beta(1, 1)) = ∫ 2x · x dx = 2/3."""
    chosen = Thompson(2).choose(counts([1, 0], [0, 0], copies=40_000), generator())
    assert abs((chosen == 0).float().mean().item() - 2 / 3) < 0.012


def test_means_are_those_of_scipys_posterior() -> None:
    """Bayes' rule on a grid and SciPy's Beta(1 + successes, 1 + failures) have the mean that is counted."""
    successes, failures = [0.0, 3.0, 7.0], [0.0, 1.0, 12.0]
    p = (np.arange(20_000) + 0.5) / 20_000
    for mean, s, f in zip(counts(successes, failures).mean[0].tolist(), successes, failures, strict=True):
        likelihood = stats.binom.pmf(s, s + f, p)
        assert mean == pytest.approx((p * likelihood).sum() / likelihood.sum(), abs=1e-6)
        assert mean == pytest.approx(stats.beta(1 + s, 1 + f).mean(), abs=1e-6)


def test_thompson_chooses_with_scipys_posterior_probability_of_being_best() -> None:
    """P(arm i is best) = ∫ pdf_i Π cdf_j over the others, by quadrature."""
    posteriors = [stats.beta(4, 2), stats.beta(1, 1), stats.beta(2, 3)]
    expected = []
    for i, arm in enumerate(posteriors):
        others = [other for j, other in enumerate(posteriors) if j != i]
        expected.append(integrate.quad(lambda x, a=arm, o=others: a.pdf(x) * o[0].cdf(x) * o[1].cdf(x), 0, 1)[0])
    assert sum(expected) == pytest.approx(1)
    chosen = Thompson(3).choose(counts([3, 0, 1], [1, 0, 2], copies=40_000), generator())
    observed = torch.bincount(chosen, minlength=3).numpy()
    assert stats.chisquare(observed, 40_000 * np.array(expected)).pvalue > 1e-5


def test_the_published_grids() -> None:
    assert EPSILONS[:2] == (0.0, 0.1) and len(EPSILONS) == 11 and EPSILONS[-1] == 1.0
    assert WIDTHS == EPSILONS and NUM_SAMPLES[0] == 1 and len(NUM_SAMPLES) == NUM_SAMPLES[-1] == 20


def test_optimistic_thompson_keeps_the_sample_of_highest_joint_density() -> None:
    """Against SciPy's own draws and densities: three arms, four samples."""
    successes, failures = np.array([3, 0, 1]), np.array([1, 0, 2])
    n = 40_000
    draws = stats.beta.rvs(successes + 1, failures + 1, size=(n, 4, 3), random_state=np.random.default_rng(1))
    density = stats.beta.logpdf(draws, successes + 1, failures + 1).sum(axis=-1)
    kept = draws[np.arange(n), density.argmax(axis=1)]
    expected = np.bincount(kept.argmax(axis=1), minlength=3) / n
    state = counts([3, 0, 1], [1, 0, 2], copies=n)
    chosen = OptimisticThompson(3, num_samples=4).choose(state, generator())
    shares = torch.bincount(chosen, minlength=3).numpy() / n
    np.testing.assert_allclose(shares, expected, atol=0.018)  # five standard errors of both
    plain = torch.bincount(Thompson(3).choose(state, generator()), minlength=3).numpy() / n
    assert abs(plain - expected).max() > 0.04, "the density matters here"
    one = OptimisticThompson(3, num_samples=1).choose(state, generator())
    assert torch.equal(one, Thompson(3).choose(state, generator()))


def test_random_is_uniform() -> None:
    chosen = Random(4).choose(counts([9, 0, 0, 0], [0, 0, 0, 0], copies=40_000), generator())
    shares = torch.bincount(chosen, minlength=4) / 40_000
    torch.testing.assert_close(shares, torch.full((4,), 0.25), atol=0.011, rtol=0)


def test_the_oracle_must_be_told_and_pulls_the_best_arm_throughout() -> None:
    with pytest.raises(ValueError, match="must be told"):
        Oracle().initial_state(3)
    g = make_generators(0, "tasks", "policy", "env")
    tasks = IndependentBandits(4).sample(50, g["tasks"])
    played = rollout(Oracle(), BanditEnv(4, 5), tasks, policy_generator=g["policy"], env_generator=g["env"])
    assert played.expected_reward is not None
    torch.testing.assert_close(played.expected_reward, tasks.amax(dim=1, keepdim=True).expand(50, 5))


@pytest.mark.parametrize(
    "agent", [Random(3), Greedy(3), EpsilonGreedy(3, 0.5), UCB1(3), Thompson(3), OptimisticThompson(3)]
)
def test_a_state_lives_for_one_trial_and_its_counts_match_what_was_played(agent: CountingAgent) -> None:
    g = make_generators(0, "tasks", "policy", "env")
    env, tasks = BanditEnv(3, 6), IndependentBandits(3).sample(20, g["tasks"])
    for _ in range(2):  # the second trial must not remember the first
        played = rollout(agent, env, tasks, policy_generator=g["policy"], env_generator=g["env"])
        state, inputs = agent.initial_state(20), played.step_inputs()
        for t in range(6):
            state = agent.observe(state, StepInput(*(x[:, t] for x in inputs)))._replace(steps=t + 1)
        pulls = torch.nn.functional.one_hot(played.action[:, :-1], 3).sum(dim=1).float()
        assert torch.equal(state.pulls, pulls)
        if isinstance(agent, Greedy):
            assert (played.action[:, 0] == 0).all()


def test_published_order_at_ten_pulls() -> None:
    """Duan et al. 2016, table 1, n = 10, k = 5: random 5.0, Thompson 5.7, OTS 6.5 (of the best N), greedy 6.6,
    UCB1 6.7 (errors .08)."""
    g = make_generators(1, "tasks", "policy", "env")
    tasks = IndependentBandits(5).sample(20_000, g["tasks"])

    def value(agent: CountingAgent) -> float:
        played = rollout(agent, BanditEnv(5, 10), tasks, policy_generator=g["policy"], env_generator=g["env"])
        return played.trial_return(expected=True).mean().item()

    assert value(Random(5)) == pytest.approx(5.0, abs=0.06)
    assert value(Thompson(5)) == pytest.approx(5.83, abs=0.06)
    assert value(OptimisticThompson(5, 5)) == pytest.approx(6.31, abs=0.06)
    assert value(Greedy(5)) == pytest.approx(6.565, abs=0.07)
    assert value(UCB1(5, c=0.1)) == pytest.approx(6.65, abs=0.07)


def test_bad_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="epsilon"):
        EpsilonGreedy(2, 1.5)
    with pytest.raises(ValueError, match="c: expected"):
        UCB1(2, c=-1.0)
    with pytest.raises(ValueError, match="num_samples"):
        OptimisticThompson(2, num_samples=0)
    with pytest.raises(ValueError, match="prev_action"):
        Greedy(2).act(Greedy(2).initial_state(3), StepInput.first(torch.zeros(2, 1)), generator())
