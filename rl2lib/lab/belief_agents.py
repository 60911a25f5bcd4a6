"""The agents and results that notebook 07 ships: read from `checkpoints/`, or trained where they are missing.

`rl2lib.experiments.rl1_vs_rl2` makes the files.
"""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rl2lib.agents.recurrent import RecurrentPolicy
from rl2lib.experiments import shipped
from rl2lib.experiments.rl1_vs_rl2 import (
    PLACE,
    RL2,
    SHORT,
    VERSION,
    Cell,
    Rl1VsRl2Config,
    build,
    new_policy,
    run,
    train_one,
)
from rl2lib.training.checkpoint import CheckpointError, tensors_under


def load_shipped(path: Path = PLACE) -> dict[str, Any]:
    """Return the shipped results.

    Raises:
        CheckpointError: if a file is missing, damaged or of another version.
    """
    return shipped.load(path, VERSION)[0]


def shipped_or_short(path: Path = PLACE) -> dict[str, Any]:
    """Return the shipped results; without them say so, and train a shorter version of everything."""
    try:
        return load_shipped(path)
    except CheckpointError as error:
        print(f"{error}. Training a shorter version instead, about three minutes.")
    with tempfile.TemporaryDirectory() as folder:
        return run(SHORT, folder=Path(folder), to=Path(folder) / path.name)


def shipped_policy(place: str, agent: str = RL2, *, stage: int | None = None, path: Path = PLACE) -> RecurrentPolicy:
    """Return a shipped agent: the first run's.

    Args:
        place: `BANDIT` or `CORRIDOR`.
        agent: `RL2` or `RL1`.
        stage: the outer-loop iterations behind it: one of the config's stages (RL² only), or None for all of them.
        path: the shipped files' common path, without an ending.

    Raises:
        CheckpointError: if the weights are missing, of another version, or none of this agent and stage.
    """
    card, weights = shipped.load(path, VERSION)
    return _filled(Cell(place, agent, 1), stage, weights, shipped.read_config(Rl1VsRl2Config, card["config"]))


def policy_or_train(place: str, agent: str = RL2, *, stage: int | None = None, path: Path = PLACE) -> RecurrentPolicy:
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
    own = tensors_under(weights, f"{cell.name}/{done}/")
    if not own:
        raise CheckpointError(f"no weights were kept of {cell.agent} on the {cell.place} after {done} iterations")
    policy = new_policy(env, cell.agent, config.hidden_size, torch.Generator().manual_seed(0))
    policy.load_state_dict(own)
    return policy
