"""Table 2 where planning matters: who plays, who is drawn, and how its claims are judged."""

from __future__ import annotations

import pytest
import torch

from rl2lib.agents.chain_optimal import ChainOptimal
from rl2lib.agents.optimism import BEB
from rl2lib.evaluation.rows import Measured, Row
from rl2lib.experiments.papers.mdp_players import BLIND, ORACLE, RANDOM
from rl2lib.experiments.papers.table2_planning import EXPERIMENT
from rl2lib.experiments.papers.table2_planning.claims import ahead
from rl2lib.experiments.papers.table2_planning.figure import DRAWN, draw
from rl2lib.experiments.papers.table2_planning.players import (
    OPTIMAL,
    RL2_MESSAGES,
    RL2_PAIRS,
    RL2_PLANNING,
    TRAINED,
    measure,
)
from rl2lib.experiments.papers.table2_planning.trained import COLD, PRIORS, Cell, setting
from rl2lib.tasks.sampling import make_generators
from tests.rl2lib.experiments.papers.fresh_weights import FreshWeights

CLAIMS = dict(zip(("planning", "known", "alone", "messages", "optimum"), EXPERIMENT.claims, strict=True))


@pytest.fixture(scope="module")
def measured():
    return measure("chain_n10", "smoke", FreshWeights(EXPERIMENT.runs))


def row(agent, mean, cell="chain_n10", seeds=0, variant="", behind=None, behind_se=0.1, **others):
    return Row(
        EXPERIMENT.id,
        cell,
        agent,
        variant,
        mean=mean,
        se=0.5,
        seeds=seeds,
        behind=behind,
        behind_se=behind_se,
        **others,
    )


def judge(name, *rows):
    return CLAIMS[name].judge(Measured(list(rows)))


@pytest.mark.slow
def test_who_plays_a_chain(measured):
    rows = measured.rows
    assert len({(row.agent, row.variant) for row in rows}) == len(rows) == 2 + 18 + 1 + 5
    assert {(row.agent, row.variant) for row in rows if row.seeds} == set(TRAINED.values())
    assert not [row for row in rows if "true" in row.variant], "no prior of the planners' form is true of chains"
    told = measured.row("chain_n10", ORACLE)
    assert told.mean == 600.0, "six steps at the end of the chain, in each of ten episodes"
    assert measured.row("chain_n10", OPTIMAL).normalised_mean == 1.0


@pytest.mark.slow
def test_every_line_has_a_point_an_episode_and_they_add_up_to_the_trial(measured):
    for line in (*DRAWN, OPTIMAL, ORACLE):
        points = measured.line("chain_n10", line)
        assert [point.x for point in points] == list(range(1, 11))
        assert all(point.low <= point.y + 1e-6 and point.y <= point.high + 1e-6 for point in points)
    total = sum(point.y for point in measured.line("chain_n10", BLIND))
    assert total == pytest.approx(max(row.mean for row in measured.rows if row.agent == BLIND), rel=1e-5)


def test_what_the_planners_are_told_of_chains_has_their_moments():
    chains, _ = setting(Cell("chain", 10))
    rewards = chains.sample(4_000, make_generators(0, "tasks")["tasks"]).reward_mean
    prior = PRIORS["chain"]
    assert rewards.mean().item() == pytest.approx(prior.reward_mean, abs=0.02)
    assert rewards.var().item() == pytest.approx(1 / prior.reward_precision, abs=0.1)
    sparse, _ = setting(Cell("sparse", 10))
    assert sparse.concentration == PRIORS["sparse"].concentration


def test_the_optimum_of_the_cells_chains_is_known_to_a_thousandth():
    for episodes in (10, 25):
        agent = ChainOptimal(setting(Cell("chain", episodes)).distribution, 10, episodes)
        assert agent.value <= agent.bound < 1.001 * agent.value


def test_longer_trials_start_from_short_ones():
    (run,) = [run for run in EXPERIMENT.runs("laptop") if run.name == "messages-chain_n25"]
    policy = run.policy(0)
    stages = list(run.stages(policy, 0))
    assert [stage.setting.env.episodes_per_trial for stage in stages] == [10, 25]
    short, whole = (stage.learner.policy for stage in stages)
    assert short.episodes_per_trial == 10 and whole is policy and short.core is policy.core
    assert len({stage.training.seed for stage in stages}) == 2


def test_the_planning_head_imitates_the_best_planner_before_it_is_reinforced():
    (run,) = [run for run in EXPERIMENT.runs("laptop") if run.name == "imitated-sparse_n25"]
    policy = run.policy(0)
    assert policy.log_temperature.exp().item() == pytest.approx(COLD)
    imitation, reinforcement = run.stages(policy, 0)
    teacher = imitation.learner.teacher
    assert isinstance(teacher, BEB) and teacher.update == "step" and teacher.prior == PRIORS["sparse"]
    assert imitation.learner.policy is reinforcement.learner.policy is policy
    assert imitation.setting.env.episodes_per_trial == reinforcement.setting.env.episodes_per_trial == 25
    assert imitation.training.seed != reinforcement.training.seed


def test_planning_matters_where_the_best_planner_is_ahead_of_the_blind_rule():
    blind = row(BLIND, 190.0, variant="a", behind=10.0), row(BLIND, 199.0, variant="b", behind=1.0)
    others = row(ORACLE, 600.0, behind=-400.0), row(OPTIMAL, 540.0), row(RANDOM, 100.0)
    assert judge("planning", *blind, *others, row("BEB", 200.0, behind=0.0)).word == "matched"
    assert judge("planning", *blind, *others, row("BEB", 198.0, behind=2.0)).word == "not reached"
    assert "+1.0 ± 0.2" in judge("planning", *blind, *others, row("BEB", 200.0, behind=0.0)).evidence


def test_level_with_the_best_known_is_enough_and_ahead_of_it_everywhere_is_more():
    def verdict(*gaps):
        rows = []
        for number, gap in enumerate(gaps):
            cell = f"chain_n{number}"
            rows += [
                row("BEB", 500.0, cell, behind=max(gap, 0.0)),
                row(BLIND, 200.0, cell, behind=300.0),
                row(ORACLE, 600.0, cell, behind=-100.0),
                row(RL2_MESSAGES, 500.0 + gap, cell, 3, behind=max(-gap, 0.0)),
                row(RL2_PAIRS, 190.0, cell, 3, behind=310.0),
            ]
        return judge("known", *rows).word

    assert verdict(30.0, 5.0) == "surpassed"
    assert verdict(30.0, -0.1) == "matched"
    assert verdict(30.0, -0.3) == "not reached"


def test_two_rows_of_which_neither_is_the_best_are_compared_as_if_independent():
    first, second = row("a", 300.0, behind=200.0), row("b", 290.0, behind=210.0)
    difference, half = ahead(first, second)
    assert difference == 10.0 and half == pytest.approx(1.96 * 0.5 * 2**0.5)


def test_messages_are_compared_with_the_best_known_without_the_other_trained_rows():
    known, other = row("BEB", 500.0, behind=2.0), row(RL2_PLANNING, 502.0, seeds=3, behind=0.0)
    blind = row(BLIND, 200.0, behind=302.0)
    assert judge("known", known, blind, other, row(RL2_MESSAGES, 480.0, seeds=3, behind=22.0)).word == "surpassed"
    assert judge("alone", known, blind, other, row(RL2_MESSAGES, 480.0, seeds=3, behind=22.0)).word == ("not reached")


def test_messages_must_be_ahead_of_the_blind_memory_everywhere():
    blind = row(RL2_PAIRS, 199.0, seeds=3, behind=300.0), row(RL2_PAIRS, 140.0, "sparse_n10", 3, behind=2.0)
    messages = row(RL2_MESSAGES, 530.0, seeds=3, behind=1.0)
    assert judge("messages", *blind, messages, row(RL2_MESSAGES, 142.0, "sparse_n10", 3, behind=0.0)).word == "matched"
    assert (
        judge("messages", *blind, messages, row(RL2_MESSAGES, 140.5, "sparse_n10", 3, behind=1.0)).word == "not reached"
    )


def test_near_the_optimum_is_judged_by_the_interval_and_on_chains_alone():
    near = {"seeds": 3, "normalised_se": 0.002}
    other = row(RL2_MESSAGES, 140.0, "sparse_n10", normalised_mean=0.5, **near)
    assert judge("optimum", other, row(RL2_MESSAGES, 535.0, normalised_mean=0.98, **near)).word == "matched"
    assert judge("optimum", other, row(RL2_MESSAGES, 520.0, normalised_mean=0.951, **near)).word == "open"
    assert judge("optimum", other, row(RL2_MESSAGES, 500.0, normalised_mean=0.94, **near)).word == "not reached"


@pytest.mark.slow
def test_the_figure_is_drawn_of_one_cell_alone(measured):
    figure = draw(measured)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()][: len(DRAWN)] == list(DRAWN)
    assert torch.isfinite(torch.tensor(figure.axes[0].get_ylim())).all()
