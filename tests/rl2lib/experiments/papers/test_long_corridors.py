"""Long corridors: who always finds the goal, and every verdict in both directions."""

from __future__ import annotations

import pytest

from rl2lib.evaluation.rows import Measured, Row
from rl2lib.experiments.papers import long_corridors
from rl2lib.experiments.papers.long_corridors import EXPERIMENT, HALF_LENGTH, OPTIMAL, ORACLE, RL2
from tests.rl2lib.experiments.papers.fresh_weights import FreshWeights


def test_an_episode_lasts_as_long_as_the_belief_needs() -> None:
    fresh = FreshWeights(long_corridors.runs)
    for cell in EXPERIMENT.cells("smoke"):
        assert long_corridors.setting(cell).env.horizon == 3 * HALF_LENGTH[cell]  # type: ignore[attr-defined]
        measured = long_corridors.measure(cell, "smoke", fresh)  # type: ignore[arg-type]
        assert measured.row(cell, OPTIMAL).mean == measured.row(cell, ORACLE).mean == 1
        assert measured.row(cell, RL2).actions == "greedy" and measured.row(cell, RL2).mean <= 1


@pytest.mark.parametrize(
    ("claim", "short", "long", "optimal", "word"),
    [
        (0, 1.0, 0.5, 1.0, "matched"),
        (0, 1.0, 0.5, 0.99, "not reached"),
        (1, 1.0, 0.5, 1.0, "matched"),
        (1, 0.75, 0.5, 1.0, "not reached"),
        (2, 1.0, 0.75, 1.0, "matched"),
        (2, 1.0, 1.0, 1.0, "not reached"),
    ],
)
def test_verdicts(claim: int, short: float, long: float, optimal: float, word: str) -> None:
    rows = [
        Row("", cell, agent, mean=mean, every_seed=(1.0 if cell == "d5" and mean == 1 else 0.5, mean))
        for cell in HALF_LENGTH
        for agent, mean in ((RL2, short if cell == "d5" else long if cell == "d30" else 0.5), (OPTIMAL, optimal))
    ]
    assert EXPERIMENT.claims[claim].judge(Measured(rows)).word == word


def test_without_the_long_ones_nothing_is_said_of_them() -> None:
    with pytest.raises(KeyError):
        EXPERIMENT.claims[2].judge(Measured([Row("", "d5", RL2, every_seed=(1.0,))]))
