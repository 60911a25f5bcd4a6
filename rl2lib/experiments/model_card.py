"""Weights with a card: PLACE.safetensors, the weights, and PLACE.json, which says of what and how they were made.

The card holds the weights' checksum and is written after them: a kill leaves the old pair, the new pair, or two files
that do not belong together, which `load` refuses.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import torch
from msgspec import Meta
from torch import Tensor

from rl2lib import codec
from rl2lib.codec import CodecError, Count, Digest
from rl2lib.files import write_whole
from rl2lib.training.checkpoint import CheckpointError, tensors_from_bytes, tensors_to_bytes


class Versioned(TypedDict):
    """What every card begins with, of whatever version."""

    version: int


class Card(Versioned):
    """What a card says, as JSON values.

    Attributes:
        version: of the files' form; raised when that or the networks change.
        what: a line for a reader.
        regenerate: the command that makes the files again.
        sha256: of the weights.
        torch: the version that made them.
        config: the settings.
        precision: "half" or "single", of the weights of a run.
        env_steps: that it was trained for.
        iterations: of its last stage, after which these weights were kept.
        seconds: of its training.
        device: where.
        commit: of the code.
        history: learning curves by metric, None where nothing was noted.
        scale, runs, rows: of a bundle, see `bundled`.
    """

    what: str
    regenerate: str
    sha256: Digest
    torch: NotRequired[str]
    config: NotRequired[dict[str, Any]]
    precision: NotRequired[Literal["half", "single"]]
    env_steps: NotRequired[Count]
    iterations: NotRequired[Count]
    seconds: NotRequired[Annotated[float, Meta(ge=0)]]
    device: NotRequired[str]
    commit: NotRequired[str]
    history: NotRequired[dict[str, list[float | None]]]
    scale: NotRequired[str]
    runs: NotRequired[dict[str, dict[str, Any]]]
    rows: NotRequired[list[dict[str, Any]]]


FOLDER = Path(__file__).parent.parent / "lab" / "checkpoints"
WEIGHTS, CARD = ".safetensors", ".json"


def save(
    place: Path,
    tensors: Mapping[str, Tensor],
    *,
    version: int,
    what: str,
    command: str,
    config: Mapping[str, Any],
    **details: Any,
) -> dict[str, Any]:
    """Write weights and their card, each whole or not at all.

    Args:
        place: the files' common path, without an ending.
        tensors: by name.
        version: of the files' form; raised when that or the networks change.
        what: a line for a reader.
        command: makes the files again.
        config: the settings, as JSON values.
        details: what else the card holds, as JSON values.

    Returns:
        the card.
    """
    weights = tensors_to_bytes(tensors)
    card = {
        "version": version,
        "what": what,
        "regenerate": command,
        "torch": torch.__version__,
        "sha256": hashlib.sha256(weights).hexdigest(),
        "config": config,
        **details,
    }
    # a line a field: readable, and thousands of numbers do not take a line each
    lines = (f" {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in card.items())
    write_whole(place.with_suffix(WEIGHTS), weights)
    write_whole(place.with_suffix(CARD), "{\n" + ",\n".join(lines) + "\n}\n")
    return card


def load(place: Path, version: int) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the card and the tensors that `save` wrote, each in memory of its own.

    Args:
        place: the files' common path, without an ending.
        version: the one that the caller can read.

    Raises:
        CheckpointError: if a file is missing or unreadable, of another version, or not what its card describes.
    """
    try:
        content, weights = place.with_suffix(CARD).read_bytes(), place.with_suffix(WEIGHTS).read_bytes()
        found = codec.decode(content, Versioned, place.name)["version"]
        if found != version:
            raise CheckpointError(f"{place.name}: expected version {version}, got {found}; update the course")
        card = codec.decode_dict(content, Card, place.name)
    except FileNotFoundError as error:
        raise CheckpointError(f"{place.name}: {Path(error.filename).name} is missing") from error
    except OSError as error:
        raise CheckpointError(f"{place.name}: it cannot be read ({type(error).__name__}: {error})") from error
    except CodecError as error:
        raise CheckpointError(str(error)) from error
    if hashlib.sha256(weights).hexdigest() != card["sha256"]:
        raise CheckpointError(
            f"{place.name}: the weights are not those that its card describes, damaged or of another run; "
            f"`{card['regenerate']}` makes both again"
        )
    return card, tensors_from_bytes(weights)
