"""Table 1: its numbers, who is in it, and how its claims are judged."""

from __future__ import annotations

import pytest
import torch
from msgspec.structs import replace

from rl2lib.agents.pair_memory import PairMemoryPolicy
from rl2lib.evaluation.rows import Measured, Row
from rl2lib.experiments.papers.table1 import EXPERIMENT
from rl2lib.experiments.papers.table1.players import OPTIMAL, ORACLE, RL2_EQUIVARIANT, measure
from rl2lib.experiments.papers.table1.published import AGENTS, RL2
from tests.rl2lib.experiments.papers.fresh_weights import FreshWeights


@pytest.fixture(scope="module")
def measured():
    return measure("n10_k5", "smoke", FreshWeights(EXPERIMENT.runs, 3))


def row(cell="n10_k5", agent=RL2, normalised_mean=1.0, normalised_se=0.001, **others):
    fields = {"mean": 6.6, "se": 0.01, "seeds": 3} | others
    return Row("table1", cell, agent, normalised_mean=normalised_mean, normalised_se=normalised_se, **fields)


CLAIMS = dict(zip(("plain", "short", "best", "level", "snail", "behind"), EXPERIMENT.claims, strict=True))


def judge(name, *rows):
    return CLAIMS[name].judge(Measured(list(rows)))


@pytest.mark.slow
def test_every_published_agent_plays_once_with_its_number_beside_it(measured):
    named = [row.agent for row in measured.rows if row.published is not None]
    assert sorted(named) == sorted(set(AGENTS) - {"SNAIL"})
    assert measured.row("n10_k5", "TS").published == 5.7
    assert len([row for row in measured.rows if row.agent == "Gittins"]) == 3


@pytest.mark.slow
def test_the_optimal_agent_scores_one_random_play_zero_and_the_ceiling_is_exact(measured):
    best, random = measured.row("n10_k5", OPTIMAL), measured.row("n10_k5", "Random")
    assert (best.normalised_mean, random.normalised_mean) == (1.0, 0.0)
    assert best.ceiling == pytest.approx(6.6600, abs=5e-5) and best.ceiling_is == "exact"
    told = measured.row("n10_k5", ORACLE)
    assert told.mean > best.mean and told.behind < 0, "who is told the task is ahead, and not what others are behind"


@pytest.mark.slow
def test_a_trained_agent_shows_its_median_seed_and_all_of_them(measured):
    ours = measured.row("n10_k5", RL2_EQUIVARIANT)
    assert ours.seeds == len(ours.every_seed) == 3
    assert ours.mean == pytest.approx(sorted(ours.every_seed)[1])
    assert ours.actions in ("greedy", "sampled") and measured.row("n10_k5", "TS").actions == "own rule"


def test_one_set_of_weights_for_each_n_plays_every_number_of_arms():
    runs = [run for run in EXPERIMENT.runs("laptop") if run.name.startswith("equivariant")]
    assert [run.cells for run in runs] == [tuple(f"n{n}_k{k}" for k in (5, 10, 50)) for n in (10, 100, 500)]
    policy = runs[0].policy(0)
    assert isinstance(policy, PairMemoryPolicy)
    for stage in runs[0].stages(policy, 0):
        ours = stage.learner.policy
        assert next(ours.parameters()) is next(policy.parameters())
        assert ours.num_actions == stage.setting.env.num_actions


def test_every_stage_has_luck_of_its_own():
    (run,) = [run for run in EXPERIMENT.runs("laptop") if run.name == "equivariant-n100"]
    seeds = [stage.training.seed for seed in (0, 1, 2) for stage in run.stages(run.policy(seed), seed)]
    assert len(set(seeds)) == len(seeds)


def test_the_same_seed_makes_the_same_weights():
    (run,) = [run for run in EXPERIMENT.runs("smoke") if run.name == "gru-n10_k5"]
    one, same, other = (torch.cat([p.flatten() for p in run.policy(s).parameters()]) for s in (0, 0, 1))
    assert torch.equal(one, same) and not torch.equal(one, other)


def test_ninety_nine_percent_is_judged_by_the_interval_in_every_cell():
    mine = RL2_EQUIVARIANT
    at, below = row(agent=mine, normalised_mean=0.9935), row("n100_k5", mine, normalised_mean=0.9)
    assert judge("level", at).word == "matched"
    assert judge("level", replace(at, normalised_mean=0.9885)).word == "open", "the interval has .99 inside"
    verdict = judge("level", at, below)
    assert verdict.word == "not reached" and "1 of 2" in verdict.evidence and "n100_k5" in verdict.evidence


def test_the_best_row_may_reach_the_published_number_or_ninety_nine_percent():
    assert judge("best", row(mean=6.64, normalised_mean=0.5)).word == "matched", "published 6.7, rounded"
    assert judge("best", row(mean=6.0, normalised_mean=0.995)).word == "matched"
    verdict = judge("best", row(mean=6.0, normalised_mean=0.5))
    assert verdict.word == "not reached" and "n10_k5" in verdict.evidence
    assert judge("best", row(mean=6.0, normalised_mean=0.5), row(agent="UCB1", mean=7.0, seeds=0)).word == "not reached"


def test_the_plain_network_is_asked_for_the_same_at_ten_pulls_without_help():
    plain, other = row(mean=6.0, normalised_mean=0.5), row(agent=RL2_EQUIVARIANT, mean=6.7, normalised_mean=1.0)
    assert judge("best", plain, other).word == "matched"
    assert judge("plain", plain, other).word == "not reached", "another network's row does not count for the paper's"
    assert judge("short", plain, other).word == "not reached"
    assert judge("short", row(mean=6.7), row("n100_k5", mean=60.0, normalised_mean=0.3)).word == "matched"


def test_snail_is_compared_by_its_own_interval():
    assert judge("snail", row(mean=6.51)).word == "matched"
    assert judge("snail", row(mean=6.4)).word == "not reached"


def test_falling_behind_needs_both_ends():
    short, long = row("n10_k10", normalised_mean=0.99), row("n500_k10", normalised_mean=0.5)
    assert judge("behind", short, long).word == "matched"
    assert judge("behind", short, replace(long, normalised_mean=0.988)).word == "not reached", "the intervals overlap"
    with pytest.raises(KeyError):
        judge("behind", short)
