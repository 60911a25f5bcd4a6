"""Forgetting must be beginning anew, acting and learning alike; and RL¹ acts as in its own environment."""

from __future__ import annotations

import pytest
import torch

from rl2lib.agents.feedforward import FeedForwardPolicy
from rl2lib.agents.forgetful import ForgetfulPolicy, ForgetsAfter, Wiped, blank
from rl2lib.agents.recurrent import RecurrentPolicy
from rl2lib.agents.softmax_policy import Mode
from rl2lib.agents.told import Told
from rl2lib.evaluation.evaluate import play
from rl2lib.tasks.bandit import BanditEnv
from rl2lib.tasks.pomdp import CorridorEnv
from rl2lib.tasks.views import RevealedTask
from rl2lib.types import StepInput


def _forgetful(num_inputs: int) -> ForgetfulPolicy:
    generator = torch.Generator().manual_seed(2)
    return ForgetfulPolicy((num_inputs,), 2, 6, forgets="episodes", generator=generator, core="lstm")


@pytest.mark.parametrize("env", [BanditEnv(2, 6), CorridorEnv(2)])
def test_a_told_agent_acts_as_in_the_revealed_environment(env: BanditEnv | CorridorEnv) -> None:
    policy, sides = _forgetful(env.observation_shape[0] + 2), torch.arange(40) % 2
    tasks = sides if isinstance(env, CorridorEnv) else torch.nn.functional.one_hot(sides, 2).to(torch.float32)
    theirs = play(policy, RevealedTask(env), tasks, seed=1)
    ours = play(Told(policy), env, tasks, seed=1)
    assert torch.equal(ours.action, theirs.action) and torch.equal(ours.reward, theirs.reward)
    with pytest.raises(ValueError, match="got None"):
        Told(policy).initial_state(3)


@pytest.mark.parametrize("mode", ["sampled", "greedy"])
def test_a_wiped_agent_acts_as_one_that_forgets(mode: Mode) -> None:
    env, tasks = CorridorEnv(2), torch.arange(40) % 2
    forgetful = _forgetful(5).acting(mode)
    keeps = RecurrentPolicy((5,), 2, 6, generator=torch.Generator(), core="lstm", mode=mode)
    keeps.load_state_dict(forgetful.state_dict())
    wiped = play(Wiped(keeps), env, tasks, seed=1)
    assert torch.equal(wiped.action, play(forgetful, env, tasks, seed=1).action)
    assert not torch.equal(wiped.action, play(keeps, env, tasks, seed=1).action)


def test_who_has_no_state_is_wiped_of_its_inputs() -> None:
    policy = FeedForwardPolicy((5,), 2, 6, generator=torch.Generator().manual_seed(0)).acting("greedy")
    g = torch.Generator().manual_seed(1)
    first = StepInput.first(torch.randn(200, 5, generator=g))
    later = first._replace(prev_action=torch.randint(2, (200,), generator=g), prev_end=torch.ones(200))
    state = policy.initial_state(200)
    wiped, _ = Wiped(policy).act(state, later, g)
    assert torch.equal(wiped, policy.act(state, first, g)[0])
    assert not torch.equal(wiped, policy.act(state, later, g)[0])


@pytest.mark.parametrize("forgets", ["episodes", "steps"])
def test_a_forgetful_policy_unrolls_as_it_acts_and_begins_anew(forgets: str) -> None:
    policy = ForgetfulPolicy(
        (3,),
        2,
        5,
        forgets=forgets,  # type: ignore[arg-type]
        generator=torch.Generator().manual_seed(0),
        core="lstm",
    )
    generator = torch.Generator().manual_seed(1)
    inputs = StepInput(
        torch.randn(4, 6, 3, generator=generator),
        torch.randint(2, (4, 6), generator=generator),
        torch.randn(4, 6, generator=generator),
        torch.tensor([[0.0, 0, 0, 1, 0, 0]] * 4),
    )
    logits, _ = policy.unroll(inputs)
    # from the second episode's start on it is as if nothing had been: the same as its steps played alone
    alone = StepInput(*(column[:, 3:] for column in inputs))
    begun = blank(alone, torch.zeros(4, 3) > 0)
    first = blank(StepInput(*(column[:, 0] for column in alone)), torch.ones(4) > 0)
    state, expected = policy.initial_state(4), []
    for t in range(3):
        now = first if t == 0 else StepInput(*(column[:, t] for column in begun))
        out, state = policy.step(state, now)
        expected.append(out)
    assert torch.allclose(logits[:, 3:], torch.stack(expected, dim=1), atol=1e-6)
    changed = inputs._replace(observation=inputs.observation.clone())
    changed.observation[:, 1] += 1.0
    moved = (policy.unroll(changed)[0] - logits).abs().amax(dim=(0, 2)) > 1e-6
    assert moved.tolist() == [False, True, forgets == "episodes", False, False, False]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def some_inputs() -> StepInput:
    g = generator(1)
    ends = torch.tensor([[0.0, 1, 0, 1, 1, 0, 1, 0]] * 4)
    inputs = StepInput(
        torch.randn(4, 8, 3, generator=g), torch.randint(2, (4, 8), generator=g), torch.randn(4, 8, generator=g), ends
    )
    return blank(inputs, (torch.arange(8) == 0).expand(4, -1))


def test_forgetting_after_two_episodes_is_beginning_anew_at_the_third_and_the_fifth() -> None:
    policy = ForgetsAfter((3,), 2, 5, episodes=2, generator=generator())
    plain = RecurrentPolicy((3,), 2, 5, generator=generator())
    inputs = some_inputs()
    logits, _ = policy.unroll(inputs)
    for start, stop in ((0, 3), (3, 6), (6, 8)):  # the second and the fourth end come before steps 3 and 6
        part = StepInput(*(column[:, start:stop] for column in inputs))
        fresh = torch.arange(stop - start) == 0
        expected, _ = plain.unroll(blank(part, fresh.expand(4, -1)))
        torch.testing.assert_close(logits[:, start:stop], expected)


def test_forgetting_after_every_episode_is_rl1s() -> None:
    one = ForgetsAfter((3,), 2, 5, episodes=1, generator=generator())
    other = ForgetfulPolicy((3,), 2, 5, forgets="episodes", generator=generator())
    torch.testing.assert_close(one.unroll(some_inputs())[0], other.unroll(some_inputs())[0])
    assert str(one) != str(ForgetsAfter((3,), 2, 5, episodes=2, generator=generator()))
