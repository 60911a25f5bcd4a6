import pytest
import torch

from rl2lib.agents.chain_optimal import ChainOptimal
from rl2lib.agents.tabular import Oracle
from rl2lib.evaluation.evaluate import play
from rl2lib.evaluation.statistics import mean_estimate
from rl2lib.tasks.sampling import make_generators
from rl2lib.tasks.tabular import ChainMDPs, TabularEnv, TabularTasks
from rl2lib.types import StepInput


def tasks_of(chains: ChainMDPs, count: int) -> TabularTasks:
    return chains.sample(count, make_generators(0, "tasks")["tasks"])


def test_two_states_and_two_actions_by_hand() -> None:
    """One episode of three steps, small reward 2, goal 10.

    The first try leads on or back, either way it is known then. On: two steps at the end; the first there pays 10
    (and is repeated: 10) or 2 (back at the start, one step left: going back pays 2). Back: 2, then on (0), and at the
    last step a try pays 6 on average, more than going back twice for 2 and 2.
    """
    lucky = 0.5 * (10 + 10) + 0.5 * (2 + 2)
    unlucky = 2 + 0 + 6
    assert ChainOptimal(ChainMDPs(2, 2), 3, 1).value == pytest.approx(0.5 * lucky + 0.5 * unlucky)
    # a single step: one action of three leads on and pays nothing
    assert ChainOptimal(ChainMDPs(2, 3), 1, 1).value == pytest.approx(2 * 2 / 3)


@pytest.mark.parametrize(("states", "actions", "horizon", "episodes"), [(5, 2, 10, 10), (3, 4, 4, 6), (2, 2, 1, 3)])
def test_it_earns_its_value(states: int, actions: int, horizon: int, episodes: int) -> None:
    chains = ChainMDPs(states, actions)
    agent = ChainOptimal(chains, horizon, episodes)
    env = TabularEnv(states, actions, horizon, episodes)
    earned = mean_estimate(play(agent, env, tasks_of(chains, 4_000), seed=1).trial_return(expected=True))
    assert abs(earned.mean - agent.value) < 4 * earned.standard_error
    assert agent.value <= agent.bound


def test_with_time_enough_an_episode_is_worth_the_oracles() -> None:
    chains = ChainMDPs(3, 3)
    env = TabularEnv(3, 3, 8, 1)
    told = play(Oracle(8), env, tasks_of(chains, 4), seed=0).trial_return(expected=True)
    more = ChainOptimal(chains, 8, 12).value - ChainOptimal(chains, 8, 11).value
    assert more == pytest.approx(told.mean().item(), abs=1e-3)


def test_what_failed_everywhere_else_must_lead_on() -> None:
    agent = ChainOptimal(ChainMDPs(3, 2), 6, 2)
    start, middle = torch.eye(3)[[0]], torch.eye(3)[[1]]
    first, belief = agent.act(agent.initial_state(1), StepInput.first(start), torch.Generator())
    led_back = StepInput(start, first, torch.tensor([2.0]), torch.tensor([0.0]))
    second, belief = agent.act(belief, led_back, torch.Generator())
    assert first.tolist() == [0] and second.tolist() == [1] and belief.found.tolist() == [1]
    led_on = StepInput(middle, second, torch.tensor([0.0]), torch.tensor([0.0]))
    _, belief = agent.act(belief, led_on, torch.Generator())
    assert belief.forward[0, 0] == 1 and not belief.failed[0, 1].any()


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="slip: expected 0"):
        ChainOptimal(ChainMDPs(slip=0.1))
    with pytest.raises(ValueError, match="goal_reward"):
        ChainOptimal(ChainMDPs(goal_reward=1.0))
    agent = ChainOptimal(ChainMDPs(3, 2), 1, 1)
    with pytest.raises(ValueError, match=r"inputs.observation: expected \[B, S\]"):
        agent.act(agent.initial_state(1), StepInput.first(torch.eye(4)[[0]]), torch.Generator())
    belief = agent.initial_state(1)._replace(steps=1)
    after = StepInput(torch.eye(3)[[0]], torch.tensor([0]), torch.tensor([2.0]), torch.tensor([1.0]))
    with pytest.raises(ValueError, match="trial of 1 steps"):
        agent.act(belief, after, torch.Generator())
