"""Eleven arms of Wang et al.: what every agent must earn, the one-hot reward, and claims either way."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from rl2lib.agents.bandit import Random
from rl2lib.agents.eleven_arms import INFORMATIVE_ARM, EveryArmOnce, PaysForInformation, TargetThompson
from rl2lib.evaluation.evaluate import play
from rl2lib.evaluation.rows import Measured, Row
from rl2lib.experiments.papers.eleven_arms import claims, players, trained
from rl2lib.tasks.wang import NUM_CANDIDATES, InformativeBanditEnv
from rl2lib.types import StepInput

RUNS = {run.name: run for run in trained.runs("smoke")}
EVERY_TARGET = torch.cat([1 + 4 * torch.eye(NUM_CANDIDATES), torch.arange(1, 11)[:, None] / 10], dim=1)


def test_what_the_classic_agents_earn() -> None:
    env = InformativeBanditEnv()
    optimal = play(PaysForInformation(), env, EVERY_TARGET, seed=0)
    assert optimal.trial_return().mean().item() == pytest.approx(20.55) == players.optimum(5)
    assert players.pays(optimal).all()
    once = play(EveryArmOnce(), env, EVERY_TARGET, seed=0)
    assert once.trial_return().mean().item() == pytest.approx(7.0) and not players.pays(once).any()
    search = play(TargetThompson(), env, EVERY_TARGET.repeat(1_000, 1), seed=0)
    assert search.trial_return().mean().item() == pytest.approx(11.0, abs=0.3) and not players.pays(search).any()


def test_the_one_hot_network_acts_as_it_learns() -> None:
    policy = RUNS["one-hot"].policy(0)
    trial = play(policy, InformativeBanditEnv(), EVERY_TARGET, seed=0)
    inputs = trial.step_inputs()
    state = policy.initial_state(len(EVERY_TARGET))
    for t in range(5):
        logits, state = policy.step(state, StepInput(*(part[:, t] for part in inputs)))
        assert torch.allclose(logits, policy.unroll(inputs)[0][:, t], atol=1e-6)


def agents(num_seeds: int = 2) -> SimpleNamespace:
    def cards(name: str) -> list[dict]:
        imitation = [20.0] if name == "imitation" else []
        history = {
            "trial_return": [*imitation, 6.0, 8.0],
            "env_steps": [40.0 * (i + 1) for i in range(2 + bool(imitation))],
        }
        return [{"history": history}] * num_seeds

    return SimpleNamespace(policies=lambda name: [RUNS[name].policy(seed) for seed in range(num_seeds)], cards=cards)


def test_both_cells_of_untrained_agents() -> None:
    found = players.measure(trained.RETURN, "smoke", agents())
    best = found.cell(trained.RETURN)[0]
    assert best.agent == players.OPTIMAL and best.ceiling == pytest.approx(20.55) and best.normalised_mean == 1
    assert found.row(trained.RETURN, players.RANDOM).mean == pytest.approx(5 * 14.55 / 11, abs=1.5)
    pulls = found.line(trained.RETURN, players.by_pull(players.OPTIMAL))
    assert [point.y for point in pulls[1:]] == [5.0] * 4 and pulls[0].y < 1
    # while it imitates the teacher plays: that part of the history is no curve of its own
    assert [point.x for point in found.line(trained.RETURN, trained.IMITATED.line)] == [16.0, 24.0]
    assert [point.x for point in found.line(trained.RETURN, trained.FORMS[0].line)] == [8.0, 16.0]
    shares = players.measure(trained.PAYS, "smoke", agents())
    assert shares.row(trained.PAYS, players.OPTIMAL).mean == 1 and shares.row(trained.PAYS, players.TS).mean == 0
    assert not shares.points


def rows(form: trained.Form, earned: float, paid: float) -> list[Row]:
    return [
        Row(trained.ID, cell, form.agent, form.variant, mean=mean, se=se, every_seed=(mean,))
        for cell, mean, se in ((trained.RETURN, earned, 0.02), (trained.PAYS, paid, 0.002))
    ]


@pytest.mark.parametrize(
    ("earned", "paid", "word"),
    [(20.5, 0.999, "matched"), (20.3, 0.999, "not reached"), (20.5, 0.99, "not reached"), (11.0, 0.0, "not reached")],
)
def test_the_optimum_is_reached_by_interval(earned: float, paid: float, word: str) -> None:
    verdict = claims._learns_the_optimum(Measured(rows(trained.PAPERS, earned, paid)), trained.PAPERS)
    assert verdict.word == word and f"{earned:.2f}" in verdict.evidence


@pytest.mark.parametrize(("paid", "word"), [(0.0, "matched"), (0.01, "not reached")])
def test_never_means_one_trial_in_a_hundred_at_most(paid: float, word: str) -> None:
    search = Row(trained.ID, trained.RETURN, players.TS, mean=11.0)
    found = rows(trained.FORMS[0], 11.0, 0.0) + rows(trained.FORMS[2], 11.0, paid)
    assert claims._never_pays(Measured([*found, search])).word == word


@pytest.mark.parametrize(("number", "word"), [(0.02, "matched"), (0.999, "not reached")])
def test_one_hot_must_be_ahead_of_the_number(number: float, word: str) -> None:
    found = rows(trained.FORMS[1], 11.0, number) + rows(trained.PAPERS, 20.5, 1.0)
    assert claims._one_hot_helps(Measured(found)).word == word


@pytest.mark.parametrize(("ucb", "word"), [(7.0, "matched"), (11.0, "not reached")])
def test_the_papers_order(ucb: float, word: str) -> None:
    means = ((players.TS, 11), (players.UCB, ucb))
    classic = [Row(trained.ID, trained.RETURN, agent, mean=mean, se=0.05) for agent, mean in means]
    assert claims._in_the_papers_order(Measured(rows(trained.PAPERS, 20.5, 1.0) + classic)).word == word


def test_random_play_pays_at_times() -> None:
    trial = play(Random(11), InformativeBanditEnv(), EVERY_TARGET.repeat(200, 1), seed=0)
    assert players.pays(trial).mean().item() == pytest.approx(1 - (10 / 11) ** 5, abs=0.05)
    assert trial.action.max() == INFORMATIVE_ARM
