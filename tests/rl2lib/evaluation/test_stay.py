import math

import pytest
import torch

from rl2lib.agents.two_step import TwoStepModelFree, TwoStepOptimal
from rl2lib.evaluation.evaluate import play
from rl2lib.evaluation.stay import StayCounts, stay_counts, stay_probabilities
from rl2lib.tasks.sampling import make_generators
from rl2lib.tasks.wang import TwoStepEnv, TwoStepTasks
from rl2lib.types import Policy, Trajectory


def counts_of(agent: Policy, num_episodes: int, num_tasks: int = 2_000, seed: int = 0) -> StayCounts:
    tasks = TwoStepTasks().sample(num_tasks, make_generators(seed, "tasks")["tasks"])
    return stay_counts(play(agent, TwoStepEnv(num_episodes), tasks, seed=seed), tasks)


def by_hand(*episodes: tuple[int, int, int]) -> Trajectory:
    """One trial of episodes (choice, place, reward)."""
    observation, action, reward = [], [], []
    for choice, place, paid in episodes:
        observation += [[1.0, 0, 0], [0, float(place == 0), float(place == 1)]]
        action += [choice, 0]
        reward += [0.0, float(paid)]
    flags = torch.zeros(1, len(action), dtype=torch.bool)
    return Trajectory(
        torch.tensor([observation]), torch.tensor([action]), torch.tensor([reward]), flags, flags, flags, ~flags
    )


def test_counts_by_hand() -> None:
    # place 1 pays often, so choice 1 is the better one
    trial = by_hand((0, 1, 1), (1, 1, 1), (1, 0, 0), (1, 1, 0), (0, 0, 1))
    counts = stay_counts(trial, torch.tensor([[0.1, 0.9]]))
    met, stayed = torch.zeros(1, 2, 4), torch.zeros(1, 2, 4)
    met[0, 0, 1] = 1  # the worse choice, rewarded after a rare transition, and left
    met[0, 1, 0] = stayed[0, 1, 0] = 1  # the better one, rewarded after a common one, and repeated
    met[0, 1, 3] = stayed[0, 1, 3] = 1  # unrewarded after a rare one, repeated
    met[0, 1, 2] = 1  # unrewarded after a common one, left; the last episode has no next
    assert torch.equal(counts.met, met.double()) and torch.equal(counts.stayed, stayed.double())


def test_a_planner_without_doubt_has_an_interaction_of_two() -> None:
    for given_choice in (True, False):
        found = stay_probabilities(counts_of(TwoStepOptimal(2), 2), given_choice=given_choice)
        assert [stay.mean for stay in found.outcomes] == [1, 0, 0, 1]
        assert (found.interaction.mean, found.interaction.standard_error) == (2, 0)


def test_a_caching_learner_has_one_over_all_choices_and_none_given_the_choice() -> None:
    counts = counts_of(TwoStepModelFree(0.3, 10.0), 20, 4_000)
    given, pooled = (stay_probabilities(counts, given_choice=given).interaction for given in (True, False))
    assert given.low < 0 < given.high and given.high - given.low < 0.1
    assert pooled.low > 0.1


def test_the_error_is_that_of_repeated_measurements() -> None:
    found = [
        stay_probabilities(counts_of(TwoStepModelFree(0.5, 5.0), 5, 400, seed), given_choice=True) for seed in range(60)
    ]
    spread = torch.tensor([each.interaction.mean for each in found]).std().item()
    stated = math.sqrt(sum(each.interaction.standard_error**2 for each in found) / len(found))
    assert stated == pytest.approx(spread, rel=0.3)


def test_what_cannot_be_counted_is_refused() -> None:
    with pytest.raises(ValueError, match="at least two episodes"):
        stay_counts(by_hand((0, 0, 1)), torch.tensor([[0.9, 0.1]]))
    with pytest.raises(ValueError, match=r"tasks: expected \[B, 2\]"):
        stay_counts(by_hand((0, 0, 1), (0, 0, 1)), torch.tensor([[0.9]]))
    nothing = torch.zeros(3, 2, 4, dtype=torch.float64)
    with pytest.raises(ValueError, match="never met"):
        stay_probabilities(StayCounts(nothing, nothing), given_choice=True)
