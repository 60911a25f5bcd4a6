import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from rl2lib.training.returns import discounted_returns, gae

unit = st.floats(0, 1)


def random_batch(seed: int, num_trials: int = 3, length: int = 6) -> tuple[Tensor, Tensor, Tensor]:
    g = torch.Generator().manual_seed(seed)
    reward, value = torch.randn(2, num_trials, length, generator=g, dtype=torch.float64)
    lengths = torch.randint(1, length + 1, (num_trials, 1), generator=g)
    mask = torch.arange(length) < lengths
    return reward * mask, value, mask


def literal_gae(reward: Tensor, value: Tensor, mask: Tensor, discount: float, trace: float) -> Tensor:
    """Equation 16 as it is written: a sum over k of (γλ)^k δ_{t+k}."""
    out = torch.zeros_like(reward)
    for b in range(len(reward)):
        length = int(mask[b].sum())
        for t in range(length):
            for s in range(t, length):
                following = value[b, s + 1] if s + 1 < length else 0.0
                error = reward[b, s] + discount * following - value[b, s]
                out[b, t] += (discount * trace) ** (s - t) * error
    return out


def test_returns_by_hand() -> None:
    reward = torch.tensor([[1.0, 0.0, 2.0], [3.0, 0.0, 0.0]])
    mask = torch.tensor([[True, True, True], [True, False, False]])
    expected = [[1.5, 1.0, 2.0], [3.0, 0.0, 0.0]]
    assert discounted_returns(reward, mask, 0.5).tolist() == expected


def test_advantages_by_hand() -> None:
    """δ = (1 + .5·2 - 3, 2 - 2) = (-1, 0); then with γ = .5, λ = .5: A_1 = 0, A_0 = -1."""
    reward, value = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 2.0]])
    assert gae(reward, value, torch.ones(1, 2).bool(), 0.5, 0.5).tolist() == [[-1.0, 0.0]]
    reward = torch.tensor([[1.0, 4.0]])
    assert gae(reward, value, torch.ones(1, 2).bool(), 0.5, 0.5).tolist() == [[-0.5, 2.0]]


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**31), unit, unit)
def test_gae_is_its_literal_double_sum(seed: int, discount: float, trace: float) -> None:
    reward, value, mask = random_batch(seed)
    torch.testing.assert_close(
        gae(reward, value, mask, discount, trace), literal_gae(reward, value, mask, discount, trace)
    )


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**31), unit)
def test_trace_one_is_monte_carlo_less_baseline_and_trace_zero_the_one_step_error(seed: int, discount: float) -> None:
    reward, value, mask = random_batch(seed)
    monte_carlo = discounted_returns(reward, mask, discount) - value * mask
    torch.testing.assert_close(gae(reward, value, mask, discount, 1.0), monte_carlo)
    following = torch.cat([(value * mask)[:, 1:], torch.zeros(3, 1, dtype=torch.float64)], dim=1)
    one_step = (reward + discount * following - value) * mask
    torch.testing.assert_close(gae(reward, value, mask, discount, 0.0), one_step)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31))
def test_what_lies_beyond_a_trial_does_not_count(seed: int) -> None:
    reward, value, mask = random_batch(seed)
    noise = torch.where(mask, 0.0, 100.0)
    assert torch.equal(gae(reward + noise, value + noise, mask, 0.9, 0.8), gae(reward, value, mask, 0.9, 0.8))


def test_undiscounted_returns_are_sums_to_go() -> None:
    reward, _, mask = random_batch(0)
    to_go = reward.flip(1).cumsum(1).flip(1) * mask
    torch.testing.assert_close(discounted_returns(reward, mask, 1.0), to_go)


def test_no_gradient_flows_into_the_baseline() -> None:
    value = torch.zeros(1, 2, requires_grad=True)
    assert not gae(torch.ones(1, 2), value, torch.ones(1, 2).bool(), 0.9, 0.9).requires_grad


def test_bad_arguments_are_named() -> None:
    ones, mask = torch.ones(2, 3), torch.ones(2, 3).bool()
    with pytest.raises(ValueError, match=r"value: expected \[B, T\] = \(2, 3\), got \(3, 2\); .*batch-first"):
        gae(ones, ones.T, mask, 0.9, 0.9)
    with pytest.raises(ValueError, match="mask: expected"):
        discounted_returns(ones, mask[:1], 0.9)
    with pytest.raises(ValueError, match=r"discount: expected a number in \[0, 1\], got 1.1"):
        discounted_returns(ones, mask, 1.1)
    with pytest.raises(ValueError, match="reward: expected"):
        discounted_returns(ones[0], mask[0], 0.9)
