from functools import cache
from typing import Any

import pytest
import torch
from scipy import stats
from torch import Tensor

from rl2lib.rollout import rollout
from rl2lib.tasks.bandit import EASY, HARD, MEDIUM, UNIFORM
from rl2lib.tasks.wang import (
    HarlowEnv,
    HarlowTasks,
    InformativeBanditEnv,
    InformativeBandits,
    TwoStepEnv,
    TwoStepTasks,
)
from rl2lib.types import StepInput


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("bandits", "p"), [(EASY, 0.1), (MEDIUM, 0.25), (HARD, 0.4)])
def test_dependent_bandits_are_the_papers(bandits: Any, p: float) -> None:
    means = bandits.sample(2000, generator())
    torch.testing.assert_close(means.sum(dim=1), torch.ones(2000))
    torch.testing.assert_close(means[:, 0].unique(), torch.tensor([p, 1 - p]))
    assert abs(float((means[:, 0] < 0.5).float().mean()) - 0.5) < 0.06
    uniform = UNIFORM.sample(5000, generator())[:, 0]
    assert stats.kstest(uniform.numpy(), stats.uniform.cdf).pvalue > 1e-5


# ------------------------------------------------------------------------------------------ eleven arms


def every_informative_bandit() -> Tensor:
    payouts = InformativeBandits().sample(500, generator()).unique(dim=0)
    assert len(payouts) == 10
    return payouts


def test_one_target_pays_5_the_others_1_and_the_last_arm_a_tenth_of_its_number() -> None:
    for payouts in every_informative_bandit().tolist():
        assert sorted(payouts[:10]) == [1.0] * 9 + [5.0]
        assert payouts[10] == pytest.approx((payouts.index(5.0) + 1) / 10)
    targets = InformativeBandits().sample(5000, generator())[:, :10].argmax(dim=1)
    assert stats.chisquare(torch.bincount(targets).numpy()).pvalue > 1e-5


class AskFirst:
    """Pulls the informative arm, and then the arm that it names."""

    def initial_state(self, batch_size: int, tasks: Any = None) -> Tensor:
        return torch.full((batch_size,), -1)

    def act(self, state: Tensor, inputs: StepInput, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        told = inputs.prev_end > 0
        state = torch.where(told & (state == -1), (inputs.prev_reward * 10).round().long() - 1, state)
        return torch.where(state == -1, 10, state), state


def test_asking_first_earns_20_55_and_nothing_earns_more() -> None:
    trajectory = rollout(
        AskFirst(),
        InformativeBanditEnv(),
        every_informative_bandit(),
        policy_generator=generator(),
        env_generator=generator(),
    )
    assert float(trajectory.trial_return().mean()) == pytest.approx(20.55)
    assert trajectory.mask.shape == (10, 5) and bool(trajectory.episode_end.all()) and not trajectory.timed_out.any()

    @cache
    def best(pulls: int, candidates: int) -> float:
        """At most the optimum with so many candidates left: ask, or try one of them.

        Asking pays a tenth of the target's number: .55 on average at the start, and later at most the mean of the
        highest numbers that may be left.
        """
        if pulls == 0:
            return 0.0
        ask = sum(range(11 - candidates, 11)) / candidates / 10 + 5 * (pulls - 1)
        hit = 5 + 5 * (pulls - 1)
        miss = 1 + best(pulls - 1, candidates - 1) if candidates > 1 else 0.0
        return max(ask, hit / candidates + miss * (candidates - 1) / candidates)

    assert best(5, 10) == pytest.approx(20.55)


# ------------------------------------------------------------------------------------------ two steps


def test_the_better_state_is_drawn_once_a_trial_and_stays() -> None:
    tasks = TwoStepTasks().sample(2000, generator())
    torch.testing.assert_close(tasks.unique(dim=0), torch.tensor([[0.1, 0.9], [0.9, 0.1]]))
    assert abs(float((tasks[:, 0] > 0.5).float().mean()) - 0.5) < 0.06


def test_two_steps_by_hand() -> None:
    env = TwoStepEnv(2, common=1.0)
    assert env.reset(torch.tensor([[1.0, 0.0]]), generator()).tolist() == [[1, 0, 0]]
    told = []
    for action in (0, 1, 1, 0):
        step = env.step(torch.tensor([action]))
        flags = (bool(step.episode_end), bool(step.timed_out), bool(step.trial_end))
        told.append((int(step.observation.argmax()), float(step.reward), *flags))
    assert told == [
        (1, 0.0, False, False, False),
        (0, 1.0, True, False, False),
        (2, 0.0, False, False, False),
        (0, 0.0, True, False, True),
    ]


def test_transitions_are_75_25_and_rewards_90_10_in_every_episode() -> None:
    rows = 20_000
    env = TwoStepEnv(100)
    env.reset(torch.tensor([[0.9, 0.1]]).repeat(rows, 1), generator())
    for action, common in ((0, 1), (1, 2), (0, 1)):
        at_second = env.step(torch.full((rows,), action))
        assert not at_second.reward.any() and not at_second.episode_end.any()
        state = at_second.observation.argmax(dim=1)
        assert set(state.tolist()) == {1, 2}
        assert abs(float((state == common).float().mean()) - 0.75) < 0.016
        rewarded = env.step(torch.full((rows,), 1 - action))
        assert rewarded.episode_end.all() and set(rewarded.reward.tolist()) == {0.0, 1.0}
        for second, probability in ((1, 0.9), (2, 0.1)):
            paid = rewarded.reward[state == second]
            assert abs(float(paid.mean()) - probability) < 5 * (0.09 / len(paid)) ** 0.5
        assert rewarded.observation.argmax(dim=1).eq(0).all()


def test_whoever_knows_the_better_state_earns_seven_tenths_an_episode() -> None:
    """.75 × .9 + .25 × .1; any fixed action earns half on average."""
    tasks = TwoStepTasks().sample(4000, generator())
    env = TwoStepEnv(5)
    for known, value in ((True, 0.7), (False, 0.5)):
        env.reset(tasks, generator(1))
        better = tasks.argmax(dim=1) if known else torch.zeros(4000, dtype=torch.int64)
        earned = torch.zeros(4000)
        for _ in range(10):
            step = env.step(better)
            assert step.expected_reward is not None
            earned += step.expected_reward
        assert bool(step.trial_end.all()) and abs(float(earned.mean()) / 5 - value) < 0.015


# ------------------------------------------------------------------------------------------ Harlow


class RemembersTheImage:
    """Guesses left; then chooses whatever was paid, and shuns whatever was not."""

    def initial_state(self, batch_size: int, tasks: Any = None) -> tuple[Tensor, Tensor]:
        return torch.zeros(batch_size, 0), torch.zeros(batch_size, 0)

    def act(
        self, state: tuple[Tensor, Tensor], inputs: StepInput, generator: torch.Generator
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        shown, good = state
        rows = torch.arange(len(inputs.prev_action))
        if shown.numel() == 0:
            return torch.zeros_like(inputs.prev_action), (inputs.observation, good)
        if good.numel() == 0:
            right = torch.where(inputs.prev_reward == 1, inputs.prev_action, 1 - inputs.prev_action)
            good = shown[rows, right]
        return (inputs.observation[:, 1] == good).all(dim=1).long(), (inputs.observation, good)


@pytest.mark.parametrize(("wrong_reward", "optimum"), [(0.0, 9.5), (-1.0, 9.0)])
def test_one_guess_and_never_a_mistake_is_9_5_of_10_or_9_where_mistakes_cost(
    wrong_reward: float, optimum: float
) -> None:
    tasks = HarlowTasks().sample(4000, generator())
    env = HarlowEnv(wrong_reward=wrong_reward)
    trajectory = rollout(RemembersTheImage(), env, tasks, policy_generator=generator(), env_generator=generator(1))
    assert trajectory.mask.shape == (4000, 10) and bool((trajectory.reward[:, 1:] == 1).all())
    share = float((trajectory.reward[:, 0] == 1).float().mean())
    assert abs(share - 0.5) < 0.04, "the first choice is a guess"
    assert abs(float(trajectory.trial_return().mean()) - optimum) < 0.08
    assert abs(float((trajectory.action[:, 1:] == 0).float().mean()) - 0.5) < 0.02, "sides change"


def test_images_are_new_in_each_task_and_the_same_throughout_a_trial() -> None:
    tasks = HarlowTasks(6).sample(3, generator())
    assert tasks.shape == (3, 2, 6) and len(tasks.reshape(6, 6).unique(dim=0)) == 6
    env = HarlowEnv(6)
    observation = env.reset(tasks, generator())
    for _ in range(5):
        for shown, pair in zip(observation, tasks, strict=True):
            assert torch.equal(shown, pair) or torch.equal(shown, pair.flip(0))
        observation = env.step(torch.zeros(3, dtype=torch.int64)).observation


def test_bad_settings_are_named() -> None:
    with pytest.raises(ValueError, match="num_pulls: expected at least 1"):
        InformativeBanditEnv(0)
    with pytest.raises(ValueError, match="common: expected a probability"):
        TwoStepEnv(common=1.2)
    with pytest.raises(ValueError, match="often: expected a probability"):
        TwoStepTasks(often=-0.1)
    with pytest.raises(ValueError, match="image_size: expected at least 1"):
        HarlowTasks(0)
    with pytest.raises(ValueError, match="wrong_reward: expected a finite"):
        HarlowEnv(wrong_reward=float("nan"))
    with pytest.raises(ValueError, match=r"images \[B, 2, D\] = \(B, 2, 8\), got \(3, 2, 6\)"):
        HarlowEnv().reset(HarlowTasks(6).sample(3, generator()), generator())
