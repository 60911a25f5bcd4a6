"""The mind swap of notebook 07: pure in its controls, true to the corridor, and the state takes the knowledge along."""

from __future__ import annotations

import time

import pytest
import torch

from rl2lib.experiments.bundled import load
from rl2lib.experiments.papers.rl1_vs_rl2.trained import RL1
from rl2lib.lab.explorables.mind_swap import HALF_LENGTH, LATEST, NOTHING, SWAP, MindSwap, walks
from rl2lib.tasks.pomdp import CorridorEnv

LAST = 2 * HALF_LENGTH


def test_undisturbed_it_searches_once_and_then_walks_straight() -> None:
    found = MindSwap().state(operation=NOTHING)
    lengths = sorted(walk.steps[0] for walk in found["walked"])
    assert lengths == [HALF_LENGTH, 3 * HALF_LENGTH]
    for goal, walk in enumerate(found["walked"]):
        assert walk.steps[1] == HALF_LENGTH and walk.ended_at == goal
        direction = 1 if goal else -1
        assert walk.cells[walk.steps[0] :] == tuple(HALF_LENGTH + direction * t for t in range(HALF_LENGTH))


def test_after_the_swap_each_trial_walks_to_the_other_ones_goal() -> None:
    found = MindSwap().state(operation=SWAP, moment=0)
    for goal, walk in enumerate(found["walked"]):
        assert walk.ended_at == 1 - goal
        wrong_end = LAST * (1 - goal)
        assert walk.cells[walk.steps[0] + HALF_LENGTH] == wrong_end, "straight"
        assert walk.cells[: walk.steps[0]] == found["undisturbed"][goal].cells[: walk.steps[0]], (
            "episode 1 is untouched"
        )


@pytest.mark.parametrize("moment", range(LATEST + 1))
def test_until_the_operation_nothing_changes(moment: int) -> None:
    found = MindSwap().state(operation=SWAP, moment=moment)
    for before, after in zip(found["undisturbed"], found["walked"], strict=True):
        operated = before.steps[0] + moment
        assert before.cells[: operated + 1] == after.cells[: operated + 1]
        assert before.cells != after.cells


def test_rl1_is_untouched_by_a_swap_at_the_start_of_episode_2() -> None:
    found = MindSwap().state(agent=RL1, operation=SWAP, moment=0)
    assert found["walked"] == found["undisturbed"]


def test_what_the_notebook_says_about_later_moments() -> None:
    for goal, walk in enumerate(MindSwap().state(operation=SWAP, moment=1)["walked"]):
        second = walk.cells[walk.steps[0] :]
        assert second[2] == second[0] and walk.ended_at == 1 - goal, "both turn on the spot"
    for moment in range(LATEST + 1):
        for goal, walk in enumerate(MindSwap().state(agent=RL1, operation=SWAP, moment=moment)["walked"]):
            assert walk.ended_at == goal and walk.steps[1] <= HALF_LENGTH + 2


def test_every_step_of_a_walk_is_one_cell_or_a_wall() -> None:
    for moment in range(LATEST + 1):
        for walk in MindSwap().state(operation=SWAP, moment=moment)["walked"]:
            assert len(walk.cells) == sum(walk.steps)
            inside = [t for t in range(1, len(walk.cells)) if t != walk.steps[0]]
            assert all(abs(walk.cells[t] - walk.cells[t - 1]) in (0, 1) for t in inside)
            assert all(walk.cells[t] in (0, LAST) for t in inside if walk.cells[t] == walk.cells[t - 1])


def test_keeping_ones_own_state_changes_nothing() -> None:
    policy, env = load("beliefs").policy("rl1-vs-rl2/rl2-corridor_d5"), CorridorEnv(HALF_LENGTH)
    whole, kept = walks(policy, env, moment=2)
    assert not torch.equal(kept[0], kept[1])
    own, _ = walks(policy, env, moment=2, kept=kept.flip(0))  # each is given what the other one kept
    assert own == whole


def test_every_control_through_its_range_is_drawn_in_time_and_told_in_words() -> None:
    game = MindSwap()
    game.render()  # imports and caches
    controls = game.controls()
    for agent in controls["agent"].options:  # type: ignore[union-attr]
        for operation in controls["operation"].options:  # type: ignore[union-attr]
            for moment in range(LATEST + 1):
                state = game.state(agent=agent, operation=operation, moment=moment)
                assert state == game.state(agent=agent, operation=operation, moment=float(moment))
    begin = time.process_time()
    figure = game.draw(state)
    assert time.process_time() - begin < 2  # the aim is 0.2 s; a busy machine takes three times that
    assert len(figure.axes) == 2
    assert "episode 2" in game.describe(state)
    picture, words = game.render(operation=SWAP, moment=0)
    assert picture.startswith(b"\x89PNG") and "swapped" in words
