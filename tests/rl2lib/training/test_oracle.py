import pytest
import torch

from rl2lib.agents.recurrent import RecurrentBaseline, RecurrentPolicy
from rl2lib.training.losses import action_log_probs, clipped_loss, reinforce_loss
from rl2lib.training.oracle import ExactOracle
from rl2lib.training.returns import discounted_returns, gae
from rl2lib.types import Trajectory

TASKS = torch.tensor([[0.9, 0.1], [0.2, 0.7]])


@pytest.fixture
def policy() -> RecurrentPolicy:
    return RecurrentPolicy((1,), 2, 4, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def baseline() -> RecurrentBaseline:
    return RecurrentBaseline((1,), 2, 4, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def oracle() -> ExactOracle:
    return ExactOracle(TASKS, num_pulls=2)


def log_probs(policy: RecurrentPolicy, trial: Trajectory) -> torch.Tensor:
    return action_log_probs(policy.unroll(trial.step_inputs())[0], trial.action)


def returns(trial: Trajectory) -> torch.Tensor:
    return discounted_returns(trial.reward, trial.mask, 1.0)


def worst(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    return max((one[name] - other[name]).abs().max().item() for name in other)


def test_it_lists_every_trial_once_and_probabilities_sum_to_one(oracle: ExactOracle, policy: RecurrentPolicy) -> None:
    rows = torch.cat([oracle.tasks, oracle.trajectory.action, oracle.trajectory.reward], dim=1)
    assert len(rows) == len(rows.unique(dim=0)) == 2 * 16
    torch.testing.assert_close(oracle.probabilities(policy).sum(), torch.tensor(1.0))


def test_the_expected_return_of_a_coin_flipper_by_hand(oracle: ExactOracle, policy: RecurrentPolicy) -> None:
    with torch.no_grad():
        policy.head.weight.zero_()
    assert oracle.expected_return(policy).item() == pytest.approx(2 * TASKS.mean().item())
    assert oracle.expected_return(policy, discount=0.5).item() == pytest.approx(1.5 * TASKS.mean().item())


def test_the_true_gradient_agrees_with_finite_differences(oracle: ExactOracle, policy: RecurrentPolicy) -> None:
    policy.double()
    gradient = oracle.true_gradient(policy)["core.weight_hh"][2, 1].item()
    values = []
    for nudge in (1e-4, -2e-4):
        with torch.no_grad():
            policy.core.weight_hh[2, 1] += nudge
        values.append(oracle.expected_return(policy).item())
    assert abs(gradient) > 1e-5
    assert (values[0] - values[1]) / 2e-4 == pytest.approx(gradient, rel=1e-3)


def test_reinforce_expects_the_true_gradient_with_and_without_baseline(
    oracle: ExactOracle, policy: RecurrentPolicy, baseline: RecurrentBaseline
) -> None:
    truth = oracle.true_gradient(policy)
    plain = oracle.moments(policy, lambda t: reinforce_loss(log_probs(policy, t), returns(t), t.mask))
    based = oracle.moments(
        policy,
        lambda t: reinforce_loss(log_probs(policy, t), returns(t) - baseline.values(t.step_inputs()) - 1.0, t.mask),
    )
    assert max(v.abs().max().item() for v in truth.values()) > 0.01
    assert worst(plain.mean, truth) < 1e-6 and worst(based.mean, truth) < 1e-6
    assert based.variance < plain.variance, "and a baseline near the mean return shrinks the cloud"


def test_gae_with_trace_one_and_a_ratio_of_one_is_unbiased_too(
    oracle: ExactOracle, policy: RecurrentPolicy, baseline: RecurrentBaseline
) -> None:
    def loss(trial: Trajectory) -> torch.Tensor:
        value = baseline.values(trial.step_inputs())
        advantage = gae(trial.reward, value, trial.mask, 1.0, 1.0)
        now = log_probs(policy, trial)
        return 2 * clipped_loss(now, now, advantage, trial.mask, 0.2)  # two steps a trial: a mean, not a sum

    assert worst(oracle.moments(policy, loss).mean, oracle.true_gradient(policy)) < 1e-6


MISTAKES = {
    "the return of one episode only": lambda p, t: reinforce_loss(log_probs(p, t), t.reward, t.mask),
    "the past's rewards instead of the future's": lambda p, t: reinforce_loss(
        log_probs(p, t), t.reward.cumsum(dim=1), t.mask
    ),
    "a baseline that saw the reward": lambda p, t: reinforce_loss(log_probs(p, t), returns(t) - t.reward, t.mask),
    "the wrong sign": lambda p, t: -reinforce_loss(log_probs(p, t), returns(t), t.mask),
    "actions one step late": lambda p, t: reinforce_loss(
        action_log_probs(p.unroll(t.step_inputs())[0], t.action.roll(1, dims=1)), returns(t), t.mask
    ),
    "placeholders at every episode": lambda p, t: reinforce_loss(
        action_log_probs(p.unroll(t._replace(reward=0 * t.reward).step_inputs())[0], t.action),
        returns(t),
        t.mask,
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_wrong_estimator_is_found_out(mistake: str, oracle: ExactOracle, policy: RecurrentPolicy) -> None:
    moments = oracle.moments(policy, lambda trial: MISTAKES[mistake](policy, trial))
    assert worst(moments.mean, oracle.true_gradient(policy)) > 1e-3


def test_scores_are_the_steps_own_gradients(oracle: ExactOracle, policy: RecurrentPolicy) -> None:
    scores = oracle.scores(policy)
    assert scores.shape == (32, 2, sum(parameter.numel() for parameter in policy.parameters()))
    trial = oracle.trajectory.select(torch.tensor([11]))
    gradient = torch.autograd.grad(log_probs(policy, trial)[0, 1], list(policy.parameters()), materialize_grads=True)
    torch.testing.assert_close(scores[11, 1], torch.cat([part.flatten() for part in gradient]))
    estimates = (scores * returns(oracle.trajectory)[..., None]).sum(dim=1)
    truth = torch.cat([part.flatten() for part in oracle.true_gradient(policy).values()])
    torch.testing.assert_close(oracle.probabilities(policy).detach() @ estimates, truth, atol=1e-6, rtol=1e-4)
