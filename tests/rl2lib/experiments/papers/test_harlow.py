from types import SimpleNamespace

import pytest
import torch

from rl2lib.agents.recurrent import RecurrentPolicy
from rl2lib.evaluation.rows import Measured, Point, Row
from rl2lib.experiments.papers.harlow import EXPERIMENT
from rl2lib.experiments.papers.harlow.players import NETWORKS, OPTIMAL, RANDOM, RL2, measure
from rl2lib.experiments.papers.harlow.trained import CELLS, LAYERS

GUESSES, RIGHT, NEAR = (claim.judge for claim in EXPERIMENT.claims)


def untrained() -> SimpleNamespace:
    """What measures ask for, with fresh networks of two seeds."""

    def policies(name: str) -> list[RecurrentPolicy]:
        layers = int(name.removeprefix("lstm")[0])
        return [
            RecurrentPolicy((2, 3), 2, 4, generator=torch.Generator().manual_seed(seed), core="lstm", num_layers=layers)
            for seed in range(2)
        ]

    cards = [{"history": {"env_steps": [80, 160], "trial_return": [5.0, value]}} for value in (6.0, 9.0, 7.0)]
    return SimpleNamespace(policies=policies, cards=lambda name: cards)


def curve(first: float, later: float, half: float = 0.01) -> Measured:
    heights = [first] + [later] * 9
    return Measured(
        [Row("harlow", "d8", RL2, LAYERS[2])],
        [Point("harlow", "d8", NETWORKS[0], i + 1, y, y - half, y + half) for i, y in enumerate(heights)],
    )


def near(normalised: float) -> Measured:
    row = Row("harlow", "d8", RL2, LAYERS[2], mean=9.4, se=0.01, normalised_mean=normalised, normalised_se=0.002)
    return Measured([row], curve(0.5, 1.0).points)


@pytest.fixture(autouse=True)
def _images_of_three_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CELLS, "d3", 3)


def test_the_optimal_agent_guesses_once() -> None:
    measured = measure("d3", "smoke", untrained())
    points = measured.line("d3", OPTIMAL)
    assert abs(points[0].y - 0.5) < 0.15 and [point.y for point in points[1:]] == [1.0] * 9
    assert measured.row("d3", OPTIMAL).mean == pytest.approx(9 + points[0].y)
    assert measured.row("d3", OPTIMAL).ceiling == 9.5
    assert all(point.low < 0.5 < point.high or abs(point.y - 0.5) < 0.12 for point in measured.line("d3", RANDOM))


def test_an_untrained_network_is_at_chance_with_a_line_for_each_number_of_layers() -> None:
    measured = measure("d3", "smoke", untrained())
    for layers, line in zip(LAYERS, NETWORKS, strict=False):
        row = measured.row("d3", RL2, LAYERS[layers])
        assert row.seeds == 2 and abs(row.mean - 5) < 0.6
        # the line is the same seed's as the row
        assert sum(point.y for point in measured.line("d3", line)) == pytest.approx(row.mean, abs=1e-5)


def test_learning_is_the_median_seed_with_the_range_of_all() -> None:
    points = measure("d3", "smoke", untrained()).line("d3", f"{NETWORKS[1]}, learning")
    assert [(point.x, point.y, point.low, point.high) for point in points] == [(8, 5, 5, 5), (16, 7, 6, 9)]


def test_the_first_choice_must_be_a_guess() -> None:
    assert GUESSES(curve(0.505, 1.0)).word == "matched"
    assert GUESSES(curve(0.515, 1.0)).word == "not reached"


def test_later_choices_must_be_right_with_their_whole_interval() -> None:
    assert RIGHT(curve(0.5, 0.97)).word == "matched"
    assert RIGHT(curve(0.5, 0.955)).word == "not reached"


def test_the_sum_is_at_99_percent_by_its_interval() -> None:
    assert NEAR(near(0.995)).word == "matched"
    assert NEAR(near(0.988)).word == "open"
    assert NEAR(near(0.985)).word == "not reached"


def test_nothing_is_judged_before_it_is_measured() -> None:
    for judge in (GUESSES, RIGHT, NEAR):
        with pytest.raises(KeyError):
            judge(Measured())


def test_runs_and_cells_fit_together() -> None:
    for scale in ("smoke", "laptop", "paper"):
        asked = [cell for run in EXPERIMENT.runs(scale) for cell in run.cells]
        assert sorted(asked) == sorted([*EXPERIMENT.cells(scale), *EXPERIMENT.cells(scale)])
