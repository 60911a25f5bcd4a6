"""Figure 2 of Alver & Precup 2021: exact numbers of both readings, and every verdict in both directions."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from rl2lib.agents.belief_optimal import CorridorOptimal, CorridorOracle
from rl2lib.evaluation.rows import Measured, Point, Row
from rl2lib.experiments.papers.rl1_vs_rl2 import EXPERIMENT, players, trained
from rl2lib.experiments.papers.rl1_vs_rl2.players import trials_to
from rl2lib.experiments.papers.rl1_vs_rl2.trained import (
    A2C_VARIANT,
    PPO_VARIANT,
    RL1,
    RL2,
    Plan,
    plans,
    policy_of,
    stages_of,
)
from rl2lib.experiments.reproduce.places import Places
from rl2lib.experiments.reproduce.trained import TrainedRuns
from rl2lib.training.loop import train

RUNS = (0.0, 0.01, 0.02, 0.01)  # of hand-made scores, around their mean


class FirstRuns(TrainedRuns):
    """The first kept run of each agent; PPO's in the place of A2C's, which the laptop scale does not train."""

    def policies(self, name: str) -> list[Any]:
        return super().policies(name.replace("a2c-", ""))

    def cards(self, name: str) -> list[dict[str, Any]]:
        return super().cards(name.replace("a2c-", ""))


@pytest.fixture
def kept(root: Path) -> FirstRuns:
    return FirstRuns(EXPERIMENT.runs("laptop"), "laptop", Places(root / "results", root / "runs"), seeds=1)


def test_the_published_number_fits_both_readings() -> None:
    for cell, counted in players.COUNTED.items():
        half_length = int(cell.partition("_d")[2])
        assert sum(CorridorOptimal(half_length).expected_steps) / counted == 15
        assert sum(CorridorOracle(half_length).expected_steps) / counted == 10


def test_the_papers_table_is_ours_where_both_have_it() -> None:
    for table, ppo in ((trained.A2C_BANDIT, trained.BANDIT_PPO), (trained.A2C_CORRIDOR, trained.CORRIDOR_PPO)):
        assert (table.discount, table.entropy_bonus(0.9)) == (ppo.discount, ppo.entropy_bonus)  # type: ignore[operator]


def test_a2c_is_trained_at_paper_scale_only() -> None:
    assert A2C_VARIANT in {plan.variant for plan in plans("bandit", "paper")}
    assert A2C_VARIANT not in {plan.variant for plan in plans("bandit", "laptop")}


def test_a_corridors_steps_stand_beside_its_return() -> None:
    plan = Plan("corridor_d5", RL2, PPO_VARIANT)
    stage = next(stages_of(plan, "smoke", policy_of(plan, "smoke", 0), 0))
    done = train(stage.learner, *stage.setting, stage.training, watch=stage.watch)
    assert done.history["steps"][0] > 10 and 0 <= done.history["found"][0] <= 1
    assert done.history["trial_return"][0] <= 20 * done.history["found"][0] + 1e-6


def test_the_likeliest_actions_of_trained_agents_are_exactly_optimal(kept: FirstRuns) -> None:
    for cell, best, told in (("bandit", 9.5, 10), ("corridor_d5", 15, 10)):
        measured = players.measure(cell, "smoke", kept)
        for agent in (RL2, RL1):
            row = measured.row(cell, agent, players.GREEDY_VARIANT)
            assert (row.mean, row.ceiling, row.ceiling_is) == (best, best, "exact")
            assert measured.row(cell, agent, PPO_VARIANT).mean == pytest.approx(best, rel=0.15)
        assert measured.row(cell, players.OPTIMAL).mean == best
        assert measured.row(cell, players.ORACLE).mean == told
        by_episode = [point.y for point in measured.line(cell, f"{players.OPTIMAL}: by episode")]
        assert by_episode == ([0.5] + [1] * 9 if cell == "bandit" else [10, 5])


def test_trials_to_ninety_percent_by_hand() -> None:
    """Means of three neighbours: 5, 6.5, 8, 9.5, 9.5 of the second curve; 9.05 is nine tenths of the way."""
    curves = torch.tensor([[5.0] * 7, [5, 5, 5, 9.5, 9.5, 9.5, 9.5], [9.5] * 7])
    assert trials_to(curves, 70, 5.0, 9.5) == [math.inf, 60.0, 30.0]
    assert trials_to(torch.tensor([[60.0, 15, 15, 15]]), 4, 60.0, 15.0) == [4.0]


def _rows(cell: str, rl2: float, rl1: float, variant: str = PPO_VARIANT, **about: Any) -> Measured:
    found = [
        Row("", cell, agent, variant, mean=mean, se=0.01, every_seed=tuple(mean + x for x in RUNS), **about)
        for agent, mean in ((RL2, rl2), (RL1, rl1))
    ]
    return Measured(found)


def _judge(words: str, measured: Measured) -> str:
    (claim,) = [claim for claim in EXPERIMENT.claims if words in claim.text]
    return claim.judge(measured).word


@pytest.mark.parametrize(("rl1", "word"), [(9.49, "matched"), (9.3, "not reached")])
def test_equal_ends(rl1: float, word: str) -> None:
    assert _judge("end equally well", _rows("bandit", 9.46, rl1)) == word
    assert _judge("A2C and the paper's table as well: equal", _rows("bandit", 9.46, rl1, A2C_VARIANT)) == word
    with pytest.raises(KeyError):
        _judge("A2C and the paper's table as well: equal", _rows("bandit", 9.46, rl1))


@pytest.mark.parametrize(("rl1", "word"), [(15.1, "matched"), (15.4, "not reached")])
def test_within_two_percent_of_the_optimum(rl1: float, word: str) -> None:
    found = _rows("corridor_d5", 15.0, rl1, ceiling=15.0, better="lower")
    assert _judge("Both end within 2%", found) == word


@pytest.mark.parametrize(("rl2", "word"), [(15.0, "matched"), (15.5, "open"), (16.0, "not reached")])
def test_both_readings_of_the_corridor(rl2: float, word: str) -> None:
    there = [_rows(cell, rl2, rl2, ceiling=15.0, better="lower") for cell in trained.HALF_LENGTH]
    assert _judge("15.5", Measured([row for part in there for row in part.rows])) == word


@pytest.mark.parametrize(("slower", "word"), [(1.5, "matched"), (3.0, "not reached"), (math.inf, "not reached")])
def test_curves_alike(slower: float, word: str) -> None:
    points = [
        Point("", "bandit", f"{agent}: trials to 90%", run, (640 + 32 * run) * times)
        for agent, times in ((RL2, slower), (RL1, 1.0))
        for run in range(5)
    ]
    assert _judge("learning curves are alike", Measured(_rows("bandit", 9, 9).rows, points)) == word


@pytest.mark.parametrize(("later", "word"), [(0.97, "matched"), (0.95, "not reached"), (0.5, "not reached")])
def test_search_then_knowledge(later: float, word: str) -> None:
    lines = {players.OPTIMAL: [0.5, 1, 1], players.ORACLE: [1, 1, 1], RL2: [0.5, later, 1], RL1: [0.5, 1, later]}
    points = [
        Point("", "bandit", f"{name}: by episode", place, y, y - 0.001, y + 0.001)
        for name, line in lines.items()
        for place, y in enumerate(line)
    ]
    assert _judge("search in the first", Measured(_rows("bandit", 9, 9).rows, points)) == word
