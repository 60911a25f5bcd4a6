from fractions import Fraction

import pytest
import torch

from rl2lib.agents.two_step import TwoStepAgent, TwoStepModelFree, TwoStepOptimal, chances_to_be_right
from rl2lib.evaluation.evaluate import play
from rl2lib.evaluation.statistics import mean_estimate
from rl2lib.tasks.sampling import make_generators
from rl2lib.tasks.wang import TwoStepEnv, TwoStepTasks
from rl2lib.types import StepInput

OFTEN, COMMON = Fraction(9, 10), Fraction(3, 4)


def by_enumeration(num_episodes: int, *, sees_second_stage: bool) -> Fraction:
    """The optimum over all policies that see the second stage or not, in exact fractions."""

    def outcomes(choice: int, better: int) -> dict[tuple[int, int], Fraction]:
        """How likely each (place as it is seen, reward) is."""
        found: dict[tuple[int, int], Fraction] = {}
        for place in (0, 1):
            for reward in (0, 1):
                led = COMMON if place == choice else 1 - COMMON
                paid = OFTEN if place == better else 1 - OFTEN
                seen = (place if sees_second_stage else -1, reward)
                found[seen] = found.get(seen, Fraction(0)) + led * (paid if reward else 1 - paid)
        return found

    def solve(weights: tuple[Fraction, Fraction], left: int) -> Fraction:
        """The rewards still to come, times the probability of the history; weights: its joint with either task."""
        if left == 0:
            return Fraction(0)
        totals = []
        for choice in (0, 1):
            tables = [outcomes(choice, better) for better in (0, 1)]
            total = Fraction(0)
            for seen in tables[0]:
                joint = (weights[0] * tables[0][seen], weights[1] * tables[1][seen])
                total += seen[1] * sum(joint) + solve(joint, left - 1)
            totals.append(total)
        return max(totals)

    return solve((Fraction(1, 2), Fraction(1, 2)), num_episodes)


@pytest.mark.parametrize("sees_second_stage", [True, False])
@pytest.mark.parametrize("num_episodes", [1, 2, 3, 4])
def test_the_value_is_the_optimum_over_all_policies(num_episodes: int, sees_second_stage: bool) -> None:
    exact = by_enumeration(num_episodes, sees_second_stage=sees_second_stage)
    assert TwoStepOptimal(num_episodes, sees_second_stage=sees_second_stage).value == pytest.approx(float(exact))


@pytest.mark.parametrize("sees_second_stage", [True, False])
def test_the_optimal_agents_earn_their_value(sees_second_stage: bool) -> None:
    tasks = TwoStepTasks().sample(4_000, make_generators(0, "tasks")["tasks"])
    agent = TwoStepOptimal(10, sees_second_stage=sees_second_stage)
    earned = mean_estimate(play(agent, TwoStepEnv(10), tasks, seed=0).trial_return(expected=True))
    assert abs(earned.mean - agent.value) < 4 * earned.standard_error


def test_the_chance_to_be_right_is_a_walk_with_drawn_ties() -> None:
    # two pieces of evidence: both right 0.81, one each 0.18, which is a coin's toss
    assert chances_to_be_right(3, 0.9) == pytest.approx([0.5, 0.9, 0.81 + 0.09])


def after_one_episode(agent: TwoStepAgent, choice: int, place: int, reward: float) -> torch.Tensor:
    """The values after a first episode."""
    state = agent.initial_state(1)
    generator = torch.Generator().manual_seed(0)
    first, flag = torch.tensor([[1.0, 0, 0]]), torch.zeros(1)
    state = agent.act(state, StepInput.first(first), generator)[1]
    second = torch.zeros(1, 3)
    second[0, 1 + place] = 1
    state = agent.act(state, StepInput(second, torch.tensor([choice]), flag, flag), generator)[1]
    last = StepInput(first, torch.tensor([1]), torch.tensor([reward]), torch.ones(1))
    return agent.act(state, last, generator)[1].values[0]


def test_the_planner_believes_in_the_place_and_the_caching_learner_in_the_choice() -> None:
    # a rare transition: choice 0 led to place 1, and was paid
    assert after_one_episode(TwoStepOptimal(2), 0, 1, 1.0).tolist() == [0, 1]
    assert after_one_episode(TwoStepOptimal(2), 0, 1, 0.0).tolist() == [1, 0]
    assert after_one_episode(TwoStepOptimal(2, sees_second_stage=False), 0, 1, 1.0).tolist() == [1, 0]
    for place in (0, 1):
        cached = after_one_episode(TwoStepModelFree(learning_rate=0.2), 0, place, 1.0)
        assert cached.tolist() == pytest.approx([0.6, 0.5])


def test_the_caching_learner_draws_from_its_softmax() -> None:
    agent = TwoStepModelFree(0.5, inverse_temperature=2.0)
    generator = torch.Generator().manual_seed(0)
    drawn = agent.choose(torch.tensor([[0.25, 0.75]]).repeat(20_000, 1), generator).double().mean().item()
    assert drawn == pytest.approx(1 / (1 + torch.e ** (-2.0 * 0.5)), abs=0.015)


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="learning_rate: expected one in"):
        TwoStepModelFree(0.0)
    with pytest.raises(ValueError, match="inverse_temperature"):
        TwoStepModelFree(0.5, -1.0)
    with pytest.raises(ValueError, match=r"common: expected a probability in \(1/2, 1\)"):
        TwoStepOptimal(10, common=0.4)
    with pytest.raises(ValueError, match="episodes_per_trial"):
        TwoStepOptimal(0)
    with pytest.raises(ValueError, match=r"inputs.observation: expected \[B, 3\]"):
        agent = TwoStepModelFree()
        agent.act(agent.initial_state(2), StepInput.first(torch.zeros(2, 1)), torch.Generator())
