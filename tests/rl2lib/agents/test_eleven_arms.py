"""Who plays eleven arms: the optimum, a search without repetition, and the one-hot reward."""

from __future__ import annotations

import pytest
import torch

from rl2lib.agents.eleven_arms import PAYOUTS, PaysForInformation, TargetThompson, one_hot_reward
from rl2lib.evaluation.evaluate import play
from rl2lib.tasks.wang import NUM_CANDIDATES, InformativeBanditEnv
from rl2lib.types import StepInput

EVERY_TARGET = torch.cat([1 + 4 * torch.eye(NUM_CANDIDATES), torch.arange(1, 11)[:, None] / 10], dim=1)


def test_paying_for_information_is_worth_20_55() -> None:
    trial = play(PaysForInformation(), InformativeBanditEnv(), EVERY_TARGET, seed=0)
    assert trial.trial_return().mean().item() == pytest.approx(20.55)
    assert bool((trial.reward[:, 1:] == 5).all())


def test_thompson_searches_without_repeating_itself_and_stays() -> None:
    search = play(TargetThompson(), InformativeBanditEnv(), EVERY_TARGET.repeat(20, 1), seed=0)
    for actions, rewards in zip(search.action.tolist(), search.reward.tolist(), strict=True):
        until = rewards.index(5.0) if 5.0 in rewards else 5
        assert len(set(actions[:until])) == until
        assert rewards[until:] == [5.0] * (5 - until)


def test_rewards_as_one_hot() -> None:
    rewards = torch.tensor([PAYOUTS])
    zeros = torch.zeros_like(rewards)
    told = one_hot_reward(StepInput(zeros[..., None], zeros.long(), rewards, zeros))
    assert torch.equal(told.observation[0], torch.eye(11)) and not told.prev_reward.any()
    first = one_hot_reward(StepInput.first(torch.zeros(2, 1)))
    assert first.observation.shape == (2, 11) and not first.observation.any()
