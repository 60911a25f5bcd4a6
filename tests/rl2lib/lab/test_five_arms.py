"""Five arms: pure in its sliders, every agent on the same arms with the same luck."""

from __future__ import annotations

import time

import pytest

from rl2lib.lab.explorables.base import Slider
from rl2lib.lab.explorables.five_arms import NUM_ARMS, NUM_BANDITS, NUM_PULLS, TRAINED, FiveArms, agents


def test_every_value_of_every_slider_is_played() -> None:
    game = FiveArms()
    bandit, pulls = game.controls()["bandit"], game.controls()["pulls"]
    assert isinstance(bandit, Slider) and isinstance(pulls, Slider)
    assert (bandit.maximum, pulls.maximum) == (NUM_BANDITS, NUM_PULLS)
    for number in range(1, NUM_BANDITS + 1, 7):
        for shown in range(1, NUM_PULLS + 1, 3):
            state = game.state(bandit=number, pulls=shown)
            assert len(state["means"]) == NUM_ARMS and set(state["rows"]) == set(agents())
            for row in state["rows"].values():
                assert len(row["arms"]) == len(row["paid"]) == shown and row["regret"] >= -1e-5


def test_state_is_pure_and_a_shorter_view_is_the_start_of_a_longer_one() -> None:
    game = FiveArms()
    long = game.state(bandit=3, pulls=10)
    short = game.state(bandit=3, pulls=4)
    assert long == game.state(bandit=3, pulls=10)
    assert all(short["rows"][name]["arms"] == row["arms"][:4] for name, row in long["rows"].items())
    assert game.state(bandit=4, pulls=10)["means"] != long["means"]


def test_agents_that_choose_alike_are_paid_alike() -> None:
    game = FiveArms()
    for number in range(1, 11):
        rows = game.state(bandit=number)["rows"]
        for pull in range(NUM_PULLS):
            paid: dict[int, set[int]] = {}
            for row in rows.values():
                paid.setdefault(row["arms"][pull], set()).add(row["paid"][pull])
            assert all(len(values) == 1 for values in paid.values())


def test_regret_is_what_the_means_fall_short() -> None:
    state = FiveArms().state(bandit=2, pulls=10)
    row = state["rows"]["greedy"]
    expected = sum(max(state["means"]) - state["means"][arm] for arm in row["arms"])
    assert row["regret"] == pytest.approx(expected, abs=1e-5)


def test_it_draws_quickly_and_says_what_it_shows() -> None:
    game = FiveArms()
    game.render()  # imports and caches
    begin = time.process_time()
    state = game.state(bandit=5)
    figure = game.draw(state)
    assert time.process_time() - begin < 2  # the aim is 0.2 s; a busy machine takes three times that
    assert len(figure.axes) == 3
    assert "Bandit 5" in game.describe(state) and f"{TRAINED} pulled arms" in game.describe(state)
