"""What notebook 05 ships: made by code, read back whole, and as good as the notebook says."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from rl2lib.agents.eleven_arms import INFORMATIVE_ARM
from rl2lib.evaluation.evaluate import play
from rl2lib.experiments import bandit_lessons, shipped_bandit_lessons
from rl2lib.experiments.bandit_lessons import (
    ELEVEN_ARMS_WARM,
    FIVE_ARMS,
    SMOKE,
    TEN_ARMS_EQUIVARIANT,
    TWO_ARMS,
    BanditLessons,
    run,
    two_arms,
)
from rl2lib.experiments.shipped_bandit_lessons import PLACE, load, load_or_train, save
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.tasks.wang import InformativeBanditEnv, InformativeBandits


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> tuple[BanditLessons, Path]:
    place = tmp_path_factory.mktemp("lessons") / "bandit_lessons"
    lessons = run(SMOKE, progress=False)
    save(lessons, place)
    return lessons, place


def test_everything_is_trained_once_a_seed(smoke: tuple[BanditLessons, Path]) -> None:
    lessons, _ = smoke
    assert {two_arms(name) for name in TWO_ARMS} < set(lessons.policies)
    assert len(lessons.policies[FIVE_ARMS]) == 3 and len(lessons.policies[two_arms("hard")]) == 1
    assert lessons.curves[FIVE_ARMS].shape == (3, SMOKE.five_arms.iterations)
    for name in ("pays", "reads"):
        shares = lessons.curves[f"{ELEVEN_ARMS_WARM}: {name}"]
        assert shares.shape == (3, 2) and bool(((shares >= 0) & (shares <= 1)).all())


def test_what_is_written_is_read_back(smoke: tuple[BanditLessons, Path]) -> None:
    lessons, place = smoke
    again = load(place)
    assert again.config == lessons.config and set(again.curves) == set(lessons.curves)
    for key, policies in lessons.policies.items():
        for one, other in zip(policies, again.policies[key], strict=True):
            assert all(torch.equal(value, other.state_dict()[name]) for name, value in one.state_dict().items())
    assert torch.equal(again.curves[TEN_ARMS_EQUIVARIANT], lessons.curves[TEN_ARMS_EQUIVARIANT])


@pytest.mark.slow
def test_a_run_that_was_cut_short_goes_on(tmp_path: Path) -> None:
    first = run(SMOKE, folder=tmp_path, progress=False)
    again = run(SMOKE, folder=tmp_path, progress=False)
    assert all(torch.equal(first.curves[name], again.curves[name]) for name in first.curves)


def test_without_its_files_the_short_training_takes_their_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped_bandit_lessons, "run", lambda config, progress: BanditLessons(config))
    assert load_or_train(tmp_path / "bandit_lessons").config == SMOKE
    said = capsys.readouterr().out
    assert said.startswith("bandit_lessons: ") and said.count("\n") == 1 and "short training" in said


def test_the_shipped_file_is_small_and_its_agents_do_what_the_notebook_says() -> None:
    assert PLACE.with_suffix(".safetensors").stat().st_size < 1_000_000
    lessons = load()
    tasks = IndependentBandits(5).sample(4_000, torch.Generator().manual_seed(1))
    for policy in lessons.policies[FIVE_ARMS]:
        trial = play(policy.acting("greedy"), BanditEnv(5, 10), tasks, seed=1)
        assert trial.trial_return(expected=True).mean() > 6.5
    eleven = InformativeBandits().sample(500, torch.Generator().manual_seed(1))
    returns = {}
    for key in (bandit_lessons.ELEVEN_ARMS, ELEVEN_ARMS_WARM):
        for policy in lessons.policies[key]:
            trial = play(policy.acting("greedy"), InformativeBanditEnv(), eleven, seed=1)
            pays = (trial.action[:, 0] == INFORMATIVE_ARM).float().mean().item()
            assert pays == (1.0 if key == ELEVEN_ARMS_WARM else 0.0)
            returns.setdefault(key, []).append(trial.trial_return().mean().item())
    assert max(returns[bandit_lessons.ELEVEN_ARMS]) < 12 and min(returns[ELEVEN_ARMS_WARM]) > 18
