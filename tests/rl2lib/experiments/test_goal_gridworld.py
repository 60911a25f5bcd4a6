"""The experiment behind notebook 06: its path in seconds, its files, and what is shipped against what the text says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from rl2lib.agents.bandit import Random
from rl2lib.evaluation.curves import return_curve, success_curve
from rl2lib.evaluation.evaluate import play
from rl2lib.experiments import goal_gridworld
from rl2lib.experiments.goal_gridworld import (
    ALL_CELLS,
    CORNERS,
    PLACE,
    SMOKE,
    GoalGridworldConfig,
    GoalGridworldResult,
    load,
    load_or_train,
    run,
    save,
    shuffled_cells,
    train_agent,
)
from rl2lib.tasks.gridworld import GridEnv, GridTasks

TINY = replace(
    SMOKE,
    seeds=(0,),
    reinforce_iterations=2,
    reinforce_trials=2,
    ppo_iterations=2,
    ppo_trials=2,
    num_training_goals=(1, 3),
)


def tasks(goals: tuple[int, ...], copies: int) -> GridTasks:
    goal = torch.tensor(goals).repeat_interleave(copies)
    return GridTasks(goal, torch.arange(4).expand(len(goal), 4), torch.zeros(len(goal)))


def test_an_order_holds_every_cell_but_the_start_once_and_belongs_to_its_seed() -> None:
    assert sorted(shuffled_cells(0)) == list(range(1, 25))
    assert shuffled_cells(0) == shuffled_cells(0) != shuffled_cells(1)


def test_counts_leave_the_held_out_goals_alone() -> None:
    config = GoalGridworldConfig()
    assert max(config.num_training_goals) + config.num_held_out <= len(ALL_CELLS)


@pytest.fixture(scope="module")
def tiny() -> tuple[GoalGridworldResult, list[str]]:
    lines: list[str] = []
    return run(TINY, say=lines.append), lines


def test_smoke_trains_everything_and_comes_back_from_its_files(tmp_path: Path, tiny) -> None:
    result, lines = tiny
    assert len(lines) == 6 + 2 and len(result.agents) == 6 + 2
    assert {curve.shape for curve in result.curves.values()} == {(1, 2)}
    save(result, tmp_path / "found")
    again = load(tmp_path / "found")
    assert again.config == TINY
    for key, policy in result.agents.items():
        for name, value in policy.state_dict().items():
            assert torch.equal(again.agents[key].state_dict()[name], value)
    for name, curve in result.curves.items():
        assert torch.allclose(again.curves[name], curve, atol=5e-4)
    first = again.agent(shuffled_cells(0)[:3][::-1], 0)  # the order of the goals does not matter
    assert first is again.agents["PPO", "recurrent", tuple(sorted(shuffled_cells(0)[:3])), 0]
    with pytest.raises(KeyError, match="no feedforward agent of seed 0"):
        again.agent([2, 3], 0, "feedforward")


def test_the_same_seed_trains_the_same_agent() -> None:
    one, two = (train_agent("PPO", "feedforward", CORNERS, TINY, 5, progress=False) for _ in range(2))
    assert one[1] == two[1]
    assert all(torch.equal(a, b) for a, b in zip(one[0].parameters(), two[0].parameters(), strict=True))


def test_without_its_files_a_short_training_takes_their_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tiny
) -> None:
    asked = []
    monkeypatch.setattr(goal_gridworld, "run", lambda config: asked.append(config) or tiny[0])
    assert load_or_train(tmp_path / "goal_gridworld") is tiny[0] and asked == [SMOKE]
    told = capsys.readouterr().out
    assert told.startswith("goal_gridworld: ") and told.count("\n") == 1 and "trained for a few seconds" in told


# --------------------------------------------------------------------------------------- what is shipped


@pytest.fixture(scope="module")
def shipped():
    return load()


def test_shipped_files_are_small_and_those_of_the_settings(shipped) -> None:
    assert shipped.config == GoalGridworldConfig()
    assert sum(PLACE.with_suffix(suffix).stat().st_size for suffix in (".json", ".safetensors")) < 1_000_000
    assert {len(curve) for curve in shipped.curves.values()} == {3}


@pytest.mark.parametrize("kind", ["recurrent", "feedforward"])
def test_both_kinds_reach_the_optimum_on_three_corners(shipped, kind) -> None:
    for seed in shipped.config.seeds:
        returns = return_curve(play(shipped.agent(CORNERS, seed, kind), GridEnv(), tasks(CORNERS, 100), seed=0)).mean
        assert returns[0] > 0.64 and (returns[1:] > 0.76).all()  # 0.68, then 0.787


def test_on_all_cells_only_the_recurrent_policy_passes_the_sweeper(shipped) -> None:
    for seed in shipped.config.seeds:
        for kind in ("recurrent", "feedforward"):
            trials = play(shipped.agent(ALL_CELLS, seed, kind), GridEnv(), tasks(ALL_CELLS, 20), seed=0)
            total = trials.trial_return().mean()
            assert total > 2.0 if kind == "recurrent" else total < 1.6


def test_a_thousand_trials_are_better_than_random_and_far_from_good(shipped) -> None:
    random = play(Random(4), GridEnv(), tasks(CORNERS, 300), seed=0).trial_return().mean()
    curves = shipped.curves["REINFORCE recurrent three goals"][:, 45:50]
    assert bool((curves.mean(dim=1) > random + 0.5).all()) and bool((curves.mean(dim=1) < 0.5).all())


def test_after_a_thousand_trials_the_twin_is_ahead_and_ppo_soon_passes_two_corners(shipped) -> None:
    ends = {
        kind: shipped.curves[f"REINFORCE {kind} three goals"][:, 45:50].mean() for kind in ("recurrent", "feedforward")
    }
    assert ends["feedforward"] > ends["recurrent"] + 0.5
    before_2500 = 2500 // shipped.config.ppo_trials
    assert bool(
        (shipped.curves["PPO recurrent three goals"][:, before_2500 - 3 : before_2500].mean(dim=1) > 1.68).all()
    )


def test_three_seeds_of_reinforce_end_at_three_heights_of_the_table(shipped) -> None:
    ends = sorted(shipped.curves["REINFORCE recurrent three goals"][:, -50:].mean(dim=1).tolist())
    assert ends == pytest.approx([-1.6, 1.68, 2.25], abs=0.1)
    (stuck,) = (
        seed
        for seed, end in enumerate(shipped.curves["REINFORCE recurrent three goals"][:, -50:].mean(dim=1))
        if abs(end - 1.68) < 0.1
    )
    agent = shipped.agent(CORNERS, stuck, learner="REINFORCE")
    found = success_curve(play(agent, GridEnv(), tasks(CORNERS, 100), seed=0)).mean
    assert found[0] == pytest.approx(2 / 3, abs=0.05) and found[1] > 0.95  # it infers the third from the other two


@pytest.mark.slow
def test_up_to_18_training_goals_find_held_out_ones_no_better_than_a_random_walk(shipped) -> None:
    def share(agent, goals: list[int]) -> float:
        return success_curve(play(agent, GridEnv(), tasks(tuple(goals), 40), seed=0)).mean.mean().item()

    held_out = {seed: shuffled_cells(seed)[-shipped.config.num_held_out :] for seed in shipped.config.seeds}
    luck = sum(share(Random(4), goals) for goals in held_out.values()) / 3
    for count in shipped.config.num_training_goals:
        agents = {seed: shipped.agent(shuffled_cells(seed)[:count], seed) for seed in shipped.config.seeds}
        assert min(share(agents[seed], shuffled_cells(seed)[:count]) for seed in agents) > 0.97
        found = sum(share(agents[seed], held_out[seed]) for seed in agents) / 3
        assert found < luck + 0.05 and (count > 6 or found < luck - 0.05)
    assert min(share(shipped.agent(ALL_CELLS, seed), goals) for seed, goals in held_out.items()) > 0.95


def test_three_corners_do_not_teach_a_fourth_goal(shipped) -> None:
    others = tuple(cell for cell in ALL_CELLS if cell not in CORNERS)
    for seed in shipped.config.seeds:
        found = success_curve(play(shipped.agent(CORNERS, seed), GridEnv(), tasks(others, 10), seed=0)).mean
        assert (found < 0.75).all()
        middle = success_curve(play(shipped.agent(CORNERS, seed), GridEnv(), tasks((12,), 50), seed=0)).mean
        assert (middle < 0.5).all()
