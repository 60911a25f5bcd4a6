"""The eleven-armed agent pays once, then 5, 5, 5, 5; and believes a lie."""

from __future__ import annotations

import time

from rl2lib.lab.explorables.lie_to_it import NUM_PULLS, PAYS, SEARCHES, LieToIt


def test_told_the_truth_it_pays_once_and_earns_fives() -> None:
    game, fives = LieToIt(), 0
    for target in range(1, 11):
        state = game.state(target=target, told=target, agent=PAYS)
        assert state["arms"][0] == 11 and state["rewards"][0] == target / 10 and state["honest"]
        fives += state["rewards"][1:] == [5.0] * 4
    assert fives >= 8  # of ten targets; it was trained, not programmed


def test_told_a_lie_it_pulls_the_arm_that_was_named() -> None:
    game, believed = LieToIt(), 0
    for told in range(1, 11):
        if told != 7:
            state = game.state(target=7, told=told, agent=PAYS)
            believed += state["arms"][1] == told and state["rewards"][1] == 1.0
            assert not state["honest"]
    assert believed >= 7


def test_after_a_lie_it_mostly_stays_and_hardly_ever_finds_the_target() -> None:
    game = LieToIt()
    lies = [game.state(target=t, told=s) for t in range(1, 11) for s in range(1, 11) if t != s]
    stays = sum(set(state["arms"][1:]) == {state["told"]} for state in lies)
    ones = sum(state["rewards"][1:] == [1.0] * 4 for state in lies)
    assert 45 < stays < 75 and ones > 80  # of 90


def test_the_plain_agent_asks_nobody_and_cannot_be_lied_to() -> None:
    game = LieToIt()
    for target in range(1, 11):
        plays = [game.state(target=target, told=told, agent=SEARCHES) for told in (1, 5, 10)]
        assert all(11 not in state["arms"] for state in plays)
        assert all(state["rewards"] == plays[0]["rewards"] for state in plays)


def test_it_is_pure_draws_quickly_and_says_what_it_shows() -> None:
    game = LieToIt()
    assert game.state(target=2, told=9) == game.state(target=2, told=9)
    game.render()
    begin = time.process_time()
    state = game.state(target=3, told=4)
    figure = game.draw(state)
    assert time.process_time() - begin < 2  # the aim is 0.2 s; a busy machine takes three times that
    assert len(figure.axes[0].patches) == NUM_PULLS * 11
    assert "a lie" in game.describe(state) and "arm 11 paid 0.4" in game.describe(state)
