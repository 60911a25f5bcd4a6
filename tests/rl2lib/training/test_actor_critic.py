"""Who guesses the returns: a network apart, a value head, a fit in closed form, or nobody."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from rl2lib.agents.baseline import FittedBaseline
from rl2lib.agents.recurrent import RecurrentActorCritic, RecurrentBaseline, RecurrentPolicy
from rl2lib.rollout import rollout
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.tasks.sampling import make_generators
from rl2lib.training.a2c import A2C, A2CConfig
from rl2lib.training.losses import centre_by_step
from rl2lib.training.ppo import PPO, PPOConfig
from rl2lib.training.reinforce import Reinforce, ReinforceConfig
from rl2lib.training.returns import gae
from rl2lib.types import StepInput, Trajectory

_spec = importlib.util.spec_from_file_location("short_run", Path(__file__).parent / "short_run.py")
if _spec is None or _spec.loader is None:
    raise ImportError("short_run.py is not there")
short = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(short)

SHAPE, PULLS, TRIALS = ((1,), 3, 8), 4, 20


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def played(policy: RecurrentPolicy) -> tuple[Trajectory, Tensor]:
    g = make_generators(0, "tasks", "policy", "env")
    tasks = IndependentBandits(3).sample(TRIALS, g["tasks"])
    return rollout(policy, BanditEnv(3, PULLS), tasks, policy_generator=g["policy"], env_generator=g["env"]), tasks


def log_probs(logits: Tensor, trials: Trajectory) -> Tensor:
    return logits.log_softmax(-1).gather(-1, trials.action[..., None])[..., 0]


class Counting(RecurrentActorCritic):
    passes = 0

    def run(self, features: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        self.passes += 1
        return super().run(features, state)


@pytest.mark.slow
def test_ppo_with_a_shared_core_descends_one_sum_of_losses_with_one_optimiser() -> None:
    policy = Counting(*SHAPE, generator=generator())
    trials, _ = played(policy)
    config = PPOConfig(
        discount=0.9,
        trace=0.5,
        epochs=1,
        minibatch_trials=TRIALS,
        learning_rate=0.0,
        entropy_bonus=0.3,
        value_weight=0.7,
        max_grad_norm=1e9,
    )
    logits, value, _ = policy.logits_and_values(trials.step_inputs())
    advantage = gae(trials.reward, value, trials.mask, 0.9, 0.5)
    target = advantage + value.detach()
    gain = (log_probs(logits, trials) * centre_by_step(advantage, trials.mask)).mean()
    entropy = -(logits.softmax(-1) * logits.log_softmax(-1)).sum(-1).mean()
    loss = -gain - 0.3 * entropy + 0.7 * 0.5 * (value - target).square().mean()
    expected = torch.autograd.grad(loss, list(policy.parameters()))
    learner = PPO(policy, None, config)
    assert list(learner.modules) == list(learner.optimisers) == ["policy"]
    policy.passes = 0
    metrics = learner.update(trials, None, progress=0.0, generator=generator())
    torch.testing.assert_close([p.grad for p in policy.parameters()], list(expected))
    assert policy.passes == 2, "one to look back, one to learn"
    assert metrics["baseline_loss"] == pytest.approx(0.5 * (value - target).square().mean().item(), rel=1e-4)
    assert metrics["kl"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("make", [PPO, A2C])
def test_nobody_to_guess_returns_is_an_error(make: Any) -> None:
    config = PPOConfig() if make is PPO else A2CConfig()
    with pytest.raises(ValueError, match="baseline: None needs a policy with a value head, got RecurrentPolicy"):
        make(RecurrentPolicy(*SHAPE, generator=generator()), None, config)


def test_a_baseline_whose_learning_no_checkpoint_would_hold_is_refused() -> None:
    class Loose:
        def values(self, inputs: StepInput, tasks: Any = None) -> Tensor:
            return inputs.prev_reward

    with pytest.raises(TypeError, match=r"baseline: expected an rl2lib\.agents\.baseline\.Baseline, got Loose"):
        Reinforce(RecurrentPolicy(*SHAPE, generator=generator()), Loose(), ReinforceConfig())


def test_a_baseline_that_misspells_how_it_is_fitted_cannot_be_made() -> None:
    class Misspelt(FittedBaseline):
        sees_task = False

        def values(self, inputs: StepInput, tasks: Any = None) -> Tensor:
            return inputs.prev_reward

        def fitt(self, *args: Any) -> None: ...

    with pytest.raises(TypeError, match=r"abstract.*fit"):
        Misspelt()  # type: ignore[abstract]


@pytest.mark.parametrize("kind", ["ppo", "a2c", "reinforce"])
def test_a_fitted_baseline_judges_trials_by_the_fit_of_earlier_ones(kind: str) -> None:
    class Recording(short.MeanBaseline):  # type: ignore[name-defined, misc]
        def values(self, inputs: StepInput, tasks: Any = None) -> Tensor:
            calls.append("values")
            assert tasks is not None
            return super().values(inputs, tasks)

        def fit(self, inputs: StepInput, tasks: Any, target: Tensor, mask: Tensor) -> None:
            calls.append("fit")
            super().fit(inputs, tasks, target, mask)

    calls: list[str] = []
    policy, baseline = RecurrentPolicy(*SHAPE, generator=generator()), Recording(PULLS)
    learner: Any = {
        "ppo": lambda: PPO(policy, baseline, PPOConfig(discount=1.0, trace=1.0, epochs=2, minibatch_trials=5)),
        "a2c": lambda: A2C(policy, baseline, A2CConfig(discount=1.0)),
        "reinforce": lambda: Reinforce(policy, baseline, ReinforceConfig(discount=1.0)),
    }[kind]()
    assert list(learner.optimisers) == ["policy"] and "baseline" in learner.modules
    trials, tasks = played(policy)
    metrics = learner.update(trials, tasks, progress=0.0, generator=generator())
    assert calls == ["values", "fit"], "asked once, before it is fitted"
    returns = trials.reward.flip(1).cumsum(1).flip(1)
    assert metrics["baseline_loss"] == pytest.approx(0.5 * returns.square().mean().item(), rel=1e-4)
    torch.testing.assert_close(baseline.values(trials.step_inputs(), tasks).mean(dim=0), returns.mean(dim=0))


@pytest.mark.parametrize("kind", ["ppo, fitted baseline", "a2c", "reinforce"])
def test_expected_rewards_that_nobody_tells_are_an_error(kind: str) -> None:
    learner = short.make_learner(kind)
    learner.config = type(learner.config)(expected_rewards=True)
    trials, tasks = played(learner.policy)
    with pytest.raises(ValueError, match="expected_rewards: this environment does not tell them"):
        learner.update(trials._replace(expected_reward=None), tasks, progress=0.0, generator=generator())


def test_expected_rewards_stand_in_for_the_sampled_ones() -> None:
    """Paying exactly what is expected, both ways are one."""
    found = []
    for expected in (True, False):
        policy = RecurrentPolicy(*SHAPE, generator=generator())
        trials, tasks = played(policy)
        inputs = trials.step_inputs()
        assert trials.expected_reward is not None
        paid = trials if expected else trials._replace(reward=trials.expected_reward)
        # what the policy saw stays what it saw
        paid = type("Seen", (Trajectory,), {"step_inputs": lambda self, kept=inputs: kept})(*paid)
        baseline = RecurrentBaseline(*SHAPE, generator=generator())
        config = PPOConfig(epochs=1, minibatch_trials=TRIALS, expected_rewards=expected)
        PPO(policy, baseline, config).update(paid, tasks, progress=0.0, generator=generator())
        found.append([p.grad for module in (policy, baseline) for p in module.parameters()])
    torch.testing.assert_close(found[0], found[1])


def test_a2c_names_its_optimisers() -> None:
    policy = RecurrentActorCritic(*SHAPE, generator=generator())
    assert isinstance(A2C(policy, None, A2CConfig(optimiser="rmsprop")).optimisers["policy"], torch.optim.RMSprop)
    assert isinstance(A2C(policy, None, A2CConfig()).optimisers["policy"], torch.optim.Adam)
    with pytest.raises(ValueError, match="optimiser: expected one of adam, rmsprop, got 'sgd'"):
        A2C(policy, None, A2CConfig(optimiser="sgd"))  # type: ignore[arg-type]


def test_a2c_takes_one_step_on_gae_and_its_entropy_bonus() -> None:
    policy = RecurrentPolicy(*SHAPE, generator=generator())
    baseline = RecurrentBaseline(*SHAPE, generator=torch.Generator().manual_seed(1))
    trials, _ = played(policy)
    inputs = trials.step_inputs()
    logits, _ = policy.unroll(inputs)
    value = baseline.values(inputs)
    advantage = gae(trials.reward, value, trials.mask, 0.9, 0.5)
    entropy = -(logits.softmax(-1) * logits.log_softmax(-1)).sum(-1).mean()
    loss = -(log_probs(logits, trials) * advantage).mean() - 0.3 * 0.75 * entropy
    critic = 0.5 * (value - (advantage + value).detach()).square().mean()
    expected = torch.autograd.grad(loss, list(policy.parameters()))
    expected_critic = torch.autograd.grad(critic, list(baseline.parameters()))
    config = A2CConfig(discount=0.9, trace=0.5, entropy_bonus=0.3, max_grad_norm=1e9, learning_rate=0.4)
    learner = A2C(policy, baseline, config)
    learner.update(trials, None, progress=0.25, generator=generator())
    torch.testing.assert_close([p.grad for p in policy.parameters()], list(expected))
    torch.testing.assert_close([p.grad for p in baseline.parameters()], list(expected_critic))
    assert learner.optimisers["policy"].param_groups[0]["lr"] == pytest.approx(0.3)
    assert learner.optimisers["baseline"].param_groups[0]["lr"] == pytest.approx(0.75e-3)
