"""Checkpoints: folders of safetensors and JSON that are either whole or not there, and hold no pickle.

A checkpoint is written beside its place, synced and renamed, so a kill at any moment leaves the one before.
It holds everything that the next iteration depends on: weights, optimisers, generators, history.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from rl2lib import codec
from rl2lib.codec import CodecError, Count, Digest

WEIGHTS, STATE, CARD = "weights.safetensors", "state.safetensors", "card.json"
PREFIX = "iteration-"


class CheckpointError(RuntimeError):
    """A checkpoint that cannot be used, and why."""


class _Written(TypedDict):
    """What `save` adds to a card."""

    iteration: Count
    sha256: dict[str, Digest]


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint holds.

    Attributes:
        weights: the modules' state, "policy.core.weight_ih" and so on.
        state: everything else a run needs to go on, as tensors.
        card: what a reader wants to know, as JSON.
    """

    weights: dict[str, Tensor]
    state: dict[str, Tensor]
    card: dict[str, Any]


def save(run: Path, iteration: int, checkpoint: Checkpoint, *, keep: int = 2) -> Path:
    """Write `run/iteration-0000123`, whole or not at all, and return it.

    Args:
        run: the run's folder, made if need be.
        iteration: iterations done.
        checkpoint: its contents; the card gains the sha256 of both tensor files.
        keep: how many of the newest checkpoints stay.
    """
    run.mkdir(parents=True, exist_ok=True)
    for leftover in run.glob(f".{PREFIX}*"):
        shutil.rmtree(leftover)
    files = {WEIGHTS: tensors_to_bytes(checkpoint.weights), STATE: tensors_to_bytes(checkpoint.state)}
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    card = {**checkpoint.card, "iteration": iteration, "sha256": digests}
    files[CARD] = (json.dumps(card, indent=2) + "\n").encode()

    place = run / f"{PREFIX}{iteration:07}"
    beside = run / f".{place.name}"
    beside.mkdir()
    for name, content in files.items():
        with open(beside / name, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    _sync_folder(beside)
    os.rename(beside, place)
    _sync_folder(run)
    for old in all_checkpoints(run)[:-keep]:
        # out of sight first: a kill while deleting must not leave half a checkpoint in its place
        shutil.rmtree(old.rename(run / f".{old.name}"))
    return place


def load(place: Path) -> Checkpoint:
    """Read one checkpoint and verify its checksums.

    Raises:
        CheckpointError: if a file is missing, unreadable or not what the card says.
    """
    try:
        text = (place / CARD).read_bytes()
        card = codec.decode(text, dict[str, Any], CARD)
        digests = codec.decode(text, _Written, CARD)["sha256"]
        contents = {name: (place / name).read_bytes() for name in (WEIGHTS, STATE)}
    except (OSError, CodecError) as error:
        raise CheckpointError(f"{place}: no whole checkpoint ({error}); delete it and resume from another") from error
    for name, content in contents.items():
        if hashlib.sha256(content).hexdigest() != digests.get(name):
            raise CheckpointError(f"{place}: {name} is not the file its card describes; delete it and resume")
    return Checkpoint(tensors_from_bytes(contents[WEIGHTS]), tensors_from_bytes(contents[STATE]), card)


def latest(run: Path) -> Path | None:
    """Return the run's newest checkpoint, or None."""
    return next(reversed(all_checkpoints(run)), None)


def all_checkpoints(run: Path) -> list[Path]:
    """Return the run's checkpoints, oldest first."""
    return sorted(place for place in run.glob(f"{PREFIX}*") if place.is_dir())


def tensors_under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors whose names begin with a prefix, by the rest of their names."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def pack_modules(modules: dict[str, nn.Module]) -> dict[str, Tensor]:
    """Return all modules' weights in one flat dictionary."""
    return {f"{name}.{key}": value for name, module in modules.items() for key, value in module.state_dict().items()}


def unpack_modules(modules: dict[str, nn.Module], weights: dict[str, Tensor]) -> None:
    """Put the weights of `pack_modules` back."""
    for name, module in modules.items():
        module.load_state_dict({key: weights[f"{name}.{key}"] for key in module.state_dict()})


def pack_optimiser(optimiser: torch.optim.Optimizer) -> tuple[dict[str, Tensor], list[dict[str, Any]]]:
    """Return an optimiser's state as flat tensors, "0.exp_avg", and its groups as JSON values."""
    state = optimiser.state_dict()
    tensors = {f"{index}.{key}": value for index, entry in state["state"].items() for key, value in entry.items()}
    return tensors, state["param_groups"]


def unpack_optimiser(
    optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor], groups: list[dict[str, Any]]
) -> None:
    """Put the state of `pack_optimiser` back."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        index, key = name.split(".", 1)
        state.setdefault(int(index), {})[key] = value
    optimiser.load_state_dict({"state": state, "param_groups": groups})


def tensors_to_bytes(tensors: Mapping[str, Tensor]) -> bytes:
    """Return tensors as the content of a safetensors file."""
    return save_tensors({name: value.detach().cpu().contiguous() for name, value in tensors.items()})


def tensors_from_bytes(content: bytes) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file, each in memory of its own."""
    # cloned into aligned memory: kernels may round differently on either side of an alignment boundary
    return {name: value.clone() for name, value in load_tensors(content).items()}


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
