from types import SimpleNamespace

import pytest
import torch

from rl2lib.agents.recurrent import RecurrentPolicy
from rl2lib.agents.two_step import TwoStepOptimal
from rl2lib.evaluation.rows import Measured, Row
from rl2lib.experiments.papers.two_step import EXPERIMENT
from rl2lib.experiments.papers.two_step.players import BLIND, CACHING, GIVEN, PLANNER, POOLED, RL2, measure
from rl2lib.experiments.papers.two_step.trained import CELLS, Cell

PRESENT, ABSENT, EARNS_MORE, OPTIMAL, OVER_ALL = (claim.judge for claim in EXPERIMENT.claims)


def untrained(num_seeds: int = 1) -> SimpleNamespace:
    """What measures ask for, with fresh networks."""
    policies = [
        RecurrentPolicy((3,), 2, 4, generator=torch.Generator().manual_seed(seed), core="lstm")
        for seed in range(num_seeds)
    ]
    return SimpleNamespace(policies=lambda name: policies)


def interaction(agent: str, mean: float, se: float, variant: str = GIVEN, **more: object) -> Row:
    return Row("two-step", "n10_stay", agent, variant, mean=mean, se=se, **more)  # type: ignore[arg-type]


def earned(mean: float, se: float, normalised: float) -> Measured:
    return Measured(
        [Row("two-step", "n10_return", RL2, mean=mean, se=se, normalised_mean=normalised, normalised_se=0.001)]
    )


@pytest.fixture(autouse=True)
def _shorter_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two cells that the plan has not, whose values are known by hand or quickly."""
    for cell in (Cell(2, "stay"), Cell(3, "return")):
        monkeypatch.setitem(CELLS, cell.name, cell)


def test_after_one_episode_the_planners_interaction_is_two_and_the_caching_learners_none() -> None:
    measured = measure("n2_stay", "smoke", untrained())
    planner, caching = (measured.row("n2_stay", agent, GIVEN) for agent in (PLANNER, CACHING))
    assert (planner.mean, planner.se) == (2, 0)
    assert abs(caching.mean) < 3 * caching.se
    line = measured.line("n2_stay", f"{PLANNER}, {GIVEN}")
    assert [(point.x, point.y) for point in line] == [(0, 1), (1, 0), (2, 0), (3, 1)]


def test_the_planner_earns_its_exact_value_and_the_blind_one_less() -> None:
    measured = measure("n3_return", "smoke", untrained(2))
    planner, blind, rl2 = (measured.row("n3_return", agent) for agent in (PLANNER, BLIND, RL2))
    assert planner.ceiling == TwoStepOptimal(3).value
    assert abs(planner.mean - TwoStepOptimal(3).value) < 3 * planner.se
    assert abs(blind.mean - TwoStepOptimal(3, sees_second_stage=False).value) < 3 * blind.se
    assert rl2.seeds == len(rl2.every_seed) == 2 and rl2.mean == rl2.every_seed[0]


def test_of_several_seeds_the_median_one_is_shown() -> None:
    measured = measure("n2_stay", "smoke", untrained(3))
    row = measured.row("n2_stay", RL2, GIVEN)
    assert row.seeds == 3 and row.mean == row.every_seed[1]


def test_an_interaction_is_there_if_its_interval_leaves_out_zero_in_every_seed() -> None:
    planner = interaction(PLANNER, 1.05, 0.01)
    assert PRESENT(Measured([planner, interaction(RL2, 1.0, 0.02, every_seed=(0.9, 1.0))])).word == "matched"
    assert PRESENT(Measured([planner, interaction(RL2, 0.1, 0.06, every_seed=(0.1,))])).word == "not reached"
    assert PRESENT(Measured([planner, interaction(RL2, 1.0, 0.02, every_seed=(-0.1, 1.0))])).word == "not reached"


def test_no_interaction_asks_for_the_whole_interval() -> None:
    assert ABSENT(Measured([interaction(CACHING, 0.03, 0.02)])).word == "matched"
    assert ABSENT(Measured([interaction(CACHING, 0.03, 0.05)])).word == "not reached"
    planner = interaction(PLANNER, 1.0, 0.01, POOLED)
    assert OVER_ALL(Measured([planner, interaction(CACHING, 0.2, 0.02, POOLED)])).word == "matched"
    assert OVER_ALL(Measured([planner, interaction(CACHING, 0.02, 0.02, POOLED)])).word == "not reached"


def test_rewards_are_judged_against_exact_numbers() -> None:
    blind = TwoStepOptimal(10, sees_second_stage=False).value
    assert EARNS_MORE(earned(blind + 0.1, 0.01, 1.0)).word == "matched"
    assert EARNS_MORE(earned(blind + 0.1, 0.1, 1.0)).word == "not reached"
    assert OPTIMAL(earned(6.68, 0.01, 0.99)).word == "matched"
    assert OPTIMAL(earned(6.68, 0.01, 0.98)).word == "not reached"


@pytest.mark.parametrize("judge", [claim.judge for claim in EXPERIMENT.claims])
def test_nothing_is_judged_before_it_is_measured(judge: object) -> None:
    with pytest.raises(KeyError):
        judge(Measured())  # type: ignore[operator]


def test_runs_and_cells_fit_together() -> None:
    for scale in ("smoke", "laptop", "paper"):
        asked = [cell for run in EXPERIMENT.runs(scale) for cell in run.cells]
        assert sorted(asked) == sorted(EXPERIMENT.cells(scale))
