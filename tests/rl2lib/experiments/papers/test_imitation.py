"""Imitation at 500 pulls of 50 arms: what is trained beside table 1's runs, agreement, and how claims are judged."""

from __future__ import annotations

import pytest
import torch

from rl2lib.agents.bandit import Random
from rl2lib.evaluation.evaluate import play
from rl2lib.experiments.papers import imitation, table1
from rl2lib.experiments.papers.imitation import CLONED, HALF, IMITATED, QUARTER, IndexWithTies, agreement
from rl2lib.experiments.reproduce.rows import Measured, Row


class FreshWeights:
    """Policies as they are before training, with cards that say so."""

    def policies(self, name):
        (run,) = [run for run in imitation.runs("smoke") if run.name == name]
        return [run.policy(seed) for seed in range(2)]

    def cards(self, name):
        history = {"env_steps": [1e6, 2e6], "trial_return": [5.0, 6.0]}
        config = {"stages": [{"training": {"iterations": 2}}]}
        return 2 * [{"env_steps": 2_000_000, "config": config, "history": history}]


def row(agent, normalised, se=0.001):
    return Row("imitation", "n500_k50", agent, setting="2 million steps", normalised=normalised, normalised_se=se)


def judge(number, *rows):
    return imitation.EXPERIMENT.claims[number].judge(Measured(list(rows)))


def test_only_what_table_1_lacks_is_trained_and_only_player_and_length_differ():
    runs = {run.name: run for run in imitation.runs("laptop")}
    assert [run.name for run in runs.values() if run.owner == table1.ID] == ["gru-n500_k50", "imitation-n500_k50"]
    (whole,) = runs["imitation-n500_k50"].stages(runs["imitation-n500_k50"].policy(0), 0)
    iterations, players = {}, {}
    for name, run in runs.items():
        if run.owner == imitation.ID:
            policy = run.policy(0)
            (stage,) = run.stages(policy, 0)
            iterations[name], players[name] = stage.training.iterations, stage.learner.config.player
            assert stage.learner.policy is policy and stage.setting.distribution == whole.setting.distribution
            assert stage.learner.config.learning_rate == whole.learner.config.learning_rate
            fresh = whole.learner.policy.state_dict()
            assert all(torch.equal(value, fresh[key]) for key, value in policy.state_dict().items())
    most = whole.training.iterations
    assert iterations == {
        "cloned-n500_k50": most,
        "dagger-half-n500_k50": most // 2,
        "dagger-quarter-n500_k50": most // 4,
    }
    assert players == {name: "teacher" if name.startswith("cloned") else "student" for name in players}
    assert whole.learner.config.player == "student"


def test_half_of_the_imitation_has_no_more_steps_than_ppo():
    runs = {run.name: run for run in imitation.runs("laptop")}

    def trials(name):
        stages = runs[name].stages(runs[name].policy(0), 0)
        return sum(stage.training.iterations * stage.training.trials_per_iteration for stage in stages)

    assert trials("dagger-half-n500_k50") <= trials("gru-n500_k50")


class LastOfTies(IndexWithTies):
    """The index, which breaks ties the other way."""

    def choose(self, counts, generator):
        left = self.num_pulls - counts.steps
        values = self.indices(counts.successes, counts.failures, left)
        return self.num_arms - 1 - values.flip(1).argmax(dim=1)


def test_the_index_agrees_with_itself_however_it_breaks_ties_and_random_play_does_not():
    _, env = table1.setting("n10_k5")
    tasks = torch.rand(200, 5, generator=torch.Generator().manual_seed(0))
    index = IndexWithTies(5, 10)
    for policy in (index, LastOfTies(5, 10)):
        points = agreement("n10_k5", "x", index, play(policy, env, tasks, seed=0))
        assert [point.y for point in points] == 10 * [1.0]
        assert [point.x for point in points] == list(range(1, 11))
    shares = [point.y for point in agreement("n10_k5", "x", index, play(Random(5), env, tasks, seed=0))]
    assert shares[0] == 1.0, "at first all arms are tied"
    assert max(shares[5:]) < 0.6


def test_everybody_plays_and_the_index_scores_one():
    measured = imitation.measure("n10_k5", "smoke", FreshWeights())
    assert {row.agent for row in measured.rows} == {"Random", table1.BEST_KNOWN, *imitation.DRAWN}
    assert measured.row("n10_k5", table1.BEST_KNOWN).normalised == 1.0
    assert measured.row("n10_k5", table1.RL2).published == 6.7
    assert measured.row("n10_k5", CLONED).published is None
    assert measured.row("n10_k5", IMITATED).setting == "2 million steps"
    lines = {point.line for point in measured.points}
    assert "while training: RL²" in lines and f"while training: {CLONED}" not in lines


def test_a_gap_is_one_that_the_interval_leaves_no_doubt_about():
    assert judge(0, row(table1.RL2, 0.9)).word == "matched"
    assert judge(0, row(table1.RL2, 0.975, se=0.01)).word == "not reached"


@pytest.mark.parametrize(("number", "agent"), [(1, CLONED), (2, IMITATED)])
def test_the_level_of_the_index_must_be_shown_not_merely_possible(number, agent):
    assert judge(number, row(agent, 0.99)).word == "matched"
    assert judge(number, row(agent, 1.01)).word == "matched"
    assert judge(number, row(agent, 0.99, se=0.02)).word == "not reached"
    verdict = judge(number, row(agent, 0.95))
    assert verdict.word == "not reached" and "95.0%" in verdict.evidence and "2 million steps" in verdict.evidence


def test_orders_need_intervals_apart():
    assert judge(3, row(table1.RL2, 0.3), row(HALF, 0.8)).word == "matched"
    assert judge(3, row(table1.RL2, 0.8), row(HALF, 0.3)).word == "not reached"
    assert judge(4, row(QUARTER, 0.3), row(HALF, 0.6), row(IMITATED, 0.8)).word == "matched"
    assert judge(4, row(QUARTER, 0.3), row(HALF, 0.8), row(IMITATED, 0.8)).word == "not reached"
    assert judge(5, row(CLONED, 0.6), row(IMITATED, 0.8)).word == "matched"
    assert judge(5, row(CLONED, 0.799), row(IMITATED, 0.8)).word == "not reached"
