"""What notebooks 05, 06 and 07 say of the agents that come with them."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from rl2lib.agents.bandit import Random
from rl2lib.agents.belief_optimal import CorridorOptimal, DependentBanditOptimal
from rl2lib.agents.eleven_arms import INFORMATIVE_ARM
from rl2lib.agents.gittins import FiniteHorizonGittins
from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.evaluation.curves import return_curve, success_curve
from rl2lib.evaluation.evaluate import play
from rl2lib.experiments.bundled import Bundle, load
from rl2lib.experiments.papers.goal_generalisation import FOLD_RUNS, NUM_GOALS, held_out_goals, training_goals
from rl2lib.experiments.papers.goal_generalisation import agents as agents_of
from rl2lib.experiments.papers.goal_gridworld.trained import ALL_CELLS, CORNERS
from rl2lib.experiments.papers.rl1_vs_rl2.trained import BANDIT, CORRIDOR, RL1, RL2, RUN_NAMES, both_tasks, setting
from rl2lib.tasks.bandit import TWO_POINT, BanditEnv, DependentBandits, IndependentBandits
from rl2lib.tasks.gridworld import GridEnv, GridTasks
from rl2lib.tasks.views import RevealedTask
from rl2lib.tasks.wang import InformativeBanditEnv, InformativeBandits

# --------------------------------------------------------------------------------------- 05


@pytest.fixture(scope="module")
def bandits() -> Bundle:
    return load("bandits")


def test_on_five_arms_every_seed_is_near_the_optimum(bandits: Bundle) -> None:
    tasks = IndependentBandits(5).sample(4_000, torch.Generator().manual_seed(1))
    for policy in bandits.policies("table1/gru-n10_k5"):
        trial = play(policy.acting("greedy"), BanditEnv(5, 10), tasks, seed=1)
        assert trial.trial_return(expected=True).mean() > 6.5


def test_one_memory_per_arm_is_level_with_the_index_and_the_plain_network_is_behind(bandits: Bundle) -> None:
    tasks = IndependentBandits(10).sample(1_000, torch.Generator().manual_seed(1))

    def earned(policy: Any) -> float:
        return play(policy, BanditEnv(10, 100), tasks, seed=1).trial_return(expected=True).mean().item()

    index = earned(FiniteHorizonGittins(10, 100))
    structured = [policy.for_actions(10) for policy in bandits.policies("table1/equivariant-n100")]  # type: ignore[attr-defined]
    plain, taught = (bandits.policies(f"table1/{run}-n100_k10") for run in ("gru", "imitation"))
    lost = {
        name: [index - earned(policy.acting("greedy")) for policy in policies]
        for name, policies in (("structured", structured), ("taught", taught), ("plain", plain))
    }
    assert max(lost["structured"]) < 1 < min(lost["taught"]) and max(lost["taught"]) < 3 < min(lost["plain"])


def test_after_a_warm_start_they_pay_and_without_they_search(bandits: Bundle) -> None:
    eleven = InformativeBandits().sample(500, torch.Generator().manual_seed(1))
    for run, pays, low, high in (("number", 0.0, 9, 12), ("imitation", 1.0, 18, 21)):
        for policy in bandits.policies(f"eleven-arms/{run}"):
            trial = play(policy.acting("greedy"), InformativeBanditEnv(), eleven, seed=1)
            assert (trial.action[:, 0] == INFORMATIVE_ARM).float().mean().item() == pays
            assert low < trial.trial_return().mean() < high


# --------------------------------------------------------------------------------------- 06


@pytest.fixture(scope="module")
def goals() -> Bundle:
    return load("goals")


LONG, THREE, EVERY = (
    f"goal-gridworld/{group}" for group in ("3_goals_reinforce_long", "3_goals_ppo", "24_goals_ppo")
)


def tasks_of(there: tuple[int, ...], copies: int) -> GridTasks:
    goal = torch.tensor(there).repeat_interleave(copies)
    return GridTasks(goal, torch.arange(4).expand(len(goal), 4), torch.zeros(len(goal)))


def share(agent, there: tuple[int, ...], copies: int = 40) -> float:  # type: ignore[no-untyped-def]
    return success_curve(play(agent, GridEnv(), tasks_of(there, copies), seed=0)).mean.mean().item()


@pytest.mark.parametrize("kind", ["recurrent", "feedforward"])
def test_both_kinds_reach_the_optimum_on_three_corners(goals: Bundle, kind: str) -> None:
    for policy in goals.policies(f"{THREE}-{kind}"):
        returns = return_curve(play(policy, GridEnv(), tasks_of(CORNERS, 100), seed=0)).mean
        assert returns[0] > 0.64 and (returns[1:] > 0.76).all()  # 0.68, then 0.787


def test_on_all_cells_only_the_recurrent_policy_passes_the_sweeper(goals: Bundle) -> None:
    for kind in ("recurrent", "feedforward"):
        for policy in goals.policies(f"{EVERY}-{kind}"):
            total = play(policy, GridEnv(), tasks_of(ALL_CELLS, 20), seed=0).trial_return().mean()
            assert total > 2.0 if kind == "recurrent" else total < 1.6


def test_ppo_soon_passes_two_corners(goals: Bundle) -> None:
    trials = goals.trials(f"{THREE}-recurrent")
    before = (trials > 2_100) & (trials <= 2_500)
    assert (goals.curves(f"{THREE}-recurrent")[:, before].mean(dim=1) > 1.68).all()


def test_three_seeds_of_reinforce_end_at_three_heights_of_the_table(goals: Bundle) -> None:
    last = goals.trials(f"{LONG}-recurrent") > 9_000
    ends = goals.curves(f"{LONG}-recurrent")[:, last].mean(dim=1)
    assert sorted(ends.tolist()) == pytest.approx([-1.6, 1.68, 2.25], abs=0.1)
    stuck = int((ends - 1.68).abs().argmin())
    agent = goals.policy(f"{LONG}-recurrent", stuck)
    found = success_curve(play(agent, GridEnv(), tasks_of(CORNERS, 100), seed=0)).mean
    assert found[0] == pytest.approx(2 / 3, abs=0.05) and found[1] > 0.95  # it infers the third from the other two


def test_held_out_goals_are_found_by_luck_unless_every_cell_was_a_goal(goals: Bundle) -> None:
    def policies(run: str) -> list[SoftmaxPolicy]:
        return goals.policies(f"{'goal-gridworld' if run in FOLD_RUNS else 'goal-generalisation'}/{run}")

    luck = sum(share(Random(4), held_out_goals(seed)) for seed in range(3)) / 3
    found = {}
    for name in NUM_GOALS:
        agents = agents_of(name, policies)
        assert min(share(agent, training_goals(name, seed)) for seed, agent in enumerate(agents)) > 0.97
        found[name] = [share(agent, held_out_goals(seed)) for seed, agent in enumerate(agents)]
    assert max(found["1_goal"]) < luck
    assert min(found["6_goals"]) < luck < max(found["6_goals"]) and luck < max(found["18_goals"]) < 0.9
    every = goals.policies(f"{EVERY}-recurrent")
    assert min(share(agent, held_out_goals(seed)) for seed, agent in enumerate(every)) > 0.95


def test_three_corners_do_not_teach_a_fourth_goal(goals: Bundle) -> None:
    others = tuple(cell for cell in ALL_CELLS if cell not in CORNERS)
    for policy in goals.policies(f"{THREE}-recurrent"):
        assert (success_curve(play(policy, GridEnv(), tasks_of(others, 10), seed=0)).mean < 0.75).all()
        assert (success_curve(play(policy, GridEnv(), tasks_of((12,), 50), seed=0)).mean < 0.5).all()


# --------------------------------------------------------------------------------------- 07


@pytest.fixture(scope="module")
def beliefs() -> Bundle:
    return load("beliefs")


@pytest.mark.parametrize("agent", [RL2, RL1])
def test_likeliest_actions_are_optimal(beliefs: Bundle, agent: str) -> None:
    """9.5 and 15: no more is possible, so more would be a leak."""
    for cell in (BANDIT, CORRIDOR):
        env = setting(cell).env
        policy = beliefs.policy(f"rl1-vs-rl2/{RUN_NAMES[agent]}-{cell}").acting("greedy")
        trials = play(policy, RevealedTask(env) if agent == RL1 else env, both_tasks(cell, 10), seed=0)
        if cell == BANDIT:
            assert trials.trial_return().mean().item() == DependentBanditOptimal(TWO_POINT, 10).value
        else:
            assert trials.mask.sum(dim=1).double().mean().item() == sum(CorridorOptimal(5).expected_steps)


def test_no_run_beats_the_optimum_and_all_end_near_it(beliefs: Bundle) -> None:
    for agent in (RL2, RL1):
        scores, steps = (
            torch.tensor(beliefs.table("rl1-vs-rl2").row(cell, agent, "PPO").every_seed) for cell in (BANDIT, CORRIDOR)
        )
        assert len(scores) == 20 and bool((scores < 9.5 + 0.07).all()) and scores.mean() > 9.4
        assert len(steps) == 20 and bool((steps > 15 - 0.7).all()) and steps.mean() < 15.6
    handed = beliefs.table("belief-input")
    for name in ("RL² and the belief", "the belief, no memory"):
        assert torch.tensor(handed.row(CORRIDOR, name).every_seed).mean() < 15.6
    assert torch.tensor(handed.row(CORRIDOR, "no belief, no memory").every_seed).mean() > 30


def test_long_corridors_end_in_one_of_three_ways(beliefs: Bundle) -> None:
    """Always one end; one end, then after the time-out the other; or turning around: what the notebook says."""
    table = beliefs.table("long-corridors")
    shares = [table.row(cell, RL2).every_seed for cell in table.cells()]
    assert len(shares) == 4 and {value for seeds in shares for value in seeds} <= {0.5, 0.75, 1.0}
    means = [sum(seeds) / len(seeds) for seeds in shares]
    assert means[0] == 1.0 and max(means[2:]) < 0.75


def test_outside_its_training_the_first_pull_decides(beliefs: Bundle) -> None:
    """What the notebook says of arms that pay with .8 and .2: one outcome is proof to an agent trained on 0 and 1."""
    tasks = torch.tensor([[0.8, 0.2], [0.2, 0.8]]).repeat(500, 1)
    trials = play(beliefs.policy("rl1-vs-rl2/rl2-bandit"), BanditEnv(2, 10), tasks, seed=0)
    pointed_to = torch.where(trials.reward[:, 0] == 1, trials.action[:, 0], 1 - trials.action[:, 0])
    assert (trials.action[:, 1:] == pointed_to[:, None]).float().mean() > 0.85
    optimum = DependentBanditOptimal(DependentBandits((0.8, 0.2)), 10).value
    assert 5.5 < trials.trial_return(expected=True).mean() < optimum - 0.2
