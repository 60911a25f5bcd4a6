from functools import partial

import numpy as np
import pytest
import torch

from rl2lib.agents.linear_baseline import (
    NUM_BANDIT_FEATURES,
    NUM_MDP_FEATURES,
    LinearBaseline,
    bandit_features,
    mdp_features,
)
from rl2lib.tasks.tabular import RandomMDPs, TabularTasks
from rl2lib.types import StepInput

BATCH, STEPS, SIZE = 40, 5, 3


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def blank(batch_size: int = BATCH, num_steps: int = STEPS) -> StepInput:
    zeros = torch.zeros(batch_size, num_steps)
    return StepInput(zeros[..., None], zeros.long(), zeros, zeros)


def given(inputs: StepInput, tasks: torch.Tensor) -> torch.Tensor:
    """Features that are handed in as the tasks."""
    return tasks[:, : inputs.prev_action.shape[1]]


def problem() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Features, targets, and a mask that ends some trials early."""
    features = torch.randn(BATCH, STEPS, SIZE, generator=generator()) * torch.tensor([1.0, 100.0, 0.01]) + 7
    target = torch.randn(BATCH, STEPS, generator=generator(1))
    mask = torch.arange(STEPS) < torch.randint(3, STEPS + 1, (BATCH, 1), generator=generator(2))
    return features, target, mask


def test_with_little_ridge_it_is_numpys_least_squares_at_every_step() -> None:
    features, target, mask = problem()
    baseline = LinearBaseline(given, SIZE, STEPS, ridge=1e-9)
    baseline.fit(blank(), features, target, mask)
    values = baseline.values(blank(), features)
    for t in range(STEPS):
        design = np.column_stack([np.ones(BATCH), features[:, t].double().numpy()])
        inside = mask[:, t].numpy()
        solved, *_ = np.linalg.lstsq(design[inside], target[inside, t].double().numpy(), rcond=None)
        np.testing.assert_allclose(values[:, t].numpy(), design @ solved, rtol=1e-3, atol=1e-3)


def test_ridge_shrinks_a_standardised_weight_as_it_should() -> None:
    """One feature: the slope on the standardised feature is its covariance with the target over 1 + ridge."""
    feature = torch.tensor([1.0, 2.0, 3.0, 6.0])
    target = torch.tensor([0.0, 4.0, 2.0, 10.0])
    baseline = LinearBaseline(given, 1, 1, ridge=0.5)
    baseline.fit(blank(4, 1), feature.view(4, 1, 1), target[:, None], torch.ones(4, 1, dtype=torch.bool))
    standardised = (feature - 3) / feature.std(unbiased=False)
    slope = (standardised * (target - 4)).mean() / 1.5
    torch.testing.assert_close(baseline.values(blank(4, 1), feature.view(4, 1, 1))[:, 0], 4 + slope * standardised)


def test_the_units_of_a_feature_do_not_matter() -> None:
    features, target, mask = problem()
    values = []
    for scaled in (features, features * torch.tensor([1e3, 1e-2, 5.0]) - 20):
        baseline = LinearBaseline(given, SIZE, STEPS, ridge=0.3)
        baseline.fit(blank(), scaled, target, mask)
        values.append(baseline.values(blank(), scaled))
    torch.testing.assert_close(*values, atol=1e-3, rtol=1e-3)


def test_it_guesses_zero_before_it_is_fitted_and_the_mean_where_features_tell_nothing() -> None:
    features, target, mask = problem()
    baseline = LinearBaseline(given, SIZE, STEPS)
    assert not baseline.values(blank(), features).any()
    same = torch.ones_like(features) * 0.1
    baseline.fit(blank(), same, target, mask)
    mean = torch.where(mask, target, 0.0).sum(dim=0) / mask.sum(dim=0)
    torch.testing.assert_close(baseline.values(blank(), same), mean.expand(BATCH, -1))
    assert not baseline.weight.any(), "later on they may vary, and a weight fitted to nothing would explode"


def test_steps_beyond_a_trial_count_for_nothing_and_unreached_ones_keep_theirs() -> None:
    features, target, mask = problem()
    baseline = LinearBaseline(given, SIZE, STEPS)
    baseline.fit(blank(), features, target, mask)
    values = baseline.values(blank(), features)
    other = LinearBaseline(given, SIZE, STEPS)
    other.fit(blank(), features, torch.where(mask, target, float("nan")), mask)
    torch.testing.assert_close(other.values(blank(), features), values)
    mask[:, 3:] = False
    baseline.fit(blank(), features, target + 5, mask)
    again = baseline.values(blank(), features)
    torch.testing.assert_close(again[:, 3:], values[:, 3:])
    torch.testing.assert_close(again[:, 2], values[:, 2] + 5)


def test_a_checkpoint_carries_it() -> None:
    features, target, mask = problem()
    baseline, other = (LinearBaseline(given, SIZE, STEPS) for _ in range(2))
    baseline.fit(blank(), features, target, mask)
    other.load_state_dict(baseline.state_dict())
    assert torch.equal(other.values(blank(), features), baseline.values(blank(), features))
    assert str(baseline) == "LinearBaseline(num_features=3, num_steps=5, ridge=0.001)", "the card has no addresses"
    assert not list(baseline.parameters()) and baseline.sees_task


def test_bandit_features_by_hand() -> None:
    means = torch.tensor([[0.25, 0.5, 0.75]])
    inputs = StepInput(
        torch.zeros(1, 4, 1),
        torch.tensor([[0, 1, 1, 2]]),
        torch.tensor([[0.0, 1, 0, 1]]),
        torch.tensor([[0.0, 1, 1, 1]]),
    )
    features = bandit_features(inputs, means)
    assert features.shape == (1, 4, NUM_BANDIT_FEATURES)
    expected = [
        # best, average; looks best, best tried, average pull; share of the best
        [0.75, 0.5, 0.25, 0.0, 0.0, 0.0],  # nothing is known, and the first arm is as good as any
        [0.75, 0.5, 0.5, 0.5, 0.5, 0.0],
        [0.75, 0.5, 0.25, 0.5, 0.5, 0.0],  # one of two: all look alike again
        [0.75, 0.5, 0.75, 0.75, (0.5 + 0.5 + 0.75) / 3, 1 / 3],
    ]
    torch.testing.assert_close(features[0], torch.tensor(expected))


def test_mdp_features_by_hand() -> None:
    """Two states, two actions; every action stays where it is."""
    stay = torch.eye(2)[:, None].expand(2, 2, 2)
    tasks = TabularTasks(stay[None].contiguous(), torch.tensor([[[1.0, 2.0], [4.0, 0.0]]]))
    inputs = StepInput(
        torch.eye(2)[torch.tensor([[0, 0, 1]])],
        torch.tensor([[0, 1, 0]]),
        torch.tensor([[0.0, 3.0, 5.0]]),
        torch.zeros(1, 3),
    )
    features = mdp_features(inputs, tasks, horizon=3)
    assert features.shape == (1, 3, NUM_MDP_FEATURES)
    expected = [
        # an optimal episode, average, best averaged; looks best, best tried (the worst if none), share tried; here
        [6.0, 1.75, 3.0, 2.5, 0.5, 0.0, 2.0, 1.0],
        [6.0, 1.75, 3.0, 3.0, 1.0, 0.25, 2.0, 2.0],  # state 0, action 1 paid 3
        [6.0, 1.75, 3.0, 2.5, 1.0, 0.5, 4.0, 4.0],  # state 0, action 0 paid 5: (5 + 1) / 2 against (3 + 1) / 2
    ]
    torch.testing.assert_close(features[0], torch.tensor(expected))


@pytest.mark.parametrize("kind", ["bandit", "mdp"])
def test_features_never_see_the_action_they_judge(kind: str) -> None:
    batch_size, num_steps, changed = 6, 7, 4
    actions = torch.randint(3, (batch_size, num_steps), generator=generator())
    rewards = torch.rand(batch_size, num_steps, generator=generator(1))
    states = torch.randint(4, (batch_size, num_steps), generator=generator(2))
    inputs = StepInput(torch.eye(4)[states], actions, rewards, torch.zeros_like(rewards))
    if kind == "bandit":
        tasks, features = torch.rand(batch_size, 3, generator=generator(3)), bandit_features
    else:
        tasks, features = RandomMDPs(4, 3).sample(batch_size, generator(3)), partial(mdp_features, horizon=5)
    before = features(inputs, tasks)
    other = StepInput(inputs.observation, actions.clone(), rewards.clone(), inputs.prev_end)
    # input t tells of action t - 1
    other.prev_action[:, changed], other.prev_reward[:, changed] = (actions[:, changed] + 1) % 3, 3.0
    after = features(other, tasks)
    assert torch.equal(after[:, :changed], before[:, :changed]) and not torch.equal(after, before)


def test_bad_input_is_refused() -> None:
    features, target, mask = problem()
    with pytest.raises(ValueError, match="num_features: expected at least 1, got 0"):
        LinearBaseline(given, 0, 5)
    with pytest.raises(ValueError, match="ridge: expected a penalty above 0"):
        LinearBaseline(given, 2, 5, ridge=0.0)
    baseline = LinearBaseline(given, SIZE, STEPS)
    with pytest.raises(ValueError, match="sees the task, got None"):
        baseline.values(blank())
    with pytest.raises(ValueError, match="at most num_steps = 5 steps, got 6"):
        baseline.values(blank(num_steps=6), features)
    with pytest.raises(ValueError, match=r"features: expected \[B, T, F\] = \(40, 5, 3\)"):
        baseline.values(blank(), features[..., :2])
    with pytest.raises(ValueError, match=r"target: expected \[B, T\]"):
        baseline.fit(blank(), features, target[:, :2], mask)
    with pytest.raises(ValueError, match="target: expected finite numbers"):
        baseline.fit(blank(), features, target / 0, mask)
