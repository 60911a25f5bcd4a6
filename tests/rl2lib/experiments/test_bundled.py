"""What is copied out of results/ is whole, repeatable and read back; without it short runs take its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from rl2lib.evaluation import rows
from rl2lib.experiments import bundled
from rl2lib.experiments.bundled import BUNDLES, FOLDER, Bundle, Pick, Selection, load, load_or_train, select
from rl2lib.experiments.papers import rl1_vs_rl2
from rl2lib.experiments.plan import SCALES
from rl2lib.experiments.reproduce.places import Places
from rl2lib.experiments.reproduce.trained import TrainedRuns
from rl2lib.files import write_whole
from rl2lib.training.checkpoint import CheckpointError, tensors_from_bytes

TINY = Selection(
    "two runs",
    (
        Pick("rl1-vs-rl2", "rl2-bandit", weights=1, curves=2, metrics=("trial_return", "steps")),
        Pick("rl1-vs-rl2", "rl1-bandit", weights=2),
    ),
    (("rl1-vs-rl2", "bandit"),),
)


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(bundled.BUNDLES, "tiny", TINY)
    load_or_train.cache_clear()


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    places = Places(tmp_path_factory.mktemp("results"), tmp_path_factory.mktemp("running"))
    bundled._train_shortly(TINY, places)
    return places.results


def written(results: Path, folder: Path) -> Bundle:
    card, weights = select("tiny", results, "smoke")
    write_whole(folder / "tiny.safetensors", weights)
    write_whole(folder / "tiny.json", card)
    return load("tiny", folder)


def test_the_same_results_make_the_same_bytes(results: Path) -> None:
    assert select("tiny", results, "smoke") == select("tiny", results, "smoke")
    card, _ = select("tiny", results, "smoke")
    assert max(map(len, card.splitlines())) < 2_000, "a change is seen where it is"


def test_what_is_copied_is_read_back(results: Path, tmp_path: Path) -> None:
    bundle = written(results, tmp_path)
    there = TrainedRuns(rl1_vs_rl2.EXPERIMENT.runs("smoke"), "smoke", Places(results, results))
    for run, seeds in (("rl2-bandit", 1), ("rl1-bandit", 2)):
        policies = bundle.policies(f"rl1-vs-rl2/{run}")
        assert len(policies) == seeds
        for ours, theirs in zip(policies, there.policies(run), strict=False):
            assert all(torch.equal(ours.state_dict()[key], value) for key, value in theirs.state_dict().items())
    run = "rl1-vs-rl2/rl2-bandit"
    cards = there.cards("rl2-bandit")
    assert torch.equal(bundle.curves(run), torch.tensor([card["history"]["trial_return"] for card in cards]))
    assert bundle.curves(run, "steps").eq(10).all(), "every trial has ten pulls"
    assert bundle.trials(run).tolist() == [8, 16] and bundle.training(run).iterations == 2
    table = rows.read(results / "rl1-vs-rl2" / "smoke.csv")
    assert bundle.table("rl1-vs-rl2").rows == table.cell("bandit")


def test_early_weights_lie_beside_the_last_ones(results: Path, tmp_path: Path) -> None:
    bundle, run = written(results, tmp_path), "rl1-vs-rl2/rl2-bandit"
    assert bundle.snapshots(run) == (1,) and bundle.snapshots("rl1-vs-rl2/rl1-bandit") == ()
    untrained, early, last = (bundle.policy(run, after=after).state_dict()["head.weight"] for after in (0, 1, None))
    assert not torch.equal(untrained, early) and not torch.equal(early, last)


@pytest.mark.parametrize(("seed", "after", "said"), [(2, None, "seed 2 are in"), (0, 7, "after 7 iterations are in")])
def test_weights_that_were_not_bundled_are_named(
    results: Path, tmp_path: Path, seed: int, after: int | None, said: str
) -> None:
    with pytest.raises(KeyError, match=f"no weights of rl1-vs-rl2/rl2-bandit, seed {seed}.*{said.split()[-2]}"):
        written(results, tmp_path).policy("rl1-vs-rl2/rl2-bandit", seed, after=after)


def test_a_source_that_is_missing_is_one_clear_line(results: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError) as caught:
        select("tiny", tmp_path, "smoke")
    assert "smoke-rl2-bandit-seed0.json is missing" in str(caught.value) and "\n" not in str(caught.value)
    (there := tmp_path / "rl1-vs-rl2").mkdir()
    (there / "checkpoints").symlink_to(results / "rl1-vs-rl2" / "checkpoints")
    with pytest.raises(CheckpointError, match="no rows of bandit; `rl2 reproduce rl1-vs-rl2 --scale smoke` makes them"):
        select("tiny", tmp_path, "smoke")


@pytest.mark.parametrize("harm", ["missing", "damaged", "another version"])
def test_without_a_bundle_short_runs_take_its_place(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], harm: str
) -> None:
    written(results, tmp_path)
    card = tmp_path / "tiny.json"
    if harm == "missing":
        card.unlink()
    elif harm == "damaged":
        (tmp_path / "tiny.safetensors").write_bytes(b"")
    else:
        card.write_text(json.dumps(json.loads(card.read_text(encoding="utf-8")) | {"version": 1}), encoding="utf-8")
    bundle = load_or_train("tiny", tmp_path)
    said = capsys.readouterr().out
    assert said.startswith("tiny: ") and said.count("\n") == 1 and "In its place: the same runs" in said
    assert bundle.scale == "smoke" and bundle.curves("rl1-vs-rl2/rl2-bandit").shape == (2, 2)
    assert bundle.table("rl1-vs-rl2").cells() == ["bandit"]
    assert load_or_train("tiny", tmp_path) is bundle and not capsys.readouterr().out, "said once, trained once"


@pytest.mark.parametrize("name", BUNDLES)
def test_every_selection_is_of_runs_and_cells_that_there_are(name: str) -> None:
    for pick in bundled.BUNDLES[name].picks:
        for scale in SCALES[:2]:
            run = bundled._run(pick.key, scale)
            assert run.owner == pick.experiment
    for experiment, cell in bundled.BUNDLES[name].tables:
        assert cell in bundled.find(experiment).cells("laptop")


@pytest.mark.parametrize("name", BUNDLES)
def test_what_is_committed_is_what_the_results_hold(name: str, root: Path) -> None:
    card, weights = select(name, root / "results")
    assert (FOLDER / f"{name}.json").read_text(encoding="utf-8") == card
    assert (FOLDER / f"{name}.safetensors").read_bytes() == weights
    assert tensors_from_bytes(weights)


def test_bundles_stay_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 2_400_000
