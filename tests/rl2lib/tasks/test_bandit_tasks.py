import pytest
import torch

from rl2lib.tasks.bandit import TWO_POINT, BanditEnv, DependentBandits, IndependentBandits


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_independent_arms_are_uniform_and_uncorrelated() -> None:
    means = IndependentBandits(3).sample(20_000, generator())
    assert means.shape == (20_000, 3) and means.dtype == torch.float32
    assert means.min() >= 0 and means.max() < 1
    # a mean's standard error is .002, a correlation's .007
    torch.testing.assert_close(means.mean(dim=0), torch.full((3,), 0.5), atol=0.01, rtol=0)
    torch.testing.assert_close(means.T.corrcoef(), torch.eye(3), atol=0.035, rtol=0)


def test_dependent_arms_sum_to_one_and_take_each_value_equally_often() -> None:
    means = DependentBandits(values=(0.1, 0.9, 0.4)).sample(30_000, generator())
    assert torch.equal(means[:, 1], 1 - means[:, 0])
    values, counts = means[:, 0].unique(return_counts=True)
    torch.testing.assert_close(values, torch.tensor([0.1, 0.4, 0.9]))
    torch.testing.assert_close(counts / 30_000, torch.full((3,), 1 / 3), atol=0.015, rtol=0)
    uniform = DependentBandits().sample(1000, generator())[:, 0]
    assert len(uniform.unique()) > 900


def test_two_point_bandits_have_one_arm_that_always_pays() -> None:
    means = TWO_POINT.sample(100, generator())
    assert set(map(tuple, means.tolist())) == {(0.0, 1.0), (1.0, 0.0)}


def test_tasks_are_fixed_by_the_generator() -> None:
    distribution = IndependentBandits(2)
    assert torch.equal(distribution.sample(4, generator(1)), distribution.sample(4, generator(1)))
    assert not torch.equal(distribution.sample(4, generator(1)), distribution.sample(4, generator(2)))


def test_a_trial_by_hand() -> None:
    env = BanditEnv(num_arms=2, num_pulls=2)
    observation = env.reset(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), generator())
    assert observation.tolist() == [[0.0], [0.0]]
    step = env.step(torch.tensor([0, 0]))
    assert step.reward.tolist() == [1.0, 0.0]
    assert step.expected_reward is not None and step.expected_reward.tolist() == [1.0, 0.0]
    assert step.observation.tolist() == [[0.0], [0.0]], "nothing of the task may show"
    assert step.episode_end.all() and not step.timed_out.any() and not step.trial_end.any()
    step = env.step(torch.tensor([1, 1]))
    assert step.reward.tolist() == [0.0, 1.0] and step.trial_end.all()


def test_rewards_come_with_the_arms_probability() -> None:
    env = BanditEnv(2, 1)
    env.reset(torch.tensor([[0.2, 0.7]]).expand(40_000, 2), generator())
    reward = env.step(torch.ones(40_000, dtype=torch.int64)).reward
    assert set(reward.unique().tolist()) == {0.0, 1.0}
    assert abs(reward.mean().item() - 0.7) < 0.012  # five standard errors


def test_equal_choices_meet_equal_luck() -> None:
    """What pairs a comparison: the reward depends on arm and step, not on what was pulled before."""
    tasks = IndependentBandits(2).sample(200, generator())
    last = []
    for first_arm in (0, 1):
        env = BanditEnv(2, 2)
        env.reset(tasks, generator(5))
        env.step(torch.full((200,), first_arm))
        last.append(env.step(torch.zeros(200, dtype=torch.int64)).reward)
    assert torch.equal(last[0], last[1])


@pytest.mark.parametrize(
    "tasks",
    [torch.zeros(4, 3), torch.zeros(2), torch.tensor([[0.5, 1.5]]), torch.tensor([[0.5, float("nan")]])],
)
def test_tasks_that_are_no_bandits_are_refused(tasks: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="tasks: expected"):
        BanditEnv(2, 3).reset(tasks, generator())


def test_senseless_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        BanditEnv(2, 0)
    with pytest.raises(ValueError, match="at least 1"):
        IndependentBandits(0)
    with pytest.raises(ValueError, match="2 arms"):
        DependentBandits(num_arms=3)
    with pytest.raises(ValueError, match="probabilities"):
        DependentBandits(values=(0.5, 2.0))
