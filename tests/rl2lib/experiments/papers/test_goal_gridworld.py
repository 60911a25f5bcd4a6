"""The goal gridworld: no held-out goal is ever trained on, exact optima, and every verdict in both directions."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch

from rl2lib.evaluation.rows import Measured, Point, Row
from rl2lib.experiments.papers.goal_gridworld import EXPERIMENT, claims, players
from rl2lib.experiments.papers.goal_gridworld.players import even_tasks, optimum
from rl2lib.experiments.papers.goal_gridworld.trained import (
    ALL,
    ALL_CELLS,
    CORNERS,
    FOLD_CELLS,
    GROUPS,
    HELD_OUT,
    RECURRENT,
    THREE,
    TWIN,
    fold,
)
from rl2lib.experiments.reproduce.places import Places
from rl2lib.experiments.reproduce.trained import TrainedRuns

TRAINED, TWINS = f"{RECURRENT} (PPO)", f"{TWIN} (PPO)"


@pytest.fixture
def kept(root: Path) -> TrainedRuns:
    """Two seeds of the kept agents."""
    return TrainedRuns(EXPERIMENT.runs("laptop"), "laptop", Places(root / "results", root / "runs"), seeds=2)


def test_folds_hold_out_every_cell_once_and_train_on_none_of_their_own() -> None:
    assert sorted(cell for number in range(4) for cell in fold(number)) == list(ALL_CELLS)
    for number, name in enumerate(FOLD_CELLS):
        assert len(GROUPS[name].goals) == 18 and not set(GROUPS[name].goals) & set(fold(number))


def test_every_run_trains_on_its_goals_alone() -> None:
    for run in EXPERIMENT.runs("laptop"):
        name, _, _ = run.name.rpartition("-")
        (stage,) = run.stages(run.policy(1), 1)
        assert set(stage.setting.distribution.goals) == set(GROUPS[name].goals)  # type: ignore[attr-defined]
        assert type(stage.learner).__name__.upper() == GROUPS[name].learner
    assert (claims.SHORT, claims.LONG, claims.MOST) == (1_000, 10_000, 19_200)


def test_optima_as_notebook_06_works_them_out() -> None:
    assert optimum(CORNERS) == pytest.approx(0.68 + 2 * (1 - 0.04 * 16 / 3))
    assert optimum(ALL_CELLS) == pytest.approx(0.5 + 2 * (1 - 0.04 * 100 / 24))


def test_every_goal_is_tested_equally_often() -> None:
    tasks = even_tasks(CORNERS, 100, torch.Generator())
    assert Counter(tasks.goal.tolist()) == dict.fromkeys(CORNERS, 34)
    assert torch.equal(tasks.direction, torch.arange(4).expand(102, 4)) and not tasks.slip.any()


@pytest.mark.slow
def test_measured_rows_of_who_is_known(kept: TrainedRuns) -> None:
    measured = players.measure(ALL, "smoke", kept)
    assert measured.row(ALL, players.OPTIMAL).mean == pytest.approx(2.1667, abs=1e-4)
    assert measured.row(ALL, players.NO_MEMORY).mean == pytest.approx(1.5)
    assert measured.row(ALL, players.ORACLE).mean == pytest.approx(2.5)
    assert measured.row(ALL, RECURRENT, "PPO").mean > 2.0 > 1.6 > measured.row(ALL, TWIN, "PPO").mean
    steps = [point.y for point in measured.line(ALL, f"{players.OPTIMAL}: steps")]
    assert steps == pytest.approx([12.5, 25 / 6, 25 / 6])
    assert all(point.y > 0.25 for point in measured.line(ALL, f"{TRAINED}: rise"))
    # on held-out goals its training goals' best search finds what lies on its way round: not the nine inner cells
    new = players.measure(THREE[2] + HELD_OUT, "smoke", kept)
    found = [point.y for point in new.line(THREE[2] + HELD_OUT, f"{players.OPTIMAL} ({players.BEFORE}): found")]
    assert Counter(found) == {0.0: 9, 1.0: 12}
    met = players.measure(FOLD_CELLS[0], "smoke", kept)
    assert {int(point.x) for point in met.line(FOLD_CELLS[0], "Random: found")} == set(fold(0))


def _judge(words: str, measured: Measured) -> str:
    (claim,) = [claim for claim in EXPERIMENT.claims if words in claim.text]
    return claim.judge(measured).word


def _line(cell: str, line: str, *intervals: tuple[float, float]) -> list[Point]:
    return [Point("", cell, line, seed, (low + high) / 2, low, high) for seed, (low, high) in enumerate(intervals)]


RISES, FLAT = (0.2, 0.3), (-0.01, 0.01)


@pytest.mark.parametrize(
    ("intervals", "recurrent", "twin"),
    [
        ((RISES, RISES), "matched", "not reached"),
        ((RISES, FLAT), "not reached", "not reached"),
        ((FLAT, FLAT), "not reached", "matched"),
    ],
)
def test_rising_within_a_trial(intervals: tuple[Any, ...], recurrent: str, twin: str) -> None:
    lines = [(name, intervals) for name in (TRAINED, TWINS)]
    lines += [(f"{agent} ({players.WIPED})", (FLAT, FLAT)) for agent in (RECURRENT, TWIN)]
    measured = Measured([], [point for name, parts in lines for point in _line(ALL, f"{name}: rise", *parts)])
    assert _judge("recurrent agent's later episodes", measured) == recurrent
    assert _judge("twin's do not", measured) == twin
    with pytest.raises(KeyError):
        _judge("twin's do not", Measured())


@pytest.mark.parametrize(("last", "word"), [(FLAT, "matched"), (RISES, "not reached"), ((-0.4, 0.4), "not reached")])
def test_who_is_level(last: tuple[float, float], word: str) -> None:
    assert _judge("the twin is level", Measured([], _line(THREE[2], "recurrent over twin", FLAT, last))) == word


@pytest.mark.parametrize(("last", "word"), [(RISES, "matched"), (FLAT, "not reached")])
def test_ahead_with_every_seed(last: tuple[float, float], word: str) -> None:
    for cell, words in ((ALL, "earns more than its twin"), (THREE[0], "ahead of its twin")):
        assert _judge(words, Measured([], _line(cell, "recurrent over twin", RISES, last))) == word


@pytest.mark.parametrize(("normalised", "word"), [(0.992, "matched"), (0.975, "open"), (0.96, "not reached")])
def test_reaching_the_optimum(normalised: float, word: str) -> None:
    rows = [
        Row("", cell, RECURRENT, GROUPS[cell].learner, mean=2, ceiling=2.2, normalised_mean=share, normalised_se=0.005)
        for cell, share in ((THREE[0], normalised), (THREE[2], normalised), (ALL, 0.995))
    ]
    assert _judge("PPO brings", Measured(rows)) == word
    assert _judge("chapter's thousand", Measured(rows)) == word


@pytest.mark.parametrize(("ours", "word"), [(0.8, "matched"), (0.45, "not reached"), (0.2, "not reached")])
def test_finding_new_goals(ours: float, word: str) -> None:
    def found(cell: str, name: str, share: float) -> list[Point]:
        return [Point("", cell, f"{name}: found", goal, share + 0.01 * (goal % 3)) for goal in range(6)]

    for there, words in (((THREE[2] + HELD_OUT,), "Trained on 3 goals"), (FOLD_CELLS, "Trained on 18")):
        points = [
            point
            for cell in there
            for name, share in ((TRAINED, ours), ("Random", 0.45))
            for point in found(cell, name, share + 0.02 * (name == "Random"))
        ]
        assert _judge(words, Measured([], points)) == word
    rows = [Row("", FOLD_CELLS[0], RECURRENT)]
    points = found(FOLD_CELLS[0], f"{RECURRENT} ({players.MET_ALL})", 0.5 + ours / 2)
    assert _judge("those same goals", Measured(rows, points)) == "not reached"
    points = found(FOLD_CELLS[0], f"{RECURRENT} ({players.MET_ALL})", 0.97)
    assert _judge("those same goals", Measured(rows, points)) == "matched"


def test_goals_of_which_some_are_always_found_and_others_never_leave_it_open() -> None:
    cell = THREE[2] + HELD_OUT
    ours = [Point("", cell, f"{TRAINED}: found", goal, float(goal % 2)) for goal in range(6)]
    random = [Point("", cell, "Random: found", goal, 0.45) for goal in range(6)]
    assert _judge("Trained on 3 goals", Measured([], ours + random)) == "open"
