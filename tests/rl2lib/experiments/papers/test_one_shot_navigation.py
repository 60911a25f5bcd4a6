import math
from types import SimpleNamespace
from typing import Any

import pytest

from rl2lib.agents.grid import GridOracle, GridSearcher
from rl2lib.evaluation.evaluate import play
from rl2lib.evaluation.rows import Measured, Point, Row
from rl2lib.experiments.papers.one_shot_navigation import EXPERIMENT
from rl2lib.experiments.papers.one_shot_navigation.claims import PUBLISHED_STEPS
from rl2lib.experiments.papers.one_shot_navigation.players import (
    FIRST,
    LATER,
    ORACLE,
    RL2,
    SEARCHER,
    WIPED,
    first_steps,
    later_steps,
    measure,
    shortest,
)
from rl2lib.experiments.papers.one_shot_navigation.trained import ID, NUM_EPISODES, Course, setting
from rl2lib.tasks.gridworld import GridEnv
from rl2lib.tasks.sampling import make_generators


def test_the_published_steps() -> None:
    assert PUBLISHED_STEPS == (100, 30)  # EVALUATION.md and the seed of Wang et al. 2016


def test_the_exact_shortest_way_is_what_the_oracle_needs() -> None:
    distribution, env = setting(Course(7, 100, 8, 50, 4, 1))
    assert isinstance(env, GridEnv)
    tasks = distribution.sample(1_000, make_generators(0, "tasks")["tasks"])
    for agent in (GridOracle(env), GridSearcher(env)):
        trials = play(agent, env, tasks, seed=0)
        later = later_steps(trials)
        assert math.isclose(later.mean().item(), shortest(env), abs_tol=4 * later.std().item() / math.sqrt(1_000))
        assert (first_steps(trials).mean() > 3 * later.mean()) == isinstance(agent, GridSearcher)


def test_the_shortest_way_of_a_small_grid_by_hand() -> None:
    # two rows of two: from each cell two at distance 1 and one at 2
    assert math.isclose(shortest(GridEnv(2, random_start=True)), 4 / 3)


def measured_with(saved: tuple[float, float, float], without: tuple[float, float, float]) -> Measured:
    steps = {FIRST: 60.0, LATER: 60.0 - saved[1]}
    rows = [Row(ID, "7x7", RL2, variant, mean=mean, se=0.1, better="lower") for variant, mean in steps.items()]
    points = [
        Point(ID, "7x7", f"saved: {agent}", 0, middle, low, high)
        for agent, (low, middle, high) in ((RL2, saved), (WIPED, without))
    ]
    return Measured(rows, points)


@pytest.mark.parametrize(
    ("saved", "without", "words"),
    [
        ((39.0, 40.0, 41.0), (-1.0, 0.0, 1.0), ("matched", "matched")),
        ((-1.0, 1.0, 3.0), (-1.0, 0.0, 1.0), ("not reached", "not reached")),
        ((39.0, 40.0, 41.0), (3.0, 3.5, 4.5), ("matched", "not reached")),
        ((39.0, 40.0, 41.0), (-4.5, -3.5, -3.0), ("matched", "not reached")),
    ],
)
def test_claims(saved: Any, without: Any, words: tuple[str, str]) -> None:
    judges = [claim.judge for claim in EXPERIMENT.claims if "7x7" in claim.text]
    measured = measured_with(saved, without)
    verdicts = [judge(measured) for judge in judges]
    assert tuple(verdict.word for verdict in verdicts) == words
    if words[0] == "matched":
        assert "60.0 steps, then 20.0: 40.0 (39.0 to 41.0) fewer; ratio 0.33" in verdicts[0].evidence
    for claim in EXPERIMENT.claims:
        if "11x11" in claim.text:
            with pytest.raises(KeyError):
                claim.judge(measured)


def test_measured_at_smoke_scale() -> None:
    run = EXPERIMENT.runs("smoke")[0]
    measured = measure("5x5", "smoke", SimpleNamespace(policies=lambda name: [run.policy(0)]))
    assert measured.row("5x5", SEARCHER, LATER).behind == 0
    assert measured.row("5x5", ORACLE, FIRST).mean <= measured.row("5x5", SEARCHER, FIRST).mean
    for agent in (RL2, SEARCHER):
        by_episode = measured.line("5x5", f"steps: {agent}")
        assert len(by_episode) == NUM_EPISODES
        assert math.isclose(by_episode[0].y, measured.row("5x5", agent, FIRST).mean, rel_tol=1e-6)
        later = sum(point.y for point in by_episode[1:]) / (NUM_EPISODES - 1)
        assert math.isclose(later, measured.row("5x5", agent, LATER).mean, rel_tol=1e-6)
    assert {point.y for point in measured.line("5x5", f"found: {ORACLE}")} == {1.0}
