"""Each learner's one update against its loss written out once more."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from rl2lib.agents.recurrent import RecurrentBaseline, RecurrentPolicy
from rl2lib.rollout import rollout
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.tasks.sampling import make_generators
from rl2lib.training.loop import TrainingConfig, train
from rl2lib.training.losses import centre_by_step
from rl2lib.training.ppo import PPO, PPOConfig
from rl2lib.training.reinforce import Reinforce, ReinforceConfig
from rl2lib.training.returns import gae
from rl2lib.types import Trajectory

BATCH, PULLS = 20, 4


def networks() -> tuple[RecurrentPolicy, RecurrentBaseline]:
    generator = torch.Generator().manual_seed(0)
    return RecurrentPolicy((1,), 3, 8, generator=generator), RecurrentBaseline((1,), 3, 8, generator=generator)


def played(policy: RecurrentPolicy) -> Trajectory:
    g = make_generators(0, "tasks", "policy", "env")
    tasks = IndependentBandits(3).sample(BATCH, g["tasks"])
    return rollout(policy, BanditEnv(3, PULLS), tasks, policy_generator=g["policy"], env_generator=g["env"])


def gradients(loss: Tensor, module: nn.Module) -> list[Tensor]:
    return list(torch.autograd.grad(loss, list(module.parameters())))


def left_behind(module: nn.Module) -> list[Tensor | None]:
    return [parameter.grad for parameter in module.parameters()]


def taken(policy: RecurrentPolicy, trajectory: Trajectory) -> Tensor:
    logits, _ = policy.unroll(trajectory.step_inputs())
    return logits.log_softmax(-1).gather(-1, trajectory.action[..., None])[..., 0]


@pytest.mark.parametrize("with_baseline", [True, False])
def test_reinforce_follows_log_probability_times_return_less_baseline(with_baseline: bool) -> None:
    policy, baseline = networks()
    trajectory = played(policy)
    to_go = trajectory.reward.flip(1).cumsum(1).flip(1)
    value = baseline.values(trajectory.step_inputs())
    advantage = (to_go - value).detach() if with_baseline else to_go
    expected = gradients(-(taken(policy, trajectory) * advantage).sum() / BATCH, policy)
    expected_baseline = gradients(0.5 * (value - to_go).square().mean(), baseline)

    config = ReinforceConfig(discount=1.0, max_grad_norm=1e9)
    learner = Reinforce(policy, baseline if with_baseline else None, config)
    learner.update(trajectory, None, progress=0.0, generator=torch.Generator())
    torch.testing.assert_close(left_behind(policy), expected)
    if with_baseline:
        torch.testing.assert_close(left_behind(baseline), expected_baseline)


def test_ppo_follows_its_loss_on_each_minibatch_of_whole_trials() -> None:
    """A learning rate of zero leaves the ratio at 1 unless trials are matched with others' log-probabilities."""
    policy, baseline = networks()
    trajectory = played(policy)
    config = PPOConfig(
        discount=0.9,
        trace=0.5,
        epochs=2,
        minibatch_trials=8,
        learning_rate=0.0,
        baseline_learning_rate=0.0,
        entropy_bonus=0.3,
        max_grad_norm=1e9,
    )
    value = baseline.values(trajectory.step_inputs())
    advantage = gae(trajectory.reward, value, trajectory.mask, 0.9, 0.5)
    target = advantage + value.detach()
    scaled = centre_by_step(advantage, trajectory.mask)
    order_generator = torch.Generator().manual_seed(7)
    last = [torch.randperm(BATCH, generator=order_generator) for _ in range(2)][1][16:]
    logits, _ = policy.unroll(trajectory.step_inputs())
    log_probs = logits.log_softmax(-1)[last]
    entropy = -(log_probs.exp() * log_probs).sum(-1).mean()
    surrogate = (taken(policy, trajectory)[last] * scaled[last]).mean()
    expected = gradients(-surrogate - 0.3 * 0.75 * entropy, policy)
    expected_baseline = gradients(0.5 * (value - target)[last].square().mean(), baseline)

    learner = PPO(policy, baseline, config)
    learner.update(trajectory, None, progress=0.25, generator=torch.Generator().manual_seed(7))
    torch.testing.assert_close(left_behind(policy), expected)
    torch.testing.assert_close(left_behind(baseline), expected_baseline)


def test_gradients_are_clipped_to_their_norm() -> None:
    policy, baseline = networks()
    Reinforce(policy, baseline, ReinforceConfig(max_grad_norm=1e-3)).update(
        played(policy), None, progress=0.0, generator=torch.Generator()
    )
    for module in (policy, baseline):
        norm = torch.cat([g.flatten() for g in left_behind(module) if g is not None]).norm()
        assert norm.item() == pytest.approx(1e-3, rel=1e-3)


def test_the_loop_tells_the_learner_how_far_training_is_and_which_tasks_were_played() -> None:
    class Watching(Reinforce):
        def update(self, trajectory: Trajectory, tasks: Any, **kwargs: Any) -> dict[str, float]:
            seen.append(kwargs["progress"])
            means = tasks.gather(1, trajectory.action)
            assert torch.equal(trajectory.expected_reward, means)
            return super().update(trajectory, tasks, **kwargs)

    seen: list[float] = []
    learner = Watching(*networks(), ReinforceConfig())
    train(learner, IndependentBandits(3), BanditEnv(3, PULLS), TrainingConfig(4, 5))
    assert seen == [0.0, 0.25, 0.5, 0.75]
