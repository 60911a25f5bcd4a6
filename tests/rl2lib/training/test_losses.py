import math

import pytest
import torch

from rl2lib.training.losses import (
    action_log_probs,
    baseline_loss,
    centre_by_step,
    clipped_loss,
    entropy,
    imitation_loss,
    kl_divergence,
    masked_mean,
    reinforce_loss,
    sampled_kl,
    surrogate,
)

MASK = torch.tensor([[True, True], [True, False]])


def test_action_log_probs_by_hand() -> None:
    logits = torch.tensor([[[1.0, 3.0], [2.0, 2.0]]]).log()  # probabilities (1/4, 3/4), (1/2, 1/2)
    log_probs = action_log_probs(logits, torch.tensor([[1, 0]]))
    torch.testing.assert_close(log_probs, torch.tensor([[0.75, 0.5]]).log())


def test_entropy_by_hand_counts_steps_within_trials_only() -> None:
    certain, even = [100.0, 0.0], [0.0, 0.0]
    logits = torch.tensor([[even, even], [certain, even]])
    torch.testing.assert_close(entropy(logits, MASK), torch.tensor(2 / 3 * math.log(2)))


def test_reinforce_loss_sums_over_a_trial_and_averages_over_trials() -> None:
    log_prob = torch.tensor([[-1.0, -2.0], [-3.0, float("nan")]])
    advantage = torch.tensor([[1.0, 2.0], [-1.0, 5.0]])
    assert reinforce_loss(log_prob, advantage, MASK).item() == -((-1 - 4) + 3) / 2


def test_reinforce_loss_sends_no_gradient_into_the_advantage() -> None:
    log_prob = torch.zeros(2, 2, requires_grad=True)
    advantage = torch.ones(2, 2, requires_grad=True)
    reinforce_loss(log_prob, advantage, MASK).backward()
    assert advantage.grad is None
    assert log_prob.grad is not None and log_prob.grad.tolist() == [[-0.5, -0.5], [-0.5, 0.0]]


def test_masked_mean_and_baseline_loss_by_hand() -> None:
    values = torch.tensor([[1.0, 2.0], [6.0, 100.0]])
    assert masked_mean(values, MASK).item() == 3.0
    assert baseline_loss(values, torch.zeros(2, 2), MASK).item() == pytest.approx((1 + 4 + 36) / 6)


@pytest.mark.parametrize(
    ("ratio", "advantage", "loss", "slope"),
    [
        (1.0, 2.0, -2.0, -2.0),  # at the old policy: the plain policy gradient
        (1.1, 2.0, -2.2, -2.2),
        (1.5, 2.0, -2.4, 0.0),  # has profited enough: no pull further
        (0.5, 2.0, -1.0, -1.0),  # has lost: nothing is clipped, it may come back
        (0.5, -1.0, 0.8, 0.0),
        (1.5, -1.0, 1.5, 1.5),
    ],
)
def test_clipping_by_hand(ratio: float, advantage: float, loss: float, slope: float) -> None:
    log_prob = torch.tensor([[math.log(ratio) - 1.0]], requires_grad=True)
    value = clipped_loss(
        log_prob, torch.tensor([[-1.0]]), torch.tensor([[advantage]]), torch.ones(1, 1).bool(), clip=0.2
    )
    value.backward()
    assert value.item() == pytest.approx(loss, abs=1e-5)
    assert log_prob.grad is not None and log_prob.grad.item() == pytest.approx(slope, abs=1e-5)


def test_at_the_old_policy_the_clipped_gradient_is_reinforces() -> None:
    g = torch.Generator().manual_seed(0)
    log_prob = torch.randn(4, 3, generator=g).requires_grad_()
    advantage, mask = torch.randn(4, 3, generator=g), torch.ones(4, 3).bool()
    (clipped,) = torch.autograd.grad(clipped_loss(log_prob, log_prob, advantage, mask, 0.2), log_prob)
    (plain,) = torch.autograd.grad(reinforce_loss(log_prob, advantage, mask), log_prob)
    torch.testing.assert_close(clipped * 3, plain)  # one averages over steps, the other sums


def test_centring_takes_each_steps_own_mean_and_one_common_scale() -> None:
    advantage = torch.tensor([[10.0, 1.0], [12.0, 4.0], [14.0, 99.0]])
    mask = torch.tensor([[True, True], [True, True], [True, False]])
    centred = centre_by_step(advantage, mask)
    expected = torch.tensor([[-2.0, -1.5], [0.0, 1.5], [2.0, 0.0]])
    scale = (torch.tensor([4.0, 0.0, 4.0, 2.25, 2.25]).sum() / 5).sqrt()
    torch.testing.assert_close(centred, expected / scale)


def test_centring_survives_advantages_that_are_all_equal() -> None:
    assert not centre_by_step(torch.ones(3, 2), torch.ones(3, 2).bool()).any()


def test_wrong_shapes_are_named() -> None:
    with pytest.raises(ValueError, match="action: expected"):
        action_log_probs(torch.zeros(2, 3, 4), torch.zeros(3, 2).long())
    with pytest.raises(ValueError, match="advantage: expected"):
        reinforce_loss(torch.zeros(2, 3), torch.zeros(3, 2), torch.ones(2, 3).bool())


@pytest.mark.parametrize("name", ["surrogate", "clipped", "divergence", "sampled divergence", "imitation"])
def test_gradients_agree_with_finite_differences(name: str) -> None:
    """In the logits, some ratios beyond the clipping range, some steps beyond a trial's end."""
    g = torch.Generator().manual_seed(0)
    old, logits = torch.randn(2, 3, 4, 5, generator=g, dtype=torch.float64)
    action = torch.randint(5, (3, 4), generator=g)
    advantage = torch.randn(3, 4, generator=g, dtype=torch.float64)
    mask = torch.arange(4) < torch.tensor([[4], [2], [3]])
    accepted = torch.nn.functional.one_hot(action, 5).bool() | (torch.arange(5) == 2)
    before = action_log_probs(old, action)
    ratio = (action_log_probs(logits, action) - before).exp()
    assert ratio.max() > 1.2 and ratio.min() < 0.8

    def loss(logits: torch.Tensor) -> torch.Tensor:
        log_prob = action_log_probs(logits, action)
        return {
            "surrogate": lambda: surrogate(log_prob, before, advantage, mask),
            "clipped": lambda: clipped_loss(log_prob, before, advantage, mask, 0.2),
            "divergence": lambda: kl_divergence(old, logits, mask),
            "sampled divergence": lambda: sampled_kl(log_prob, before, mask),
            "imitation": lambda: imitation_loss(logits, accepted, mask),
        }[name]()

    assert torch.autograd.gradcheck(loss, logits.requires_grad_())


def test_sampled_and_exact_divergence_agree_in_the_mean() -> None:
    """Summed over actions by their old probability, one is the other."""
    old, new = torch.tensor([0.2, 0.5, 0.3]), torch.tensor([0.4, 0.5, 0.1])
    one = torch.ones(1, 1).bool()
    mean = sum(p * sampled_kl(q.log().view(1, 1), p.log().view(1, 1), one) for p, q in zip(old, new, strict=True))
    torch.testing.assert_close(mean, kl_divergence(old.log()[None, None], new.log()[None, None], one))
