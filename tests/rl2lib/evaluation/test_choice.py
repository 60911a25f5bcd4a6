"""Choices on validation tasks: a baseline's setting, greedy or sampled actions."""

import pytest
import torch

from rl2lib.agents.recurrent import RecurrentPolicy
from rl2lib.evaluation import choice
from rl2lib.evaluation.choice import acting_best, best_of
from tests.rl2lib.evaluation.test_compare import ENV, TWO, Fixed


def test_the_best_candidate_is_found_and_of_equals_the_first() -> None:
    candidates = [("none", Fixed(0)), ("full", Fixed(1)), ("full again", Fixed(1)), ("half", Fixed(0, 1))]
    assert best_of(iter(candidates), ENV, TWO, seed=0) == candidates[1]


@pytest.mark.parametrize(("likelier", "mode"), [(1, "greedy"), (0, "sampled")])
def test_trained_policies_act_greedily_unless_sampled_actions_are_better_for_all_of_them_together(
    likelier: int, mode: str
) -> None:
    tasks = torch.tensor([0.1, 0.9]).expand(500, 2)  # whoever thinks arm 0 the likelier is better off by drawing
    policies = [RecurrentPolicy((1,), 2, 4, generator=torch.Generator().manual_seed(seed)) for seed in range(3)]
    for policy in policies:
        with torch.no_grad():
            policy.head.bias[likelier] += 3.0
    found = acting_best(policies, ENV, tasks, seed=4)
    assert [policy.mode for policy in found] == [mode] * 3
    assert {policy.mode for policy in policies} == {"sampled"}, "those handed in are as they were"


@pytest.mark.parametrize(("errors", "mode"), [(2.5, "greedy"), (4.0, "sampled")])
def test_two_standard_errors_are_not_enough_for_sampled_actions(
    errors: float, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = torch.tensor([1.0, -1.0]).repeat(500)
    gain = {"greedy": 0.0, "sampled": errors * noise.std().item() / 1000**0.5}
    monkeypatch.setattr(choice, "scores", lambda policy, *_, **__: gain[policy.mode] + noise * bool(gain[policy.mode]))
    (found,) = acting_best([RecurrentPolicy((1,), 2, 4, generator=torch.Generator())], ENV, TWO, seed=0)
    assert found.mode == mode
