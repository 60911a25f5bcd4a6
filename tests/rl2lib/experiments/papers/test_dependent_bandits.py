"""Two-armed bandits of Wang et al.: exact regrets, one optimal rule, and claims that can come out either way."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from rl2lib.agents.bandit import Counts, Oracle, Random
from rl2lib.agents.bayes_optimal import bayes_optimal_value
from rl2lib.agents.belief_optimal import DependentBanditOptimal
from rl2lib.evaluation.evaluate import play
from rl2lib.evaluation.rows import Measured, Point, Row
from rl2lib.experiments.papers.dependent_bandits import claims, players, trained
from rl2lib.experiments.papers.dependent_bandits.trained import TWO_ARMS
from rl2lib.experiments.papers.regret import independent_value, least_regret, regret_by_pull
from rl2lib.tasks.bandit import EASY, BanditEnv, IndependentBandits
from rl2lib.tasks.views import RegretEnv
from rl2lib.types import StepInput

RUNS = {run.name: run for run in trained.runs("smoke")}


def test_the_least_regret_is_exact() -> None:
    for num_pulls in (1, 2, 7):
        assert independent_value(num_pulls) == pytest.approx(bayes_optimal_value(2, num_pulls), abs=1e-12)
    assert least_regret(EASY, 1) == pytest.approx(0.4)  # the first pull is a guess
    assert least_regret(IndependentBandits(2), 1) == pytest.approx(2 / 3 - 1 / 2)
    with pytest.raises(ValueError, match="two arms"):
        least_regret(IndependentBandits(3), 1)


def test_regret_is_of_means_and_the_player_sees_the_same_bandit() -> None:
    tasks = torch.tensor([[0.9, 0.1]] * 50)
    told = play(Random(2), RegretEnv(2, 30), tasks, seed=1)
    plain = play(Random(2), BanditEnv(2, 30), tasks, seed=1)
    assert torch.equal(told.action, plain.action) and torch.equal(told.reward, plain.reward)
    assert torch.allclose(regret_by_pull(told)[:, -1], 0.8 * (told.action == 1).sum(dim=1).float())
    assert not regret_by_pull(play(Oracle(), RegretEnv(2, 30), tasks, seed=1)).any()


def test_one_rule_is_optimal_on_all_tied_arms(seeded) -> None:
    agents = [DependentBanditOptimal(TWO_ARMS[name], 100) for name in trained.TIED]
    drawn = torch.randint(0, 24, (4, 500), generator=seeded(0)).float()
    counts = Counts(drawn[:2].t(), drawn[2:].t(), 0)
    first, *others = (agent.optimal_actions(counts) for agent in agents)
    assert len(others) == 3 and all(torch.equal(first, other) for other in others)


def test_the_blind_agent_sees_no_reward() -> None:
    blind = RUNS["gru-easy-blind"].policy(0)
    ones = torch.ones(3, 5)
    inputs = StepInput(torch.zeros(3, 5, 1), torch.ones(3, 5, dtype=torch.int64), ones, ones)
    logits, _ = blind.unroll(inputs)
    assert torch.equal(logits, blind.unroll(inputs._replace(prev_reward=0 * ones))[0])
    seeing = RUNS["gru-easy"].policy(0)
    assert not torch.equal(seeing.unroll(inputs)[0], seeing.unroll(inputs._replace(prev_reward=0 * ones))[0])


@pytest.fixture(scope="module")
def easy() -> Measured:
    """The cell "easy", of untrained agents, one of them two seeds."""
    size = trained.SIZES["smoke"]
    trained.SIZES["smoke"] = replace(size, test_tasks=2_000)
    agents = SimpleNamespace(policies=lambda name: [RUNS[name].policy(seed) for seed in range(2)])
    try:
        return players.measure("easy", "smoke", agents)
    finally:
        trained.SIZES["smoke"] = size


def test_the_optimal_agents_row_is_the_exact_regret(easy: Measured) -> None:
    row = easy.row("easy", players.OPTIMAL)
    assert row.ceiling == pytest.approx(least_regret(EASY, 12)) and row.ceiling_is == "exact"
    assert row.mean == pytest.approx(row.ceiling, abs=4 * row.se)
    assert easy.cell("easy")[0].mean <= row.mean < easy.row("easy", players.RANDOM).mean  # less is better
    assert easy.row("easy", players.RANDOM).mean == pytest.approx(12 * 0.4, abs=0.1)


def test_points_are_of_the_rows_seed_and_leads_are_paired(easy: Measured) -> None:
    row = easy.row("easy", players.RL2, trained.trained_on("hard"))
    assert len(row.every_seed) == 2
    assert easy.line("easy", trained.trained_on("hard"))[-1].y == pytest.approx(row.mean, abs=1e-4)
    (lead,) = easy.line("easy", players.ahead("hard", players.GREEDY))
    assert lead.y == pytest.approx(easy.row("easy", players.GREEDY).mean - row.mean, abs=1e-4)
    assert lead.low < lead.y < lead.high


def lead(cell: str, home: str, other: str, saved: float, half: float = 0.1) -> Point:
    return Point(trained.ID, cell, players.ahead(home, other), 100, saved, saved - half, saved + half)


def regret(cell: str, variant: str, mean: float, agent: str = players.RL2) -> Row:
    return Row(trained.ID, cell, agent, variant, mean=mean, se=0.05, ceiling=1.0, better="lower")


@pytest.mark.parametrize(
    ("gittins", "thompson", "word"),
    [(-0.3, 0.5, "matched"), (0.05, 0.5, "surpassed"), (-0.3, 0.05, "not reached")],
)
def test_independent_arms_are_judged_by_intervals(gittins: float, thompson: float, word: str) -> None:
    leads = zip(claims.STANDARD, (gittins, thompson, 4.0), strict=True)
    points = [lead("independent", "independent", other, saved) for other, saved in leads]
    assert claims._as_in_the_paper(Measured(points=points)).word == word
    with pytest.raises(KeyError, match="independent"):
        claims._as_in_the_paper(Measured())


@pytest.mark.parametrize(("least", "word"), [(0.2, "matched"), (0.05, "not reached")])
def test_an_agent_must_beat_every_standard_algorithm(least: float, word: str) -> None:
    points = [lead("hard", "medium", other, saved) for other, saved in zip(claims.STANDARD, (least, 1, 2), strict=True)]
    verdict = claims._beats(Measured(points=points), (("medium", "hard"),))
    assert verdict.word == word and f"{least:+.2f} ± 0.10 less regret than {players.GITTINS}" in verdict.evidence


@pytest.mark.parametrize(("medium", "word"), [(0.3, "matched"), (0.05, "not reached"), (-0.3, "not reached")])
def test_transfer_to_hard_arms(medium: float, word: str) -> None:
    leads = {"medium": medium, "uniform": 0.4, "hard": 0.5}
    points = [lead("hard", name, trained.trained_on("easy"), saved) for name, saved in leads.items()]
    assert claims._easy_prepares_least(Measured(points=points)).word == word


@pytest.mark.parametrize(("worst", "word"), [(0.2, "matched"), (0.05, "open"), (-0.2, "not reached")])
def test_tuned_ucb1_is_beaten_in_every_cell_or_in_none_shown_to_be_better(worst: float, word: str) -> None:
    points = [lead(cell, cell, players.TUNED, worst if cell == "hard" else 1.0) for cell in trained.CELLS]
    assert claims._beats_tuned(Measured(points=points)).word == word


@pytest.mark.parametrize(("abroad", "word"), [(0.3, "matched"), (-0.3, "not reached")])
def test_what_was_trained_on_must_show_in_every_cell(abroad: float, word: str) -> None:
    points = [lead("independent", "independent", trained.trained_on(name), 0.5) for name in trained.TIED]
    points += [lead(name, name, trained.trained_on("independent"), 0.5) for name in trained.TIED[:-1]]
    points.append(lead("hard", "hard", trained.trained_on("independent"), abroad))
    assert claims._priors_show(Measured(points=points)).word == word


@pytest.mark.parametrize(("medium", "word"), [(1.1, "matched"), (0.7, "not reached"), (2.5, "not reached")])
def test_order_of_difficulty(medium: float, word: str) -> None:
    means = {"easy": 0.6, "medium": medium, "hard": 2.4}
    rows = [regret(cell, trained.trained_on(cell), mean) for cell, mean in means.items()]
    assert claims._easier(Measured(rows)).word == word


@pytest.mark.parametrize(("mean", "word"), [(40.3, "matched"), (36.0, "not reached")])
def test_chance_is_half_of_what_is_at_stake(mean: float, word: str) -> None:
    rows = [
        regret("easy", trained.trained_on(trained.BLIND), mean),
        regret("easy", "", 40.0, players.RANDOM),
        regret("easy", trained.trained_on("easy"), 0.6),
    ]
    points = [Point(trained.ID, "easy", trained.trained_on("easy"), 100, 0.6)]
    assert claims._chance(Measured(rows, points)).word == word


@pytest.mark.parametrize(("mean", "word"), [(1.1, "matched"), (1.2, "not reached")])
def test_near_the_least_regret(mean: float, word: str) -> None:
    rows = [regret(cell, trained.trained_on(cell), mean if cell == "hard" else 1.0) for cell in trained.TIED]
    assert claims._near_optimal(Measured(rows)).word == word
