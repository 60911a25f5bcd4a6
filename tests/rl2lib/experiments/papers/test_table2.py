"""Table 2: what is trained, who plays, and how its claims are judged."""

from __future__ import annotations

import pytest

from rl2lib.evaluation.rows import Measured, Row
from rl2lib.experiments.papers.mdp_players import BLIND, ORACLE
from rl2lib.experiments.papers.table2 import EXPERIMENT
from rl2lib.experiments.papers.table2.players import IMITATED, PPO_ALONE, RL2_PAIRS, measure
from rl2lib.experiments.papers.table2.published import RL2
from rl2lib.experiments.papers.table2.trained import CELLS, FIRST
from tests.rl2lib.experiments.papers.fresh_weights import FreshWeights

CLAIMS = dict(zip(("plain", "published", "snail", "known"), EXPERIMENT.claims, strict=True))


def stages(name, seed=0):
    (run,) = [run for run in EXPERIMENT.runs("laptop") if run.name == name]
    return list(run.stages(run.policy(seed), seed))


def row(agent, mean, cell="n10", seeds=0, variant="", behind=0.0):
    return Row(EXPERIMENT.id, cell, agent, variant, mean=mean, se=0.5, seeds=seeds, behind=behind, behind_se=0.1)


def judge(name, *rows):
    return CLAIMS[name].judge(Measured(list(rows)))


@pytest.mark.slow
def test_who_plays():
    rows = measure("n10", "smoke", FreshWeights(EXPERIMENT.runs)).rows
    trained = {(row.agent, row.variant) for row in rows if row.seeds}
    assert trained == {
        (RL2, PPO_ALONE),
        (RL2_PAIRS, PPO_ALONE),
        (RL2_PAIRS, IMITATED),
    }
    assert [row.published for row in rows if row.agent == RL2] == [156.2]
    assert all(row.published is None for row in rows if row.agent == RL2_PAIRS), "the paper has no such row"


@pytest.mark.parametrize("num_episodes", CELLS.values())
def test_imitation_comes_first_on_short_trials_and_all_stages_share_the_weights(num_episodes):
    short, whole, refined = stages(f"imitated-n{num_episodes}")
    assert [type(stage.learner).__name__ for stage in (short, whole, refined)] == ["Imitation", "Imitation", "PPO"]
    lengths = [stage.setting.env.episodes_per_trial for stage in (short, whole, refined)]
    assert lengths == [FIRST, num_episodes, num_episodes]
    assert len({id(stage.learner.policy.core) for stage in (short, whole, refined)}) == 1
    assert [stage.learner.policy.episodes_per_trial for stage in (short, whole, refined)] == lengths
    assert len({stage.training.seed for stage in (short, whole, refined)}) == 3, "no tasks twice"


@pytest.mark.parametrize("run", ["pairs", "imitated"])
def test_an_iteration_is_as_many_episodes_for_every_length_above_25(run):
    for num_episodes in (25, 50, 75, 100):
        last = stages(f"{run}-n{num_episodes}")[-1]
        assert 6_000 < last.training.trials_per_iteration * num_episodes <= 6_400


def test_snails_shares_of_an_oracle_are_compared_as_reward():
    snail = 0.766 * 20.8 * 10
    assert judge("snail", row(RL2_PAIRS, snail + 2, seeds=3)).word == "surpassed"
    assert judge("snail", row(RL2_PAIRS, snail - 0.5, seeds=3)).word == "matched"
    assert judge("snail", row(RL2_PAIRS, snail - 2, seeds=3)).word == "not reached"


def test_the_best_trained_row_counts_and_the_oracle_does_not():
    oracle, blind = row(ORACLE, 220.0), row(BLIND, 162.0, behind=0.5)
    behind = row(RL2_PAIRS, 150.0, seeds=3, variant=PPO_ALONE, behind=12.5)
    best = row(RL2_PAIRS, 162.5, seeds=3, variant=IMITATED)
    assert judge("known", oracle, blind, behind, best).word == "surpassed"
    assert judge("known", oracle, row(BLIND, 162.4, behind=0.1), behind, best).word == "matched"
    assert judge("known", oracle, row(BLIND, 163.0), behind, row(RL2_PAIRS, 162.5, seeds=3, behind=0.5)).word == (
        "not reached"
    )
