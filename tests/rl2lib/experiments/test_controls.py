"""Controls must act as what they stand for: RL¹ in its own environment, and a policy that forgets."""

from __future__ import annotations

import pytest
import torch

from rl2lib.agents.recurrent import RecurrentPolicy
from rl2lib.evaluation.evaluate import play
from rl2lib.experiments.controls import Told, Wiped
from rl2lib.experiments.reveal import ForgetfulPolicy, RevealedTask
from rl2lib.experiments.rl1_vs_rl2 import BANDIT, CORRIDOR, both_tasks
from rl2lib.tasks.bandit import BanditEnv
from rl2lib.tasks.pomdp import CorridorEnv


def _forgetful(num_inputs: int) -> ForgetfulPolicy:
    generator = torch.Generator().manual_seed(2)
    return ForgetfulPolicy((num_inputs,), 2, 6, forgets="episodes", generator=generator, core="lstm")


@pytest.mark.parametrize("place", [BANDIT, CORRIDOR])
def test_a_told_agent_acts_as_in_the_revealed_environment(place: str) -> None:
    env = BanditEnv(2, 6) if place == BANDIT else CorridorEnv(2)
    policy, tasks = _forgetful(env.observation_shape[0] + 2), both_tasks(place, 40)
    theirs = play(policy, RevealedTask(env), tasks, seed=1)  # type: ignore[arg-type]
    ours = play(Told(policy), env, tasks, seed=1)  # type: ignore[arg-type]
    assert torch.equal(ours.action, theirs.action) and torch.equal(ours.reward, theirs.reward)
    with pytest.raises(ValueError, match="got None"):
        Told(policy).initial_state(3)


def test_a_wiped_agent_acts_as_one_that_forgets() -> None:
    env, tasks = CorridorEnv(2), both_tasks(CORRIDOR, 40)
    forgetful = _forgetful(5)
    keeps = RecurrentPolicy((5,), 2, 6, generator=torch.Generator(), core="lstm")
    keeps.load_state_dict(forgetful.state_dict())
    wiped = play(Wiped(keeps), env, tasks, seed=1)
    assert torch.equal(wiped.action, play(forgetful, env, tasks, seed=1).action)
    assert not torch.equal(wiped.action, play(keeps, env, tasks, seed=1).action)
