"""RL² and RL¹: what RL¹ forgets and is told, the smoke run, resuming, and what was shipped."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from rl2lib.agents.belief_optimal import CorridorOptimal, CorridorOracle, DependentBanditOptimal
from rl2lib.agents.forgetful import ForgetfulPolicy
from rl2lib.experiments import rl1_vs_rl2
from rl2lib.experiments.rl1_vs_rl2 import (
    BANDIT,
    BELIEF_ALONE,
    CORRIDOR,
    NOTHING,
    PLACE,
    RL1,
    RL2,
    RL2_AND_BELIEF,
    SMOKE,
    Cell,
    Rl1VsRl2Config,
    build,
    cells,
    measure,
    new_policy,
    play,
    run,
)
from rl2lib.lab.belief_agents import load_shipped, shipped_or_short, shipped_policy
from rl2lib.rollout import rollout
from rl2lib.tasks.bandit import TWO_POINT, BanditEnv, DependentBandits
from rl2lib.training.checkpoint import CheckpointError
from rl2lib.types import Trajectory


def test_measure_counts_steps_and_found_goals_by_hand() -> None:
    mask = torch.tensor([[True, True, True, True], [True, True, False, False]])
    end = torch.tensor([[False, True, False, True], [True, True, False, False]])
    late = torch.tensor([[False, False, False, True], [False, False, False, False]])
    zeros = torch.zeros(2, 4)
    found = measure(Trajectory(zeros[..., None], zeros.long(), zeros, end, late, late, mask))
    assert found == {"steps": 3.0, "found": 0.75}


@pytest.mark.slow
def test_a_smoke_run_goes_on_from_where_it_was_cut_and_ends_the_same(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    whole = run(SMOKE, folder=tmp_path / "whole", to=tmp_path / "whole")
    names = {cell.name for cell in cells(SMOKE)}
    assert set(whole["results"]) == names and len(names) == 9
    for cell in cells(SMOKE):
        runs = whole["results"][cell.name]
        assert len(runs) == cell.num_runs
        assert all(len(found["trial_return"]) == 2 for found in runs)

    train_one, trained = rl1_vs_rl2.train_one, []

    def interrupted(cell: Cell, seed: int, config: Rl1VsRl2Config):  # type: ignore[no-untyped-def]
        if len(trained) == 4:
            raise KeyboardInterrupt
        trained.append((cell.name, seed))
        return train_one(cell, seed, config)

    monkeypatch.setattr(rl1_vs_rl2, "train_one", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(SMOKE, folder=tmp_path / "cut", to=tmp_path / "cut")
    assert not (tmp_path / "cut.json").exists()
    trained.clear()
    monkeypatch.setattr(rl1_vs_rl2, "train_one", lambda *args: (trained.append(args), train_one(*args))[1])
    again = run(SMOKE, folder=tmp_path / "cut", to=tmp_path / "cut")
    assert len(trained) == sum(cell.num_runs for cell in cells(SMOKE)) - 4
    assert again["sha256"] == whole["sha256"]
    for name in names:
        for one, other in zip(again["results"][name], whole["results"][name], strict=True):
            assert {**one, "seconds": 0} == {**other, "seconds": 0}
    with pytest.raises(CheckpointError, match="another config"):
        run(replace(SMOKE, num_runs=3), folder=tmp_path / "cut", to=tmp_path / "cut")

    _, env, _ = build(Cell(CORRIDOR, RL1, 1), SMOKE)
    policy = shipped_policy(CORRIDOR, RL1, path=tmp_path / "cut")
    assert isinstance(policy, ForgetfulPolicy) and policy.core.output_size == SMOKE.hidden_size
    assert not torch.equal(
        shipped_policy(BANDIT, stage=0, path=tmp_path / "cut").head.weight,
        shipped_policy(BANDIT, stage=1, path=tmp_path / "cut").head.weight,
    )
    untrained = new_policy(env, RL1, SMOKE.hidden_size, torch.Generator().manual_seed(0))
    assert {name: value.shape for name, value in policy.state_dict().items()} == {
        name: value.shape for name, value in untrained.state_dict().items()
    }


@pytest.mark.slow
def test_shipped_files_are_small_and_shorter_runs_take_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sum(PLACE.with_suffix(suffix).stat().st_size for suffix in (".json", ".safetensors")) < 1_000_000
    assert load_shipped()["config"] == json.loads(json.dumps(rl1_vs_rl2.asdict(Rl1VsRl2Config())))
    with pytest.raises(CheckpointError, match="no weights were kept of RL¹ on the corridor after 5"):
        shipped_policy(CORRIDOR, RL1, stage=5)

    monkeypatch.setattr("rl2lib.lab.belief_agents.SHORT", SMOKE)
    short = shipped_or_short(tmp_path / "nothing")
    assert short["config"]["half_length"] == 1
    assert capsys.readouterr().out.startswith("nothing: nothing.json is missing. Training a shorter version")


@pytest.mark.parametrize("agent", [RL2, RL1])
def test_shipped_agents_are_optimal_with_their_likeliest_actions(agent: str) -> None:
    """9.5 and 15: no more is possible, so more would be a leak."""
    config = Rl1VsRl2Config()
    _, bandit, _ = build(Cell(BANDIT, agent, 1), config)
    trials = play(shipped_policy(BANDIT, agent), bandit, BANDIT, 10, greedy=True)
    assert trials.trial_return().mean().item() == DependentBanditOptimal(TWO_POINT, 10).value
    _, corridor, _ = build(Cell(CORRIDOR, agent, 1), config)
    trials = play(shipped_policy(CORRIDOR, agent), corridor, CORRIDOR, 10, greedy=True)
    assert measure(trials)["steps"] == sum(CorridorOptimal(5).expected_steps)


def test_shipped_runs_never_beat_the_optimum_and_end_near_it() -> None:
    results = load_shipped()["results"]
    for agent in (RL2, RL1):
        scores = torch.tensor([found["sampled"]["trial_return"] for found in results[f"bandit/{agent}"]])
        assert len(scores) == 20 and bool((scores < 9.5 + 0.07).all()) and scores.mean() > 9.4
        steps = torch.tensor([found["sampled"]["steps"] for found in results[f"corridor/{agent}"]])
        assert len(steps) == 20 and bool((steps > 15 - 0.7).all()) and steps.mean() < 15.6
    for agent in (RL2_AND_BELIEF, BELIEF_ALONE):
        assert torch.tensor([found["sampled"]["steps"] for found in results[f"corridor/{agent}"]]).mean() < 15.6
    nothing = torch.tensor([found["sampled"]["steps"] for found in results[f"corridor/{NOTHING}"]])
    assert nothing.mean() > 30 > 3 * sum(CorridorOracle(5).expected_steps) - 1


def test_long_corridors_end_in_one_of_three_ways() -> None:
    """Always one end; one end, then after the time-out the other; or turning around: what the notebook says."""
    card = load_shipped()
    shares = []
    for d in card["config"]["long_half_lengths"]:
        runs = [found["greedy"] for found in card["results"][f"corridor{d}/RL²"]]
        for found in runs:
            assert (found["found"], found["steps"]) in [(0.5, 4 * d), (0.75, 3 * d), (1.0, 3 * d)]
        shares.append(sum(found["found"] for found in runs) / len(runs))
    assert shares[0] == 1.0 and max(shares[2:]) < 0.75


def test_outside_its_training_the_first_pull_decides() -> None:
    """What the notebook says of arms that pay with .8 and .2: one outcome is proof to an agent trained on 0 and 1."""
    generators = [torch.Generator().manual_seed(seed) for seed in range(2)]
    tasks = torch.tensor([[0.8, 0.2], [0.2, 0.8]]).repeat(500, 1)
    policy = shipped_policy(BANDIT)
    trials = rollout(policy, BanditEnv(2, 10), tasks, policy_generator=generators[0], env_generator=generators[1])
    pointed_to = torch.where(trials.reward[:, 0] == 1, trials.action[:, 0], 1 - trials.action[:, 0])
    assert (trials.action[:, 1:] == pointed_to[:, None]).float().mean() > 0.85
    optimum = DependentBanditOptimal(DependentBandits((0.8, 0.2)), 10).value
    assert 5.5 < trials.trial_return(expected=True).mean() < optimum - 0.2
