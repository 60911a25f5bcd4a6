"""Figure 2: whose curve is read off a card, on which scale, and how its claims are judged."""

from __future__ import annotations

import math

import pytest
import torch
from msgspec.structs import replace

from rl2lib.agents.bayes_optimal import bayes_optimal_value
from rl2lib.evaluation.rows import Measured, Point, Row
from rl2lib.experiments.history import NUM_HISTORY
from rl2lib.experiments.papers.figure2 import EXPERIMENT
from rl2lib.experiments.papers.figure2.players import CURVES, LEVEL, STEPS, measure, steps_to
from rl2lib.experiments.papers.learning_curves import FINAL, Curve, end_of, on_scale
from rl2lib.experiments.papers.table1.curves import learning_curve
from rl2lib.experiments.papers.table1.players import BEST_KNOWN
from rl2lib.experiments.papers.table1.published import RL2
from rl2lib.experiments.papers.table1.trained import ARMS, CELLS, ROUNDS

GRU = CURVES[0]


def card(returns, lengths):
    """A card's history, of stages that are so many iterations long."""
    stages = [{"training": {"iterations": length}} for length in lengths]
    steps = [1e6 * (number + 1) for number in range(len(returns))]
    return {"config": {"stages": stages}, "history": {"env_steps": steps, "trial_return": returns}}


class Cards:
    """Runs of two seeds whose returns are always the same."""

    def __init__(self, trial_return):
        self.trial_return = trial_return

    def cards(self, name):
        rounds = len(ROUNDS[10]) if name.startswith("equivariant") else 1
        return 2 * [card(rounds * 3 * [self.trial_return], rounds * [3])]


def final(cell, mean, se=0.01, agent=GRU.agent, how=GRU.how):
    return Row("figure2", cell, agent, f"{how}, {FINAL}", mean=mean, se=se)


def taken(cell, *millions):
    return Row("figure2", cell, GRU.agent, f"{GRU.how}, {STEPS}", mean=millions[0], se=0.0, every_seed=millions)


def judge(number, *rows):
    return EXPERIMENT.claims[number].judge(Measured(list(rows)))


def test_a_curve_has_only_the_rounds_on_its_own_number_of_arms():
    arms = [part.num_arms for part in ROUNDS[100]]
    returns = [float(k) for k in arms for _ in range(2)]
    for wanted in ARMS:
        curve = learning_curve(card(returns, len(arms) * [2]), 100, wanted, random=0.0, reference=wanted)
        assert torch.equal(curve.score, torch.ones(2 * arms.count(wanted), dtype=torch.float64))
        assert curve.steps[-1] == 2 * (len(arms) - arms[::-1].index(wanted)), "steps of all rounds count"


def test_points_that_were_thinned_across_two_rounds_are_left_out():
    arms = [part.num_arms for part in ROUNDS[500]]
    length = NUM_HISTORY // len(arms) + 7  # no whole number of points a round
    each = torch.tensor([float(k) for k in arms for _ in range(length)], dtype=torch.float64)
    returns = [piece.mean().item() for piece in each.tensor_split(NUM_HISTORY)]
    curve = learning_curve(card(returns, len(arms) * [length]), 500, 10, random=0.0, reference=10.0)
    assert torch.equal(curve.score, torch.ones_like(curve.score)) and len(curve.score) > 40


def test_the_end_is_a_fifth_and_a_level_is_reached_by_a_mean_of_several_iterations():
    score = torch.tensor([0.0, 1.0, 0.0, 0.8, 0.9, 0.9, 0.95, 0.95, 1.0, 1.0], dtype=torch.float64)
    curve = Curve(torch.arange(1.0, 11.0, dtype=torch.float64), score)
    assert end_of(curve).tolist() == [1.0, 1.0]
    assert steps_to(curve) == 8, "one iteration at 1.0 is luck"
    assert steps_to(curve, level=1.5) == math.inf
    single = Curve(curve.steps[:1], score[:1])
    assert end_of(single).tolist() == [0.0] and steps_to(single) == math.inf


def test_the_scale_is_measured_and_a_curve_at_the_exact_optimum_ends_at_the_ceiling():
    measured = measure("n10_k5", "smoke", Cards(bayes_optimal_value(5, 10)))
    assert measured.row("n10_k5", "Random").mean == 0 and measured.row("n10_k5", BEST_KNOWN).mean == 1
    for drawn in CURVES:
        ours = measured.row("n10_k5", drawn.agent, f"{drawn.how}, {FINAL}")
        assert ours.mean == pytest.approx(ours.every_seed[0]) and ours.seeds == 2 and ours.num_tasks > 0
        assert ours.mean == pytest.approx(measured.row("n10_k5", "Random").ceiling)
        assert measured.line("n10_k5", drawn.agent)[-1].y == pytest.approx(ours.mean)
    assert measure("n10_k5", "smoke", Cards(5.0)).row("n10_k5", GRU.agent).mean < 0.5, "and no row of steps"


def test_published_returns_are_put_on_our_scale():
    zero, one = (Row("figure2", "n500_k50", "", mean=mean, se=0.2, num_tasks=10_000) for mean in (250.0, 465.0))
    score, error = on_scale(438.9, zero, one, 1_000)
    assert score == pytest.approx(188.9 / 215, abs=5e-4), "our means, not those of the paper's own Gittins index"
    assert error == pytest.approx(0.2 * math.sqrt(10) / 215, rel=0.01), "a tenth of the tasks"
    near = replace(one, mean=251.0, se=1e-9)
    assert on_scale(250.5, zero, near, 1_000)[1] == pytest.approx(0.1 / math.sqrt(12)), "printed to a tenth"


def test_a_curve_is_at_the_level_where_its_interval_is_and_below_where_that_is():
    assert judge(0, final("n10_k5", LEVEL + 0.03), final("n100_k5", 1.0)).word == "matched"
    assert judge(0, final("n10_k5", LEVEL - 0.01), final("n100_k5", 1.0)).word == "open"
    verdict = judge(0, final("n10_k5", LEVEL - 0.03), final("n100_k5", 1.0))
    assert verdict.word == "not reached" and "n10_k5 87.0% ± 2.0" in verdict.evidence


def ran(cell, millions):
    return Point("figure2", cell, RL2, millions, 0.5)


def test_longer_trials_are_slower_if_no_seed_is_faster_there():
    short, long, never = taken("n10_k5", 0.1, 0.2), taken("n100_k5", 0.3, 0.4), final("n500_k5", 0.5)
    judged = EXPERIMENT.claims[3].judge
    assert judged(Measured([short, long])).word == "matched"
    assert judged(Measured([short, replace(long, every_seed=(0.15, 0.4))])).word == "not reached"
    verdict = judged(Measured([short, long, never], [ran("n500_k5", 2.0)]))
    assert verdict.word == "matched" and verdict.evidence.endswith("n500_k5 not within 2")
    silent = [final("n10_k50", 0.5), final("n100_k50", 0.5)], [ran("n10_k50", 2.0), ran("n100_k50", 1.0)]
    verdict = judged(Measured([short, long, *silent[0]], silent[1]))
    assert verdict.word == "open" and "k = 50" in verdict.evidence, "one k says nothing of another"


def test_a_run_that_was_given_up_early_tells_nothing_of_speed():
    short, long = taken("n10_k5", 0.3, 0.4), taken("n100_k5", 0.3, 0.4)
    judged = EXPERIMENT.claims[3].judge
    with pytest.raises(KeyError):
        judged(Measured([short, final("n100_k5", 0.5)], [ran("n100_k5", 0.35)]))
    with pytest.raises(KeyError):
        judged(Measured([final("n10_k5", 0.5), long], [ran("n10_k5", 0.35)]))
    verdict = judged(Measured([final("n10_k5", 0.5), long], [ran("n10_k5", 1.0)]))
    assert verdict.word == "not reached", "the longer one got there first"


def test_the_hardest_cell_is_the_last_if_the_others_are_above_it():
    rows = [final(cell, 0.9) for cell in CELLS]
    assert judge(4, *rows[:-1], final("n500_k50", 0.8)).word == "matched"
    assert judge(4, *rows[:-1], final("n500_k50", 0.89)).word == "not reached"
    with pytest.raises(KeyError):
        judge(4, *rows[:3])
