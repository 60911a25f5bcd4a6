from pathlib import Path

import pytest
import torch

from rl2lib.training import checkpoint as checkpoints
from rl2lib.training.checkpoint import Checkpoint, CheckpointError


def small(value: float = 1.0) -> Checkpoint:
    return Checkpoint({"policy.w": torch.full((2,), value)}, {"generator.env": torch.zeros(4).byte()}, {"seed": 3})


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    content = Checkpoint(
        {"policy.w": torch.randn(3, 2), "policy.transposed": torch.randn(3, 2).T},
        {"step": torch.tensor(7.0), "bytes": torch.arange(5).byte(), "double": torch.tensor([0.1]).double()},
        {"seed": 3, "rate": 0.1},
    )
    loaded = checkpoints.load(checkpoints.save(tmp_path / "new", 12, content))
    for kept, original in ((loaded.weights, content.weights), (loaded.state, content.state)):
        assert kept.keys() == original.keys()
        assert all(torch.equal(kept[k], original[k]) and kept[k].dtype == original[k].dtype for k in kept)
    assert loaded.card["seed"] == 3 and loaded.card["rate"] == 0.1 and loaded.card["iteration"] == 12


def test_the_newest_stay_in_order_and_nothing_else_is_left(tmp_path: Path) -> None:
    for iteration in (9, 10, 100):
        checkpoints.save(tmp_path, iteration, small())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["iteration-0000010", "iteration-0000100"]
    latest = checkpoints.latest(tmp_path)
    assert latest is not None and latest.name == "iteration-0000100"


def test_no_run_has_no_checkpoint(tmp_path: Path) -> None:
    assert checkpoints.latest(tmp_path / "nowhere") is None


def test_a_half_written_checkpoint_is_never_seen_and_is_swept_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = checkpoints.save(tmp_path, 1, small())

    def crash(*args: object) -> None:
        raise OSError("the plug was pulled")

    with monkeypatch.context() as patch:
        patch.setattr("rl2lib.training.checkpoint.os.rename", crash)
        with pytest.raises(OSError, match="plug"):
            checkpoints.save(tmp_path, 2, small())
    assert checkpoints.latest(tmp_path) == good
    checkpoints.save(tmp_path, 3, small())
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("name", ["weights.safetensors", "state.safetensors", "card.json"])
def test_damage_is_noticed(name: str, tmp_path: Path) -> None:
    for damage in ("flip", "cut", "gone"):
        place = checkpoints.save(tmp_path / damage, 1, small())
        content = bytearray((place / name).read_bytes())
        if damage == "gone":
            (place / name).unlink()
        elif damage == "cut":
            (place / name).write_bytes(content[:-20])
        elif name != "card.json":
            content[-1] ^= 1
            (place / name).write_bytes(content)
        else:
            (place / name).write_text("{}")
        with pytest.raises(CheckpointError, match="delete it"):
            checkpoints.load(place)


def test_an_optimiser_goes_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    def step(optimiser: torch.optim.Optimizer, weight: torch.Tensor) -> None:
        optimiser.zero_grad()
        (weight**3).sum().backward()
        optimiser.step()

    one = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
    first = torch.optim.Adam([one], lr=0.1)
    step(first, one)
    other = torch.nn.Parameter(one.detach().clone())
    second = torch.optim.Adam([other], lr=77.0)
    state, groups = checkpoints.pack_optimiser(first)
    loaded = checkpoints.load(checkpoints.save(tmp_path, 1, Checkpoint({}, state, {"groups": groups})))
    checkpoints.unpack_optimiser(second, loaded.state, loaded.card["groups"])
    for _ in range(3):
        step(first, one)
        step(second, other)
    assert torch.equal(one, other)
