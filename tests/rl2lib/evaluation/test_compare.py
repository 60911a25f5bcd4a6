"""One cell of a table: everybody on the same tasks, checked against numbers worked out by hand."""

from typing import Any

import pytest
import torch
from scipy import stats
from torch import Tensor

from rl2lib.agents.bandit import Oracle, Random, Thompson
from rl2lib.agents.recurrent import RecurrentPolicy
from rl2lib.evaluation.evaluate import Player, compare, evaluate, num_tasks, play, scores, trial_return
from rl2lib.evaluation.rows import Row
from rl2lib.evaluation.statistics import mean_estimate, paired_difference
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.types import StepInput, Trajectory

ENV = BanditEnv(2, 4)
TWO = torch.tensor([[0.2, 0.8], [0.6, 0.4]])
"""Four pulls of arm 0 are worth .8 and 2.4, of arm 1 3.2 and 1.6."""


class Fixed:
    """Pulls the given arms in turn."""

    def __init__(self, *arms: int) -> None:
        self.arms = arms

    def initial_state(self, batch_size: int, tasks: Any = None) -> int:
        return 0

    def act(self, state: int, inputs: StepInput, generator: torch.Generator) -> tuple[Tensor, int]:
        arm = self.arms[state % len(self.arms)]
        return torch.full_like(inputs.prev_action, arm), state + 1


def loss(trajectory: Trajectory) -> Tensor:
    return -trial_return(trajectory)


def by_hand(**options: Any) -> dict[str, Row]:
    players = [
        Player("None", [Fixed(0)]),
        Player("Full", [Fixed(1)]),
        Player("Half", [Fixed(0, 1)], published=2.1),
        Player("Oracle", [Oracle()]),
    ]
    options = {"random": "None", "reference": "Full", "seed": 0} | options
    return {row.agent: row for row in compare("some", "cell", players, ENV, TWO, **options).rows}


def test_two_tasks_by_hand() -> None:
    found = by_hand(published_tasks=100)
    assert list(found) == ["Oracle", "Full", "Half", "None"], "best first"
    assert all(
        (row.id, row.cell, row.num_tasks, row.actions) == ("some", "cell", 2, "own rule") for row in found.values()
    )
    mean = {name: (row.mean, row.se) for name, row in found.items()}
    # .8 and 2.4: standard deviation 1.6 / √2, over √2
    assert mean["None"] == pytest.approx((1.6, 0.8)) and mean["Full"] == pytest.approx((2.4, 0.8))
    assert mean["Half"] == pytest.approx((2.0, 0.0), abs=1e-6) and mean["Oracle"] == pytest.approx((2.8, 0.4))
    behind = {name: (row.behind, row.behind_se) for name, row in found.items()}
    assert behind["Full"] == (0.0, 0.0), "the best of those who are not told the task"
    assert behind["None"] == pytest.approx((0.8, 1.6)) and behind["Half"] == pytest.approx((0.4, 0.8))
    assert behind["Oracle"] == pytest.approx((-0.4, 0.4))
    normalised = {name: (row.normalised_mean, row.normalised_se) for name, row in found.items()}
    assert normalised["None"] == pytest.approx((0.0, 0.0)) and normalised["Full"] == pytest.approx((1.0, 0.0))
    # 1.2 and -.4 of leads 2.4 and -.8: half of each, so the ratio has no error although both its parts have
    assert normalised["Half"] == pytest.approx((0.5, 0.0), abs=1e-6)
    # 2.4 and 0: 1.2 / .8; what is left of 1.5 leads, -1.2 and 1.2, has standard error 1.2
    assert normalised["Oracle"] == pytest.approx((1.5, 1.5))
    assert all(row.ceiling == pytest.approx(2.4) and row.ceiling_is == "best known" for row in found.values())
    assert [row.published_se is None for row in found.values()] == [True, True, False, True]
    assert [row.every_seed for row in found.values()] == [()] * 4 and not any(row.seeds for row in found.values())


def test_the_publisheds_error_is_ours_over_their_number_of_tasks_unless_it_was_stated() -> None:
    players = [Player("A", [Fixed(0)], published=1.0), Player("B", [Fixed(1)], published=1.0, published_se=0.3)]
    found = {row.agent: row for row in compare("some", "c", players, ENV, TWO, seed=0, published_tasks=64).rows}
    assert found["A"].published_se == pytest.approx(1.6 / 2**0.5 / 8) and found["B"].published_se == 0.3


def test_the_ceiling_is_exact_where_it_is_given_and_nothing_without_a_reference() -> None:
    assert {(row.ceiling, row.ceiling_is) for row in by_hand(ceiling=3.0).values()} == {(3.0, "exact")}
    told = by_hand(reference="Oracle")["Half"]
    assert (told.ceiling, told.ceiling_is) == (pytest.approx(2.8), "told the task"), "nobody else can reach it"
    bare = by_hand(random=None, reference=None)["Half"]
    assert (bare.ceiling, bare.ceiling_is, bare.normalised_mean, bare.normalised_se) == (None, "", None, None)


def test_where_less_is_better_order_lead_and_normalised_score_turn_round() -> None:
    more, less = by_hand(), by_hand(score=loss, better="lower")
    assert list(less) == list(more)
    for name, row in less.items():
        assert row.mean == -more[name].mean and row.better == "lower"
        assert (row.behind, row.behind_se) == pytest.approx((more[name].behind, more[name].behind_se))
        assert (row.normalised_mean, row.normalised_se) == pytest.approx(
            (more[name].normalised_mean, more[name].normalised_se)
        )


@pytest.mark.parametrize(
    ("arms", "better", "median"),
    [
        (((0,), (1,), (0, 1)), "higher", 2.0),
        (((0,), (1,)), "higher", 1.6),
        (((0,), (1,)), "lower", 2.4),
        (((0,), (1,), (0, 1), (0, 0, 0, 1)), "higher", 1.8),
        (((0,), (1,), (0, 1), (0, 0, 0, 1)), "lower", 2.0),
    ],
)
def test_the_median_seed_is_shown_and_of_two_the_worse(
    arms: tuple[tuple[int, ...], ...], better: str, median: float
) -> None:
    """Means 1.6, 2.4, 2.0 and 1.8."""
    player = Player("RL²", [Fixed(*each) for each in arms], seeds=len(arms))
    (row,) = compare("some", "c", [player], ENV, TWO, seed=0, better=better).rows
    assert row.mean == pytest.approx(median) and row.seeds == len(arms)
    every = {(0,): 1.6, (1,): 2.4, (0, 1): 2.0, (0, 0, 0, 1): 1.8}
    assert row.every_seed == pytest.approx(sorted(every[each] for each in arms))


def test_rows_are_what_evaluate_and_the_paired_t_test_say() -> None:
    agents = {"Random": Random(2), "Thompson": Thompson(2), "Oracle": Oracle()}
    tasks = IndependentBandits(2).sample(300, torch.Generator().manual_seed(0))
    wanted = evaluate(agents, ENV, tasks, seed=3, random="Random", reference="Oracle")
    players = [Player(name, [agent]) for name, agent in agents.items()]
    found = compare("some", "c", players, ENV, tasks, seed=3, random="Random", reference="Oracle").rows
    for row in found:
        other = wanted[row.agent]
        assert (row.mean, row.se) == (other.score.mean, other.score.standard_error)
        assert other.normalised is not None and row.normalised_mean == pytest.approx(other.normalised.mean)
    random = next(row for row in found if row.agent == "Random")
    assert random.behind is not None and random.behind_se is not None
    test = stats.ttest_rel(wanted.scores["Thompson"].double().numpy(), wanted.scores["Random"].double().numpy())
    assert random.behind / random.behind_se == pytest.approx(test.statistic)


def test_names_that_cannot_be_told_apart_are_refused() -> None:
    def played(*players: Player, **roles: str) -> None:
        compare("some", "c", players, ENV, TWO, seed=0, **roles)

    one, other = Player("A", [Fixed(0)], "x"), Player("A", [Fixed(1)], "x")
    with pytest.raises(ValueError, match=r"players: expected names that differ, got A \(x\) more than once"):
        played(one, other)
    with pytest.raises(ValueError, match=r"reference: expected one of A \(x\), got 'A'"):
        played(one, reference="A")
    played(one, Player("A", [Fixed(1)], "y"), random="A (x)")


# --------------------------------------------------------------------------------------- playing


def test_chunks_are_the_same_tasks_in_order() -> None:
    tasks = IndependentBandits(2).sample(7, torch.Generator().manual_seed(0))
    whole = scores(Fixed(0), ENV, tasks, seed=5, chunk=7)
    assert torch.equal(whole, scores(Fixed(0), ENV, tasks, seed=5, chunk=3)), "a fixed rule needs no luck"
    first = trial_return(play(Thompson(2), ENV, tasks[:3], seed=5))
    second = trial_return(play(Thompson(2), ENV, tasks[3:6], seed=5 + 7919))
    last = trial_return(play(Thompson(2), ENV, tasks[6:], seed=5 + 2 * 7919))
    assert torch.equal(scores(Thompson(2), ENV, tasks, seed=5, chunk=3), torch.cat([first, second, last]))
    assert torch.equal(scores(Thompson(2), ENV, tasks, seed=5), trial_return(play(Thompson(2), ENV, tasks, seed=5)))


def test_chunks_do_not_move_the_mean() -> None:
    tasks = IndependentBandits(2).sample(4_000, torch.Generator().manual_seed(1))
    whole, pieces = (scores(Thompson(2), ENV, tasks, seed=2, chunk=chunk) for chunk in (4_000, 300))
    assert not torch.equal(whole, pieces)
    assert abs(paired_difference(whole, pieces).mean) < 3 * paired_difference(whole, pieces).standard_error
    assert mean_estimate(whole).standard_error == pytest.approx(mean_estimate(pieces).standard_error, rel=0.05)


def test_agents_that_choose_alike_meet_the_same_luck_in_every_chunk() -> None:
    tasks = IndependentBandits(2).sample(9, torch.Generator().manual_seed(1))

    def sampled(trajectory: Trajectory) -> Tensor:
        return trajectory.reward.sum(dim=1)

    one, other = (scores(Fixed(*arms), ENV, tasks, seed=2, chunk=4, score=sampled) for arms in ((0,), (0, 0)))
    assert torch.equal(one, other)


def test_the_number_of_tasks() -> None:
    assert num_tasks(TWO) == 2 and num_tasks((torch.zeros(5, 3), torch.zeros(5))) == 5


def test_a_row_says_how_a_network_acts() -> None:
    policy = RecurrentPolicy((1,), 2, 4, generator=torch.Generator().manual_seed(0)).acting("greedy")
    (row,) = compare("some", "c", [Player("RL²", [policy], seeds=1)], ENV, TWO, seed=0).rows
    assert row.actions == "greedy"
