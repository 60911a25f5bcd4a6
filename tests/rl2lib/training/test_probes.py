"""The ladder passes a sound learner, and stops a broken one at the rung that is about its fault."""

import time
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from rl2lib.agents.recurrent import RecurrentBaseline, RecurrentPolicy
from rl2lib.training import reinforce as reinforce_module
from rl2lib.training.learner import Learner
from rl2lib.training.losses import reinforce_loss
from rl2lib.training.ppo import PPO, PPOConfig
from rl2lib.training.probes import LADDER, Probe, Rung, TapeEnv, Tapes, climb, reinforce
from rl2lib.training.reinforce import Reinforce, ReinforceConfig
from rl2lib.types import StepInput, Trajectory

CONFIG = ReinforceConfig(1.0, learning_rate=0.01, baseline_learning_rate=0.01)
CONSTANT, BIT, ECHO, TWO_POINT, TEN = (probe.name for probe in LADDER)


class NoReward(RecurrentPolicy):
    """Its input's reward column is always zero."""

    def features(self, inputs: StepInput) -> Tensor:
        return super().features(inputs._replace(prev_reward=torch.zeros_like(inputs.prev_reward)))


class Forgetful(RecurrentPolicy):
    """Its state is made afresh at every step."""

    def step(self, state: Tensor, inputs: StepInput) -> tuple[Tensor, Tensor]:
        return super().step(torch.zeros_like(state), inputs)

    def unroll(self, inputs: StepInput, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        start = self.initial_state(len(inputs.prev_action))
        steps = range(inputs.prev_action.shape[1])
        outputs = [self.step(start, StepInput(*(column[:, t] for column in inputs))) for t in steps]
        return torch.stack([logits for logits, _ in outputs], dim=1), outputs[-1][1]


class Blind(RecurrentPolicy):
    """It does not see its observation."""

    def features(self, inputs: StepInput) -> Tensor:
        return super().features(inputs._replace(observation=torch.zeros_like(inputs.observation)))


class CutReturns(Reinforce):
    """Returns end with the episode, and every step of the ladder is one."""

    def update(self, trajectory: Trajectory, tasks: Any, **rest: Any) -> dict[str, float]:
        self.config = ReinforceConfig(0.0)
        return super().update(trajectory, tasks, **rest)


class StuckBaseline(Reinforce):
    """Somebody forgot the baseline's optimiser."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.optimisers["baseline"] = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.0)


def maker(
    policy: type[RecurrentPolicy] = RecurrentPolicy, learner: type[Reinforce] = Reinforce
) -> Callable[..., Learner]:
    def make(shape: tuple[int, ...], num_actions: int, generator: torch.Generator) -> Learner:
        networks = (kind(shape, num_actions, 32, generator=generator) for kind in (policy, RecurrentBaseline))
        return learner(*networks, CONFIG)

    return make


def stops_at(make: Callable[..., Learner], seed: int = 0) -> str:
    rungs = climb(make, seed=seed, progress=False)
    assert all(rung.passed for rung in rungs[:-1]) and not rungs[-1].passed
    assert "suspect: " + rungs[-1].probe.suspects in str(rungs[-1])
    return rungs[-1].probe.name


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_the_librarys_reinforce_climbs_it_all_in_time(seed: int) -> None:
    began = time.process_time()
    rungs = climb(reinforce, seed=seed, progress=False)
    assert [rung.probe.name for rung in rungs if rung.passed] == [probe.name for probe in LADDER]
    assert time.process_time() - began < 60, "a learner waits for it before every training; this is our own time only"
    assert all(str(rung).startswith("✓") and "\n" not in str(rung) for rung in rungs)


@pytest.mark.slow
def test_another_learner_climbs_too() -> None:
    def make(shape: tuple[int, ...], num_actions: int, generator: torch.Generator) -> Learner:
        policy = RecurrentPolicy(shape, num_actions, 32, generator=generator)
        baseline = RecurrentBaseline(shape, num_actions, 32, generator=generator)
        rates = {"learning_rate": 3e-3, "baseline_learning_rate": 1e-2}
        return PPO(policy, baseline, PPOConfig(discount=1.0, trace=0.9, minibatch_trials=32, epochs=2, **rates))

    assert all(rung.passed for rung in climb(make, LADDER[:4], progress=False))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(
    ("fault", "make", "rung"),
    [
        ("a baseline that never learns", maker(learner=StuckBaseline), CONSTANT),
        ("no observation", maker(policy=Blind), BIT),
        ("returns cut at episode ends", maker(learner=CutReturns), ECHO),
        ("no reward in the input", maker(policy=NoReward), TWO_POINT),
    ],
)
def test_a_fault_stops_at_its_rung(fault: str, make: Callable[..., Learner], rung: str, seed: int) -> None:
    assert stops_at(make, seed) == rung, fault


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_the_wrong_sign_stops_at_the_second_rung(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reinforce_module, "reinforce_loss", lambda *args: -reinforce_loss(*args))
    assert stops_at(maker(), seed) == BIT


@pytest.mark.slow
def test_a_state_made_afresh_at_every_step_stops_at_the_fourth_rung_or_the_fifth() -> None:
    """On the two-point bandit "stay after a win, move after a loss" needs no memory, if training finds it."""
    assert stops_at(maker(policy=Forgetful), seed=0) == TWO_POINT
    (rung,) = climb(maker(policy=Forgetful), LADDER[4:], progress=False)
    assert not rung.passed and rung.score is not None and rung.score < 5.8
    assert rung.probe.suspects.startswith("the state")


def test_a_learner_without_baseline_has_nothing_to_measure_on_the_first_rung() -> None:
    def make(shape: tuple[int, ...], num_actions: int, generator: torch.Generator) -> Learner:
        return Reinforce(RecurrentPolicy(shape, num_actions, 8, generator=generator), None, CONFIG)

    (rung,) = climb(make, LADDER[:1], progress=False)
    assert rung.passed and rung.score is None and "no baseline_loss to measure" in str(rung)


def test_divergence_is_told_and_not_raised() -> None:
    def make(shape: tuple[int, ...], num_actions: int, generator: torch.Generator) -> Learner:
        learner = maker()(shape, num_actions, generator)
        learner.modules["policy"].head.bias.data.fill_(torch.nan)
        return learner

    (rung,) = climb(make, progress=False)
    assert not rung.passed and "logits are not finite" in rung.diverged and rung.diverged in str(rung)


def test_a_tape_pays_by_its_rule() -> None:
    env = TapeEnv(3, lambda named, named_before: 10 * named + 1 * named_before)
    shown = [env.reset(torch.tensor([[0.0, 1.0, 0.0]]), torch.Generator()).item()]
    paid, trial_ends = [], []
    for action in (0, 1, 1):  # right, right, wrong
        step = env.step(torch.tensor([action]))
        shown.append(step.observation.item())
        paid.append(step.reward.item())
        trial_ends.append(bool(step.trial_end))
        assert bool(step.episode_end) and not bool(step.timed_out)
    assert shown[:3] == [0.0, 1.0, 0.0] and paid == [10.0, 11.0, 1.0] and trial_ends == [False, False, True]


def test_tapes_are_fair_bits() -> None:
    tapes = Tapes(4).sample(4000, torch.Generator().manual_seed(0))
    assert tapes.shape == (4000, 4) and set(tapes.unique().tolist()) == {0.0, 1.0}
    assert abs(tapes.mean().item() - 0.5) < 0.02


def test_a_rung_reads_well() -> None:
    probe: Probe = LADDER[2]
    text = str(Rung(probe, 1.5, False, 0.25))
    assert text.splitlines()[0] == "✗ the last action's echo  trial return 1.50, at least 2.7 wanted (0.2 s)"
