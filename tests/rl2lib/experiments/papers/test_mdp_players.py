"""Baselines of tabular MDPs: who plays in which column, and how a scaling is searched."""

from __future__ import annotations

import pytest

from rl2lib.agents.posterior import TABULARL, TRUE_PRIOR, Prior
from rl2lib.agents.tabular_variants import GRIDS
from rl2lib.experiments.papers.mdp_players import BLIND, STRIDE, baseline_players, bounds, search
from rl2lib.tasks.catalogue import make_task
from rl2lib.tasks.sampling import make_generators

DISTRIBUTION, ENV = make_task("random-mdps", num_states=3, num_actions=2, horizon=3, episodes_per_trial=2)
TASKS = DISTRIBUTION.sample(4, make_generators(0, "tasks")["tasks"])


def test_every_column_has_its_agents_and_only_the_first_the_published_numbers():
    players = baseline_players(ENV, TASKS, 0, {"BEB": 150.2}, scale="smoke")
    assert len({player.name for player in players}) == len(players) == 6 + 7 + 5
    assert [player.variant for player in players if player.published is not None] == ["as published"]
    assert not any(player.seeds for player in players)
    assert {player.agent: player.setting for player in players if player.variant == "true prior"}["OPSRL"] == "N = 10"
    assert not [player for player in players if player.agent == BLIND and player.variant == "as published"]


def test_another_prior_is_for_the_columns_after_the_first():
    mine = Prior(0.1, 2.0, 0.125)
    for prior in (TRUE_PRIOR, mine):
        players = {
            player.name: player.policies[0] for player in baseline_players(ENV, TASKS, 0, scale="smoke", prior=prior)
        }
        assert players["BEB (as published)"].prior == TABULARL
        for variant in ("true prior", "true prior, every step"):
            assert players[f"UCRL2 ({variant})"].prior == prior


def test_a_searched_scaling_is_one_of_its_grid(monkeypatch):
    monkeypatch.setattr("rl2lib.experiments.papers.mdp_players.FEW_SAMPLES", (1, 2))
    players = baseline_players(ENV, TASKS, 0, scale="laptop")
    for player in players:
        if player.agent in GRIDS:
            assert float(player.setting.split(" = ")[1]) in [float(f"{value:.2g}") for value in GRIDS[player.agent][1]]
        else:
            assert player.setting == ""


@pytest.mark.parametrize("top", [0, 1, 7, 10, 20])
def test_the_search_climbs_one_hill_to_within_a_step_of_half_a_stride(top):
    grid, asked = [float(i) for i in range(21)], []

    def score(value):
        asked.append(value)
        return -abs(value - top)

    assert search(grid, score, 1) == top and len(asked) == 21
    asked.clear()
    assert abs(search(grid, score, STRIDE) - top) <= STRIDE / 4
    assert len(asked) == len(set(asked)) <= 8


def test_random_play_and_the_oracle_are_the_bounds():
    random, oracle = bounds(ENV, 100.1)
    assert random.published == 100.1 and oracle.sees_task and not random.sees_task
