"""Every learner's first gradient, on all trials of a tiny bandit, each as often as it is probable: no noise is left."""

from typing import Any

import pytest
import torch
from torch import Tensor

from rl2lib.agents.recurrent import RecurrentActorCritic, RecurrentBaseline, RecurrentPolicy
from rl2lib.training.a2c import A2C, A2CConfig
from rl2lib.training.actor_critic import ActorCritic
from rl2lib.training.losses import action_log_probs, reinforce_loss
from rl2lib.training.oracle import ExactOracle
from rl2lib.training.ppo import PPO, PPOConfig
from rl2lib.training.reinforce import Reinforce, ReinforceConfig
from rl2lib.training.returns import discounted_returns, gae
from rl2lib.training.trpo import TRPO, TRPOConfig
from rl2lib.types import Trajectory

PULLS = 2
SHAPE = ((1,), 2, 4)
FROZEN = {"learning_rate": 0.0, "baseline_learning_rate": 0.0, "max_grad_norm": 1e9}


@pytest.fixture(scope="module")
def oracle() -> ExactOracle:
    return ExactOracle(torch.tensor([[0.9, 0.1], [0.2, 0.7]]), PULLS)


def make_policy(cls: type[RecurrentPolicy] = RecurrentPolicy) -> RecurrentPolicy:
    policy = cls(*SHAPE, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        policy.head.weight.mul_(3)  # far from indifferent
    return policy.double()  # so many trials add up to rounding errors


def make_baseline(sees_task: bool = False) -> RecurrentBaseline:
    return RecurrentBaseline(*SHAPE, generator=torch.Generator().manual_seed(1), task_size=2 * sees_task).double()


def every_trial(oracle: ExactOracle, policy: RecurrentPolicy, copies: int = 100_000) -> tuple[Trajectory, Tensor]:
    """All trials and their tasks, each about as often as it happens in `copies` trials."""
    counts = (oracle.probabilities(policy).detach() * copies).round().long()
    rows = torch.arange(len(counts)).repeat_interleave(counts)
    return oracle.trajectory.select(rows), oracle.tasks[rows]


def left_behind(policy: RecurrentPolicy) -> dict[str, Tensor]:
    """What the last backward pass left, as an ascent direction summed over a trial's steps."""
    return {name: -PULLS * (torch.zeros_like(p) if p.grad is None else p.grad) for name, p in policy.named_parameters()}


def distance(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
    """The largest difference, in units of the other's largest number."""
    return max((one[k] - other[k]).abs().max().item() for k in other) / max(
        v.abs().max().item() for v in other.values()
    )


def first_gradient(learner: ActorCritic, oracle: ExactOracle) -> dict[str, Tensor]:
    trials, tasks = every_trial(oracle, learner.policy)
    learner.update(trials, tasks, progress=0.0, generator=torch.Generator())
    return left_behind(learner.policy)


A2C_SETTINGS = {"discount": 1.0, "trace": 1.0, "entropy_bonus": 0.0, **FROZEN}


@pytest.mark.parametrize("sees_task", [False, True])
@pytest.mark.parametrize("expected_rewards", [False, True])
def test_a2c_at_trace_one_follows_the_true_gradient(
    sees_task: bool, expected_rewards: bool, oracle: ExactOracle
) -> None:
    """Whatever the baseline says and whatever of the task it is shown."""
    config = A2CConfig(**A2C_SETTINGS, expected_rewards=expected_rewards)
    policy = make_policy()
    found = first_gradient(A2C(policy, make_baseline(sees_task), config), oracle)
    assert distance(found, oracle.true_gradient(policy)) < 1e-3


def test_a2c_with_a_shared_core_adds_the_critics_gradient_and_nothing_else(oracle: ExactOracle) -> None:
    def found(value_weight: float) -> tuple[RecurrentPolicy, dict[str, Tensor]]:
        policy = make_policy(RecurrentActorCritic)
        learner = A2C(policy, None, A2CConfig(**A2C_SETTINGS, value_weight=value_weight))
        return policy, first_gradient(learner, oracle)

    policy, alone = found(0.0)
    assert distance(alone, oracle.true_gradient(policy)) < 1e-3
    trials, _ = every_trial(oracle, policy)
    _, values, _ = policy.logits_and_values(trials.step_inputs())  # type: ignore[operator]
    returns = trials.reward.flip(1).cumsum(1).flip(1)
    loss = 0.5 * (values - returns).square().mean()
    critic = torch.autograd.grad(loss, list(policy.parameters()), allow_unused=True, materialize_grads=True)
    _, both = found(0.7)
    wanted = {
        name: alone[name] - PULLS * 0.7 * g for (name, _), g in zip(policy.named_parameters(), critic, strict=True)
    }
    assert distance(both, wanted) < 1e-3 and distance(both, alone) > 0.1


def test_expected_rewards_never_move_the_mean_but_below_trace_one_it_is_not_the_true_gradient(
    oracle: ExactOracle,
) -> None:
    found = {}
    for expected in (False, True):
        config = A2CConfig(**{**A2C_SETTINGS, "trace": 0.3}, expected_rewards=expected)
        policy = make_policy()
        found[expected] = first_gradient(A2C(policy, make_baseline(), config), oracle)
    assert distance(found[True], found[False]) < 1e-3
    assert distance(found[True], oracle.true_gradient(policy)) > 0.05, "the values' error comes in"


@pytest.mark.parametrize("trace", [1.0, 0.3])
def test_expected_rewards_have_less_noise(trace: float, oracle: ExactOracle) -> None:
    policy, baseline = make_policy(), make_baseline()

    def variance(expected: bool) -> float:
        def loss(trial: Trajectory) -> Tensor:
            reward = trial.expected_reward if expected else trial.reward
            assert reward is not None
            advantage = gae(reward, baseline.values(trial.step_inputs()), trial.mask, 1.0, trace)
            logits, _ = policy.unroll(trial.step_inputs())
            return reinforce_loss(action_log_probs(logits, trial.action), advantage, trial.mask)

        return oracle.moments(policy, loss).variance

    assert variance(True) < 0.9 * variance(False)


@pytest.mark.parametrize("sees_task", [False, True])
@pytest.mark.parametrize("expected_rewards", [False, True])
def test_reinforce_follows_the_true_gradient(sees_task: bool, expected_rewards: bool, oracle: ExactOracle) -> None:
    policy = make_policy()
    config = ReinforceConfig(1.0, 0.0, 0.0, 1e9, expected_rewards=expected_rewards)
    found = first_gradient(Reinforce(policy, make_baseline(sees_task), config), oracle)
    found = {name: value / PULLS for name, value in found.items()}  # its loss is a sum over steps
    assert distance(found, oracle.true_gradient(policy)) < 1e-3


def test_truncation_keeps_part_of_the_true_gradient_only(oracle: ExactOracle) -> None:
    """The second pull's action cannot learn through the first step's state."""
    policy = make_policy()
    found = first_gradient(A2C(policy, make_baseline(), A2CConfig(**A2C_SETTINGS, bptt_steps=1)), oracle)
    truth = oracle.true_gradient(policy)
    assert distance({"head.weight": found["head.weight"]}, {"head.weight": truth["head.weight"]}) < 1e-3
    assert distance(found, truth) > 0.05


def scale_of_advantages(oracle: ExactOracle, policy: RecurrentPolicy, baseline: RecurrentBaseline) -> float:
    """The one number that all advantages are divided by."""
    weight = oracle.probabilities(policy).detach()[:, None]
    trials = oracle.trajectory
    returns = discounted_returns(trials.reward, trials.mask, 1.0)
    advantage = (returns - baseline.values(trials.step_inputs(), oracle.tasks)).detach()
    centred = advantage - (weight * advantage).sum(dim=0)
    return ((weight * centred.square()).sum() / PULLS).sqrt().item()


@pytest.mark.parametrize("sees_task", [False, True])
def test_ppos_first_step_follows_the_true_gradient_up_to_the_advantages_scale(
    sees_task: bool, oracle: ExactOracle
) -> None:
    policy, baseline = make_policy(), make_baseline(sees_task)
    config = PPOConfig(discount=1.0, trace=1.0, epochs=1, minibatch_trials=10**9, entropy_bonus=0.0, **FROZEN)
    scale = scale_of_advantages(oracle, policy, baseline)
    found = first_gradient(PPO(policy, baseline, config), oracle)
    found = {name: scale * value for name, value in found.items()}
    assert distance(found, oracle.true_gradient(policy)) < 1e-3


def test_trpos_gradient_is_the_true_one_up_to_the_advantages_scale(oracle: ExactOracle) -> None:
    policy, baseline = make_policy(), make_baseline()
    learner = TRPO(policy, baseline, TRPOConfig(discount=1.0, trace=1.0, chunk_trials=30_000))
    batch, _ = learner.estimate(*every_trial(oracle, policy))
    gradient = PULLS * scale_of_advantages(oracle, policy, baseline) * learner.surrogate_gradient(batch)
    truth = torch.cat([part.flatten() for part in oracle.true_gradient(policy).values()])
    assert distance({"all": gradient}, {"all": truth}) < 1e-3


def test_a_baseline_is_shown_the_tasks_only_if_it_declares_it(oracle: ExactOracle) -> None:
    class Watching(RecurrentBaseline):
        def values(self, inputs: Any, tasks: object = None) -> Tensor:
            shown.append(tasks)
            return super().values(inputs, tasks)

    shown: list[Any] = []
    trials, tasks = oracle.trajectory, oracle.tasks
    for task_size in (0, 2):
        shown.clear()
        baseline = Watching(*SHAPE, generator=torch.Generator().manual_seed(1), task_size=task_size)
        config = PPOConfig(epochs=1, minibatch_trials=20)
        generator = torch.Generator().manual_seed(3)
        PPO(make_policy(), baseline, config).update(trials, tasks, progress=0.0, generator=generator)
        if task_size == 0:
            assert shown == [None] * 3
        else:
            order = torch.randperm(32, generator=torch.Generator().manual_seed(3))
            wanted = [tasks, tasks[order[:20]], tasks[order[20:]]]
            assert all(torch.equal(one, other) for one, other in zip(shown, wanted, strict=True))
