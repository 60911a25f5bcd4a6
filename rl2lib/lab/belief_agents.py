"""The agents and results that notebook 07 ships: read from `checkpoints/`, or trained where they are missing.

`rl2lib.experiments.rl1_vs_rl2` makes the files.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load
from torch import Tensor

from rl2lib.agents.recurrent import RecurrentPolicy
from rl2lib.experiments.rl1_vs_rl2 import (
    RL2,
    SHIPPED,
    SHORT,
    VERSION,
    Cell,
    Rl1VsRl2Config,
    build,
    new_policy,
    run,
    train_one,
)
from rl2lib.training.checkpoint import CheckpointError


def load_shipped(path: Path = SHIPPED) -> dict[str, Any]:
    """Return the shipped results.

    Raises:
        CheckpointError: if the file is missing, unreadable or of another version.
    """
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        version = card["version"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path.name}: no shipped results to read ({error})") from error
    if version != VERSION:
        raise CheckpointError(f"{path.name}: expected version {VERSION}, got {version}; update the course")
    return dict(card)


def shipped_or_short(path: Path = SHIPPED) -> dict[str, Any]:
    """Return the shipped results; without them say so, and train a shorter version of everything."""
    try:
        return load_shipped(path)
    except CheckpointError as error:
        print(f"{error}. Training a shorter version instead, about three minutes.")
    with tempfile.TemporaryDirectory() as folder:
        return run(SHORT, folder=Path(folder), to=Path(folder) / path.name)


def shipped_policy(place: str, agent: str = RL2, *, stage: int | None = None, path: Path = SHIPPED) -> RecurrentPolicy:
    """Return a shipped agent: the first run's.

    Args:
        place: `BANDIT` or `CORRIDOR`.
        agent: `RL2` or `RL1`.
        stage: the outer-loop iterations behind it: one of the config's stages (RL² only), or None for all of them.
        path: the results whose weights lie beside them.

    Raises:
        CheckpointError: if the weights are missing, of another version, or none of this agent and stage.
    """
    card, place_of_weights = load_shipped(path), path.with_suffix(".safetensors")
    try:
        content = place_of_weights.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{place_of_weights.name}: no shipped weights to read ({error})") from error
    if hashlib.sha256(content).hexdigest() != card["sha256"]:
        raise CheckpointError(f"{place_of_weights.name}: not the weights that {path.name} describes")
    settings = card["config"]
    config = Rl1VsRl2Config(
        hidden_size=settings["hidden_size"],
        num_pulls=settings["num_pulls"],
        half_length=settings["half_length"],
        bandit=replace(Rl1VsRl2Config.bandit, iterations=settings["bandit"]["iterations"]),
        corridor=replace(Rl1VsRl2Config.corridor, iterations=settings["corridor"]["iterations"]),
    )
    return _filled(Cell(place, agent, 1), stage, load(content), config)


def policy_or_train(place: str, agent: str = RL2, *, stage: int | None = None, path: Path = SHIPPED) -> RecurrentPolicy:
    """Return a shipped agent; without its weights say so, and train it."""
    try:
        return shipped_policy(place, agent, stage=stage, path=path)
    except CheckpointError as error:
        print(f"{error}. Training it here instead, at most half a minute.")
        return _filled(Cell(place, agent, 1), stage, _weights_of_first_run(place, agent), Rl1VsRl2Config())


@cache
def _weights_of_first_run(place: str, agent: str) -> dict[str, Tensor]:
    return train_one(Cell(place, agent, 1), 0, Rl1VsRl2Config())[1]


def _filled(cell: Cell, stage: int | None, weights: dict[str, Tensor], config: Rl1VsRl2Config) -> RecurrentPolicy:
    """A cell's agent with its weights of one stage."""
    _, env, recipe = build(cell, config)
    done = recipe.iterations if stage is None else stage
    prefix = f"{cell.name}/{done}/"
    own = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
    if not own:
        raise CheckpointError(f"no weights were kept of {cell.agent} on the {cell.place} after {done} iterations")
    policy = new_policy(env, cell.agent, config.hidden_size, torch.Generator().manual_seed(0))
    policy.load_state_dict(own)
    return policy
