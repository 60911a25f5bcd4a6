"""The game of notebook 02: pure, fair to both players, and honest about what a column is worth."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest

from rl2lib.lab.explorables.base import Button
from rl2lib.lab.explorables.be_the_rnn import (
    COLUMNS,
    NUM_ARMS,
    NUM_PULLS,
    NUM_REFERENCE_BANDITS,
    Bandits,
    BeTheRNN,
    counts_agent,
    long_run,
)

PRESSES = (0, 1, 2, 2, 1, 2)


def test_state_is_a_pure_function_of_seed_and_presses() -> None:
    once = BeTheRNN().state(bandit=3, masked="flag", presses=PRESSES)
    again = BeTheRNN()
    again.state(bandit=9, presses=(1,) * 5)
    assert again.state(bandit=3, masked="flag", presses=PRESSES) == once
    assert BeTheRNN().state(bandit=4, presses=PRESSES)["means"] != once["means"]


def test_more_presses_only_lengthen_the_stream() -> None:
    streams = [BeTheRNN().state(bandit=5, presses=PRESSES[:n])["stream"] for n in range(len(PRESSES) + 1)]
    assert streams[0] == [(0, 0, 0, 0)]
    for shorter, longer in itertools.pairwise(streams):
        assert longer[:-1] == shorter
    assert all(row[3] == 1 for row in streams[-1][1:])


def test_total_adds_up_the_reward_column() -> None:
    state = BeTheRNN().state(bandit=2, presses=(1,) * NUM_PULLS)
    assert state["total"] == sum(row[2] for row in state["stream"])
    assert state["over"] and 0 <= state["agent_total"] <= NUM_PULLS


@pytest.mark.parametrize("masked", COLUMNS)
def test_masking_hides_one_column_until_the_game_is_over(masked: str) -> None:
    column = COLUMNS.index(masked)
    during = BeTheRNN().state(bandit=1, masked=masked, presses=PRESSES)["visible"]
    assert all((entry is None) == (index == column) for row in during for index, entry in enumerate(row))
    after = BeTheRNN().state(bandit=1, masked=masked, presses=(0,) * NUM_PULLS)["visible"]
    assert all(entry is not None for row in after for entry in row)


def test_a_press_is_a_leaning() -> None:
    rows = [BeTheRNN().state(bandit=seed, presses=(1,) * NUM_PULLS)["stream"][1:] for seed in range(1, 51)]
    followed = np.mean([row[1] == 1 for game in rows for row in game])
    # 600 presses, each followed with probability 3/4 + 1/4 * 1/3 = 5/6; four standard deviations are 0.06.
    assert abs(followed - 5 / 6) < 0.06


def test_same_leanings_earn_the_same_as_the_agent() -> None:
    bandits = Bandits.draw(1, seed=1007)
    leanings, wins, losses = [], np.ones(NUM_ARMS), np.ones(NUM_ARMS)
    for step in range(NUM_PULLS):
        leanings.append(int((wins / (wins + losses)).argmax()))
        arms, rewards = bandits.pull(step, np.array([leanings[-1]]))
        wins[arms[0]] += rewards[0]
        losses[arms[0]] += 1 - rewards[0]
    state = BeTheRNN().state(bandit=7, presses=tuple(leanings))
    assert state["total"] == state["agent_total"]


def test_action_and_reward_are_worth_something_flag_and_observation_nothing() -> None:
    bandits = Bandits.draw(NUM_REFERENCE_BANDITS, seed=2016)
    whole = counts_agent(bandits).sum(axis=1)
    for masked in ("previous action", "previous reward"):
        loss = whole - counts_agent(bandits, masked).sum(axis=1)
        assert loss.mean() > 4 * loss.std() / np.sqrt(len(loss)), masked
    assert long_run("flag") == long_run("observation") == long_run("nothing") == whole.mean()


def test_buttons_are_played_in_the_order_of_the_presses() -> None:
    game = BeTheRNN()
    values = game.first_values()
    _, start = game.render(**values)
    assert "0 of 12 pulls" in start
    words = ""
    for arm in PRESSES:
        values[f"arm_{arm}"] += 1
        _, words = game.render(**values)
    assert words == game.describe(game.state(presses=PRESSES))
    values["bandit"] = 2  # another bandit is another game
    _, words = game.render(**values)
    assert "0 of 12 pulls" in words


def test_it_has_one_button_for_each_arm_and_draws_quickly() -> None:
    game = BeTheRNN()
    assert sum(isinstance(control, Button) for control in game.controls().values()) == NUM_ARMS
    game.render()  # imports and caches
    begin = time.process_time()
    state = game.state(bandit=1, masked="previous action", presses=(2,) * NUM_PULLS)
    figure = game.draw(state)
    assert time.process_time() - begin < 2  # the aim is 0.2 s; a busy machine takes three times that
    assert len(figure.axes) == 2
    assert "previous action" in game.describe(state)
