"""Weights and their card come back as they were saved, or say in a line why not: never half a pair, never another's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from rl2lib.experiments import model_card
from rl2lib.experiments.model_card import load, save
from rl2lib.training.checkpoint import CheckpointError


def tensors(value: float) -> dict[str, Tensor]:
    return {"odd": torch.full((3,), value, dtype=torch.uint8), "matrix": torch.full((2, 3), value).T}


def written(place: Path, value: float = 1.0, version: int = 2) -> dict[str, Any]:
    return save(
        place,
        tensors(value),
        version=version,
        what="a µ",
        command="python -m some.module",
        config={"seed": 3},
        history={"trial_return": [value, None]},
    )


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    card = written(tmp_path / "new" / "some")
    read, found = load(tmp_path / "new" / "some", 2)
    assert read == card and read["config"] == {"seed": 3} and read["history"] == {"trial_return": [1.0, None]}
    assert read["regenerate"] == "python -m some.module" and read["torch"] == torch.__version__
    assert set(found) == {"odd", "matrix"}
    for name, value in tensors(1.0).items():
        assert torch.equal(found[name], value) and found[name].dtype == value.dtype
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["some.json", "some.safetensors"]


def test_loaded_tensors_are_aligned_whatever_their_sizes(tmp_path: Path) -> None:
    odd = {str(size): torch.ones(size) for size in range(1, 60)}
    save(tmp_path / "odd", odd, version=1, what="", command="", config={})
    assert all(value.data_ptr() % 64 == 0 for value in load(tmp_path / "odd", 1)[1].values())


def truncated(place: Path) -> None:
    weights = place.with_suffix(".safetensors")
    weights.write_bytes(weights.read_bytes()[:-1])


def swapped(place: Path) -> None:
    written(place.with_name("other"), 2.0)
    place.with_name("other.safetensors").replace(place.with_suffix(".safetensors"))


def edited(place: Path, **changes: Any) -> None:
    card = place.with_suffix(".json")
    card.write_text(json.dumps({**json.loads(card.read_text(encoding="utf-8")), **changes}), encoding="utf-8")


HARM: dict[str, tuple[Callable[[Path], object], str]] = {
    "no card": (lambda place: place.with_suffix(".json").unlink(), r"some\.json is missing"),
    "no weights": (lambda place: place.with_suffix(".safetensors").unlink(), r"some\.safetensors is missing"),
    "other version": (lambda place: written(place, version=1), "expected version 2, got 1; update the course"),
    "truncated": (truncated, "not those that its card describes.*`python -m some.module` makes both again"),
    "swapped": (swapped, "not those that its card describes"),
    "card cut short": (lambda place: place.with_suffix(".json").write_text("{"), "input data was truncated"),
    "card of something else": (
        lambda place: place.with_suffix(".json").write_text("{}"),
        "missing required field",
    ),
    "card not an object": (lambda place: place.with_suffix(".json").write_text("[]"), "expected `object`, got `array`"),
    "card in another coding": (lambda place: place.with_suffix(".json").write_bytes(b"\xff"), "JSON is malformed"),
    "checksum of nothing": (lambda place: edited(place, sha256=None), r"expected `str`, got `null` - at `\$\.sha256`"),
    "steps that are text": (
        lambda place: edited(place, env_steps="3"),
        r"expected `int`, got `str` - at `\$\.env",
    ),
    "steps below none": (lambda place: edited(place, env_steps=-3), r"expected `int` >= 0 - at `\$\.env_steps`"),
    "unknown field": (lambda place: edited(place, bonus=3), "unknown field `bonus`"),
    "a card from the future": (lambda place: edited(place, version=3, bonus=3), "expected version 2, got 3; update"),
}


@pytest.mark.parametrize("name", HARM)
def test_what_cannot_be_used_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    harm, told = HARM[name]
    written(tmp_path / "some")
    harm(tmp_path / "some")
    with pytest.raises(CheckpointError, match=f"^some: .*{told}") as refused:
        load(tmp_path / "some", 2)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("had_one", [False, True])
def test_a_kill_between_the_two_writes_is_noticed_and_mended_by_saving_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, had_one: bool
) -> None:
    place, write = tmp_path / "some", model_card.write_whole
    if had_one:
        written(place, 1.0)

    def killed(path: Path, content: str | bytes) -> None:
        if path.suffix == ".json":
            raise KeyboardInterrupt
        write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(model_card, "write_whole", killed)
        with pytest.raises(KeyboardInterrupt):
            written(place, 2.0)
    assert place.with_suffix(".safetensors").exists(), "weights go first"
    with pytest.raises(CheckpointError, match="not those that its card describes" if had_one else "is missing"):
        load(place, 2)
    written(place, 2.0)
    assert load(place, 2)[1]["matrix"][0, 0] == 2.0


@pytest.mark.parametrize("card", sorted(model_card.FOLDER.glob("*.json")), ids=lambda card: card.stem)
def test_every_bundled_pair_is_whole_and_names_a_module_that_makes_it(card: Path) -> None:
    version = json.loads(card.read_text(encoding="utf-8"))["version"]
    read, found = load(card.with_suffix(""), version)
    assert found and read["what"]
    if read["regenerate"] == "autograder build":
        assert {"scale", "runs", "rows"} <= set(read), "a bundle"
        return
    assert {"torch", "config"} <= set(read)
    module = read["regenerate"].removeprefix("python -m ").replace(".", "/")
    source = (model_card.FOLDER.parent.parent.parent / f"{module}.py").read_text(encoding="utf-8")
    assert 'if __name__ == "__main__":' in source
