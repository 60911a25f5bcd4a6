"""Imitation of the index: what is trained beside table 1's runs, agreement, and how claims are judged."""

from __future__ import annotations

import pytest
import torch

from rl2lib.agents.bandit import Random
from rl2lib.agents.gittins import FiniteHorizonGittins
from rl2lib.evaluation.evaluate import play
from rl2lib.evaluation.rows import Measured, Point, Row
from rl2lib.experiments.papers.imitation import EXPERIMENT
from rl2lib.experiments.papers.imitation.figure import DRAWN
from rl2lib.experiments.papers.imitation.players import OWN, THEIRS, agreement, measure
from rl2lib.experiments.papers.imitation.short_trials_first import Part, scaled
from rl2lib.experiments.papers.imitation.trained import (
    CLONED,
    DAGGER,
    EASIER,
    HALF,
    HARD,
    RL2_SHORT_FIRST,
    SHORT_FIRST,
    SIZES,
    networks,
)
from rl2lib.experiments.papers.table1.players import BEST_KNOWN
from rl2lib.experiments.papers.table1.published import RL2
from rl2lib.experiments.papers.table1.trained import CELLS, ID, setting
from tests.rl2lib.experiments.papers.fresh_weights import FreshWeights


class WithCards(FreshWeights):
    """And cards that say so."""

    def cards(self, name):
        history = {"env_steps": [1e6, 2e6], "trial_return": [5.0, 6.0]}
        config = {"stages": [{"training": {"iterations": 2}}]}
        return 2 * [{"env_steps": 2_000_000, "config": config, "history": history}]


def row(agent, normalised, se=0.001, cell=HARD):
    return Row("imitation", cell, agent, setting="2 million steps", normalised_mean=normalised, normalised_se=se)


def judge(number, *rows):
    return EXPERIMENT.claims[number].judge(Measured(list(rows)))


def stages_of(agent, cell="n10_k5", scale="smoke"):
    (run,) = [run for run in EXPERIMENT.runs(scale) if run.name == networks(cell)[agent][0]]
    policy = run.policy(0)
    return policy, list(run.stages(policy, 0))


def test_table_1_owns_its_runs_and_all_start_from_the_same_weights():
    runs = [run for run in EXPERIMENT.runs("laptop") if run.cells == (HARD,)]
    assert [run.name for run in runs if run.owner == ID] == ["gru-n500_k50", "imitation-n500_k50"]
    assert len(runs) == len(networks(HARD)) == len(DRAWN)
    fresh = runs[0].policy(1).state_dict()
    for run in runs:
        assert all(torch.equal(value, fresh[name]) for name, value in run.policy(1).state_dict().items())


def test_ways_of_learning_differ_in_player_and_length():
    for agent, players in ((CLONED, ["teacher"]), (SHORT_FIRST, ["teacher", "student"])):
        policy, stages = stages_of(agent)
        assert [stage.learner.config.player for stage in stages] == players
        assert all(stage.learner.policy is policy for stage in stages)
        assert stages[-1].setting.env.num_pulls == 10, "whole trials come last"
        assert all(stage.learner.teacher.num_pulls == 10 for stage in stages), "it plans for whole trials throughout"
    assert [stage.setting.env.num_pulls for stage in stages] == [3, 10]
    _, reinforced = stages_of(RL2_SHORT_FIRST)
    assert [stage.setting.env.num_pulls for stage in reinforced] == [3, 10]
    assert [stage.training for stage in reinforced] == [stage.training for stage in stages], "the same steps"


def env_steps(parts):
    return sum(part.num_pulls * part.iterations * part.trials for part in parts)


def test_a_schedule_is_scaled_in_both_ways():
    parts = (Part(20, 10, 256, 32, (1.0, 1.0)), Part(100, 5, 64, 16, (1.0, 0.0)))
    assert env_steps(scaled(parts, iterations=2, trials=3)) == 6 * env_steps(parts)
    assert scaled(parts, iterations=0.01)[1].iterations == 1
    for cell in (EASIER, HARD):
        # the authors' cells: up to a thousand iterations of 250,000 steps
        assert 5e7 < env_steps(SIZES["paper"].parts[cell]) < 2.5e8


class LastOfTies(FiniteHorizonGittins):
    """The index, which breaks ties the other way."""

    def choose(self, counts, generator):
        left = self.num_pulls - counts.steps
        values = self.indices(counts.successes, counts.failures, left)
        return self.num_arms - 1 - values.flip(1).argmax(dim=1)


def test_the_index_agrees_with_itself_however_it_breaks_ties_and_random_play_does_not():
    _, env = setting(CELLS["n10_k5"])
    tasks = torch.rand(200, 5, generator=torch.Generator().manual_seed(0))
    index = FiniteHorizonGittins(5, 10)
    for policy in (index, LastOfTies(5, 10)):
        trials = play(policy, env, tasks, seed=0)
        points = agreement("n10_k5", "x", index, trials, trials.action)
        assert [point.y for point in points] == 10 * [1.0]
        assert [point.x for point in points] == list(range(1, 11))
    trials = play(Random(5), env, tasks, seed=0)
    shares = [point.y for point in agreement("n10_k5", "x", index, trials, trials.action)]
    assert shares[0] == 1.0, "at first all arms are tied"
    assert max(shares[5:]) < 0.6


def test_everybody_plays_and_the_index_scores_one():
    measured = measure("n10_k5", "smoke", WithCards(EXPERIMENT.runs))
    assert {row.agent for row in measured.rows} == {"Random", BEST_KNOWN, *DRAWN}
    assert measured.row("n10_k5", BEST_KNOWN).normalised_mean == 1.0
    assert measured.row("n10_k5", RL2).published == 6.7
    assert measured.row("n10_k5", CLONED).published is None
    assert measured.row("n10_k5", DAGGER).setting == "2 million steps"
    lines = {point.line for point in measured.points}
    assert "while training: RL²" in lines and f"while training: {CLONED}" not in lines
    assert all(f"{whose}{agent}" in lines for whose in (OWN, THEIRS) for agent in DRAWN)


def test_a_gap_is_one_that_the_interval_leaves_no_doubt_about():
    assert judge(0, row(RL2, 0.9)).word == "matched"
    assert judge(0, row(RL2, 0.975, se=0.01)).word == "not reached"
    with pytest.raises(KeyError):
        judge(0, row(RL2, 0.9, cell=EASIER))


@pytest.mark.parametrize(
    ("number", "agent", "cell"), [(1, CLONED, HARD), (2, SHORT_FIRST, HARD), (3, SHORT_FIRST, EASIER)]
)
def test_the_level_of_the_index_must_be_shown_not_merely_possible(number, agent, cell):
    assert judge(number, row(agent, 0.99, cell=cell)).word == "matched"
    assert judge(number, row(agent, 1.01, cell=cell)).word == "matched"
    assert judge(number, row(agent, 0.99, se=0.02, cell=cell)).word == "not reached"
    verdict = judge(number, row(agent, 0.95, cell=cell))
    assert verdict.word == "not reached" and "95.0%" in verdict.evidence and "2 million steps" in verdict.evidence


def test_the_evidence_says_how_often_it_agrees_and_where():
    points = [
        Point("imitation", HARD, f"{whose}{CLONED}", x, y) for whose, y in ((THEIRS, 0.9), (OWN, 0.2)) for x in (1, 2)
    ]
    verdict = EXPERIMENT.claims[1].judge(Measured([row(CLONED, 0.1)], points))
    assert verdict.evidence.endswith("it agrees in 90% on the index's trials and 20% on its own")


@pytest.mark.parametrize(
    ("number", "behind", "ahead"), [(4, RL2_SHORT_FIRST, SHORT_FIRST), (5, HALF, SHORT_FIRST), (6, DAGGER, SHORT_FIRST)]
)
def test_who_is_ahead_must_be_so_in_every_cell(number, behind, ahead):
    here = [row(behind, 0.6), row(ahead, 0.8)]
    assert judge(number, *here).word == "matched"
    there = [row(behind, 0.797, cell=EASIER), row(ahead, 0.8, cell=EASIER)]
    assert judge(number, *here, *there).word == "not reached"
