"""What notebook 05 says of the agents that come with it."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from rl2lib.agents.eleven_arms import INFORMATIVE_ARM
from rl2lib.agents.gittins import FiniteHorizonGittins
from rl2lib.evaluation.evaluate import play
from rl2lib.experiments.bundled import Bundle, load
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.tasks.wang import InformativeBanditEnv, InformativeBandits


@pytest.fixture(scope="module")
def bandits() -> Bundle:
    return load("bandits")


def test_on_five_arms_every_seed_is_near_the_optimum(bandits: Bundle) -> None:
    tasks = IndependentBandits(5).sample(4_000, torch.Generator().manual_seed(1))
    for policy in bandits.policies("table1/gru-n10_k5"):
        trial = play(policy.acting("greedy"), BanditEnv(5, 10), tasks, seed=1)
        assert trial.trial_return(expected=True).mean() > 6.5


def test_one_memory_per_arm_is_level_with_the_index_and_the_plain_network_is_behind(bandits: Bundle) -> None:
    tasks = IndependentBandits(10).sample(1_000, torch.Generator().manual_seed(1))

    def earned(policy: Any) -> float:
        return play(policy, BanditEnv(10, 100), tasks, seed=1).trial_return(expected=True).mean().item()

    index = earned(FiniteHorizonGittins(10, 100))
    structured = [policy.for_actions(10) for policy in bandits.policies("table1/equivariant-n100")]  # type: ignore[attr-defined]
    plain, taught = (bandits.policies(f"table1/{run}-n100_k10") for run in ("gru", "imitation"))
    lost = {
        name: [index - earned(policy.acting("greedy")) for policy in policies]
        for name, policies in (("structured", structured), ("taught", taught), ("plain", plain))
    }
    assert max(lost["structured"]) < 1 < min(lost["taught"]) and max(lost["taught"]) < 3 < min(lost["plain"])


def test_after_a_warm_start_they_pay_and_without_they_search(bandits: Bundle) -> None:
    eleven = InformativeBandits().sample(500, torch.Generator().manual_seed(1))
    for run, pays, low, high in (("number", 0.0, 9, 12), ("imitation", 1.0, 18, 21)):
        for policy in bandits.policies(f"eleven-arms/{run}"):
            trial = play(policy.acting("greedy"), InformativeBanditEnv(), eleven, seed=1)
            assert (trial.action[:, 0] == INFORMATIVE_ARM).float().mean().item() == pays
            assert low < trial.trial_return().mean() < high
