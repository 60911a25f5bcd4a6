"""Eleven arms of Wang et al.: what every agent must earn, the one-hot reward, and claims either way."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from rl2lib.agents.bandit import Random
from rl2lib.agents.eleven_arms import INFORMATIVE_ARM, EveryArmOnce, PaysForInformation, TargetThompson
from rl2lib.evaluation.evaluate import play
from rl2lib.evaluation.rows import Measured, Row
from rl2lib.experiments.papers import eleven_arms as paper
from rl2lib.tasks.wang import NUM_CANDIDATES, InformativeBanditEnv
from rl2lib.types import StepInput

RUNS = {run.name: run for run in paper.runs("smoke")}
EVERY_TARGET = torch.cat([1 + 4 * torch.eye(NUM_CANDIDATES), torch.arange(1, 11)[:, None] / 10], dim=1)


def test_what_the_classic_agents_earn() -> None:
    env = InformativeBanditEnv()
    optimal = play(PaysForInformation(), env, EVERY_TARGET, seed=0)
    assert optimal.trial_return().mean().item() == pytest.approx(20.55) == paper.optimum(5)
    assert paper.pays(optimal).all()
    once = play(EveryArmOnce(), env, EVERY_TARGET, seed=0)
    assert once.trial_return().mean().item() == pytest.approx(7.0) and not paper.pays(once).any()
    search = play(TargetThompson(), env, EVERY_TARGET.repeat(1_000, 1), seed=0)
    assert search.trial_return().mean().item() == pytest.approx(11.0, abs=0.3) and not paper.pays(search).any()


def test_the_one_hot_network_acts_as_it_learns() -> None:
    policy = RUNS["one-hot"].policy(0)
    trial = play(policy, InformativeBanditEnv(), EVERY_TARGET, seed=0)
    inputs = trial.step_inputs()
    state = policy.initial_state(len(EVERY_TARGET))
    for t in range(5):
        logits, state = policy.step(state, StepInput(*(part[:, t] for part in inputs)))
        assert torch.allclose(logits, policy.unroll(inputs)[0][:, t], atol=1e-6)


def trained(num_seeds: int = 2) -> SimpleNamespace:
    def cards(name: str) -> list[dict]:
        imitation = [20.0] if name == "imitation" else []
        history = {
            "trial_return": [*imitation, 6.0, 8.0],
            "env_steps": [40.0 * (i + 1) for i in range(2 + bool(imitation))],
        }
        return [{"history": history}] * num_seeds

    return SimpleNamespace(policies=lambda name: [RUNS[name].policy(seed) for seed in range(num_seeds)], cards=cards)


def test_both_cells_of_untrained_agents() -> None:
    found = paper.measure(paper.RETURN, "smoke", trained())
    best = found.cell(paper.RETURN)[0]
    assert best.agent == paper.OPTIMAL and best.ceiling == pytest.approx(20.55) and best.normalised_mean == 1
    assert found.row(paper.RETURN, paper.RANDOM).mean == pytest.approx(5 * 14.55 / 11, abs=1.5)
    pulls = found.line(paper.RETURN, paper.by_pull(paper.OPTIMAL))
    assert [point.y for point in pulls[1:]] == [5.0] * 4 and pulls[0].y < 1
    # while it imitates the teacher plays: that part of the history is no curve of its own
    assert [point.x for point in found.line(paper.RETURN, paper.IMITATED.line)] == [16.0, 24.0]
    assert [point.x for point in found.line(paper.RETURN, paper.FORMS[0].line)] == [8.0, 16.0]
    shares = paper.measure(paper.PAYS, "smoke", trained())
    assert shares.row(paper.PAYS, paper.OPTIMAL).mean == 1 and shares.row(paper.PAYS, paper.TS).mean == 0
    assert not shares.points


def rows(form: paper.Form, earned: float, paid: float) -> list[Row]:
    return [
        Row(paper.ID, cell, form.agent, form.variant, mean=mean, se=se, every_seed=(mean,))
        for cell, mean, se in ((paper.RETURN, earned, 0.02), (paper.PAYS, paid, 0.002))
    ]


@pytest.mark.parametrize(
    ("earned", "paid", "word"),
    [(20.5, 0.999, "matched"), (20.3, 0.999, "not reached"), (20.5, 0.99, "not reached"), (11.0, 0.0, "not reached")],
)
def test_the_optimum_is_reached_by_interval(earned: float, paid: float, word: str) -> None:
    verdict = paper._learns_the_optimum(Measured(rows(paper.PAPERS, earned, paid)), paper.PAPERS)
    assert verdict.word == word and f"{earned:.2f}" in verdict.evidence


@pytest.mark.parametrize(("paid", "word"), [(0.0, "matched"), (0.01, "not reached")])
def test_never_means_one_trial_in_a_hundred_at_most(paid: float, word: str) -> None:
    search = Row(paper.ID, paper.RETURN, paper.TS, mean=11.0)
    found = rows(paper.FORMS[0], 11.0, 0.0) + rows(paper.FORMS[2], 11.0, paid)
    assert paper._never_pays(Measured([*found, search])).word == word


@pytest.mark.parametrize(("number", "word"), [(0.02, "matched"), (0.999, "not reached")])
def test_one_hot_must_be_ahead_of_the_number(number: float, word: str) -> None:
    found = rows(paper.FORMS[1], 11.0, number) + rows(paper.PAPERS, 20.5, 1.0)
    assert paper._one_hot_helps(Measured(found)).word == word


@pytest.mark.parametrize(("ucb", "word"), [(7.0, "matched"), (11.0, "not reached")])
def test_the_papers_order(ucb: float, word: str) -> None:
    classic = [
        Row(paper.ID, paper.RETURN, agent, mean=mean, se=0.05) for agent, mean in ((paper.TS, 11), (paper.UCB, ucb))
    ]
    assert paper._in_the_papers_order(Measured(rows(paper.PAPERS, 20.5, 1.0) + classic)).word == word


def test_random_play_pays_at_times() -> None:
    trial = play(Random(11), InformativeBanditEnv(), EVERY_TARGET.repeat(200, 1), seed=0)
    assert paper.pays(trial).mean().item() == pytest.approx(1 - (10 / 11) ** 5, abs=0.05)
    assert trial.action.max() == INFORMATIVE_ARM
