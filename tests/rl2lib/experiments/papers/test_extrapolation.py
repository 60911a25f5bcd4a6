"""Beyond the training distribution: which cells are new, what the two clocks read, and how claims are judged."""

from __future__ import annotations

import pytest
import torch

from rl2lib.agents.bandit import Counts
from rl2lib.agents.gittins import FiniteHorizonGittins
from rl2lib.agents.pair_memory import PairMemory
from rl2lib.agents.recurrent import RecurrentPolicy
from rl2lib.evaluation.rows import Measured, Row
from rl2lib.experiments.papers.extrapolation import EXPERIMENT
from rl2lib.experiments.papers.extrapolation.players import NEW_CLOCK, OWN_CLOCK, ShortSighted, measure, with_arms
from rl2lib.experiments.papers.extrapolation.trained import BY_ARMS, BY_PULLS, CELLS, HOME, was_trained
from rl2lib.experiments.papers.table1 import EXPERIMENT as TABLE1
from rl2lib.experiments.papers.table1.players import BEST_KNOWN, RL2_EQUIVARIANT, RL2_IMITATION
from rl2lib.experiments.papers.table1.published import RL2
from rl2lib.types import StepInput
from tests.rl2lib.experiments.papers.fresh_weights import FreshWeights


def memories(cell, normalised=0.99, variant=OWN_CLOCK, se=0.001):
    return Row("extrapolation", cell, RL2_EQUIVARIANT, variant, normalised_mean=normalised, normalised_se=se)


def other(cell, agent, normalised, se=0.001):
    return Row("extrapolation", cell, agent, normalised_mean=normalised, normalised_se=se)


def judge(number, *rows):
    return EXPERIMENT.claims[number].judge(Measured(list(rows)))


def test_what_is_new_is_neither_trained_nor_planned_to_be():
    assert [cell for cell in CELLS if was_trained(cell)] == ["n100_k5", "n100_k10", "n100_k50"]
    assert {*BY_ARMS, *BY_PULLS} < {*CELLS.values()}
    runs = EXPERIMENT.runs("laptop")
    assert {run.owner for run in runs} == {TABLE1.id}
    assert runs[0].cells == tuple(CELLS), "one set of weights for all cells"
    plans = {run.name: run for run in TABLE1.runs("laptop")}
    for run in runs:
        assert run.stages.args == plans[run.name].stages.args and run.policy.args == plans[run.name].policy.args


def test_a_told_clock_reads_the_fraction_of_the_new_length():
    (policy,) = FreshWeights(EXPERIMENT.runs).policies("equivariant-n100")[:1]
    policy = with_arms(policy, 3)
    hidden = torch.randn(1, 1, 3, policy.hidden_size, generator=torch.Generator().manual_seed(0))
    zero = torch.zeros(1, dtype=torch.int64)
    inputs = StepInput(torch.zeros(1, 1), zero, torch.ones(1), torch.ones(1))

    def logits(which, steps):
        return which.step(PairMemory(hidden, zero, zero, torch.tensor([steps])), inputs)[0]

    told = policy.for_trials(200)
    assert torch.equal(logits(told, 100), logits(policy, 50))
    assert not torch.allclose(logits(told, 100), logits(policy, 100))
    assert policy.episodes_per_trial == 100 and told.core is policy.core, "the weights are shared, the clock is not"


@pytest.mark.slow
def test_a_short_sighted_index_explores_less_early_and_the_same_at_the_end():
    sighted, short = FiniteHorizonGittins(2, 300), ShortSighted(2, 300)

    def choices(successes, failures, steps):  # of the first arm; the second is untried
        counts = Counts(torch.tensor([[successes, 0.0]]), torch.tensor([[failures, 0.0]]), steps)
        return [agent.choose(counts, torch.Generator()).item() for agent in (sighted, short)]

    assert choices(60.0, 30.0, 92) == [1, 1], ".66 is sure: 100 pulls are enough to try what is new"
    assert choices(60.0, 30.0, 298) == [0, 0], "nobody explores with two pulls left"
    assert choices(78.0, 12.0, 92) == [1, 0], ".86 is sure: what is new is worth trying if 208 pulls are left"


def test_a_policy_without_a_memory_per_arm_is_refused():
    plain = RecurrentPolicy((1,), 3, 4, generator=torch.Generator().manual_seed(0))
    with pytest.raises(TypeError, match="RecurrentPolicy"):
        with_arms(plain, 5)


def test_who_plays_where():
    shorter = measure("n50_k10", "smoke", FreshWeights(EXPERIMENT.runs))
    assert shorter.row("n50_k10", BEST_KNOWN).normalised_mean == 1.0
    assert shorter.row("n50_k10", "Random").normalised_mean == 0.0
    assert {row.variant for row in shorter.rows if row.agent == RL2_EQUIVARIANT} == {OWN_CLOCK, NEW_CLOCK}
    assert shorter.row("n50_k10", RL2).seeds == 2
    fewer = measure("n100_k2", "smoke", FreshWeights(EXPERIMENT.runs))
    assert [row.variant for row in fewer.rows if row.seeds] == [OWN_CLOCK], "no second clock, no network of ten arms"
    assert fewer.row("n100_k2", "UCB1").setting.endswith(f"of {HOME.name}")


def test_new_arms_and_new_lengths_are_judged_apart_and_trained_cells_not_at_all():
    good, bad, trained = memories("n100_k20"), memories("n50_k10", 0.9), memories(HOME.name, 0.5)
    assert judge(0, good, bad, trained).word == "matched"
    verdict = judge(1, good, bad, trained)
    assert verdict.word == "not reached" and verdict.evidence == "n50_k10 90.0% ± 0.2"
    assert judge(0, memories("n100_k2", 0.975, se=0.01)).word == "open", "its interval reaches below"
    with pytest.raises(KeyError):
        judge(0, trained)


def test_clocks_are_the_same_only_if_shown_to_be():
    own = memories("n200_k10", 0.990)
    assert judge(2, own, memories("n200_k10", 0.993, NEW_CLOCK)).word == "matched"
    assert judge(2, own, memories("n200_k10", 0.999, NEW_CLOCK)).word == "not reached"
    assert judge(2, own, memories("n200_k10", 0.990, NEW_CLOCK, se=0.02)).word == "not reached"
    with pytest.raises(KeyError):
        judge(2, memories("n100_k20"))


def test_below_ucb1_needs_intervals_apart_and_a_kept_score_an_equivalence():
    assert judge(3, memories("n100_k2", 0.98), other("n100_k2", "UCB1", 0.982)).word == "matched"
    assert judge(3, memories("n100_k2", 0.97), other("n100_k2", "UCB1", 0.982)).word == "not reached"
    for number, agent in ((4, RL2), (5, RL2_IMITATION)):
        assert judge(number, other(HOME.name, agent, 0.80), other("n200_k10", agent, 0.85)).word == "matched"
        assert judge(number, other(HOME.name, agent, 0.80), other("n200_k10", agent, 0.797)).word == "matched"
        assert judge(number, other(HOME.name, agent, 0.80), other("n200_k10", agent, 0.79)).word == "open"
        assert judge(number, other(HOME.name, agent, 0.80), other("n200_k10", agent, 0.77)).word == "not reached"
