"""Training goals and held-out ones never meet, and every verdict in both directions."""

from __future__ import annotations

import pytest

from rl2lib.evaluation.rows import Measured, Row
from rl2lib.experiments.papers import goal_generalisation as study
from rl2lib.experiments.papers.goal_generalisation import EXPERIMENT, KNOWN, NEW, NUM_GOALS, RANDOM, RECURRENT
from tests.rl2lib.experiments.papers.fresh_weights import FreshWeights


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_held_out_goals_are_met_by_no_agent_of_their_seed(seed: int) -> None:
    held_out = set(study.held_out_goals(seed))
    assert len(held_out) == study.NUM_HELD_OUT
    runs = {run.name: run for run in EXPERIMENT.runs("laptop")}
    for cell, name in (("1_goal", "1_goal"), ("6_goals", "6_goals"), ("18_goals", study.FOLD_RUNS[seed])):
        (stage,) = runs[name].stages(runs[name].policy(seed), seed)
        goals = stage.setting.distribution.goals  # type: ignore[attr-defined]
        assert set(goals) == set(study.training_goals(cell, seed)) and len(goals) == NUM_GOALS[cell]
        assert not set(goals) & held_out
    assert held_out != set(study.held_out_goals(seed + 1))


def test_everybody_is_measured_on_both_kinds_of_goals() -> None:
    measured = study.measure("18_goals", "smoke", FreshWeights(study.runs))  # type: ignore[arg-type]
    assert {(row.agent, row.variant) for row in measured.rows} == {
        (agent, which) for agent in (RECURRENT, RANDOM) for which in (KNOWN, NEW)
    }
    assert all(0 <= row.mean <= 1 and len(row.every_seed) == 2 for row in measured.rows)


def _measured(known: float, few: float, many: float) -> Measured:
    rows = []
    for cell, count in NUM_GOALS.items():
        new = few if count <= 6 else many
        for agent, which, mean in ((RECURRENT, KNOWN, known), (RECURRENT, NEW, new), (RANDOM, NEW, 0.45)):
            rows.append(Row("", cell, agent, which, mean=mean, every_seed=(mean - 0.01, mean, mean + 0.011)))
    return Measured(rows)


@pytest.mark.parametrize(
    ("claim", "known", "few", "many", "word"),
    [
        (0, 0.98, 0.3, 0.5, "matched"),
        (0, 0.95, 0.3, 0.5, "not reached"),
        (1, 0.98, 0.3, 0.5, "matched"),
        (1, 0.98, 0.44, 0.5, "not reached"),
        (2, 0.98, 0.3, 0.6, "matched"),
        (2, 0.98, 0.3, 0.4, "not reached"),
        (2, 0.98, 0.3, 0.45, "open"),
    ],
)
def test_verdicts(claim: int, known: float, few: float, many: float, word: str) -> None:
    assert EXPERIMENT.claims[claim].judge(_measured(known, few, many)).word == word
