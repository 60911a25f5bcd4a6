"""The files behind notebook 05: weights and curves of `bandit_lessons`, with a card that says how they were made.

`python -m rl2lib.experiments.shipped_bandit_lessons` makes them again, in about half an hour on one core.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from rl2lib.experiments.bandit_lessons import SMOKE, BanditLessons, BanditLessonsConfig, Length, new_policy, run
from rl2lib.training.checkpoint import CheckpointError

VERSION = 1  # of the shipped files; raise it when their form or the networks change
SHIPPED = Path(__file__).parent.parent / "lab" / "checkpoints" / "bandit_lessons.safetensors"


def save(lessons: BanditLessons, path: Path = SHIPPED) -> None:
    """Write curves and weights, and their card beside them."""
    tensors = {f"curve/{name}": curve.float() for name, curve in lessons.curves.items()}
    for experiment, policies in lessons.policies.items():
        for number, policy in enumerate(policies):
            for key, value in policy.state_dict().items():
                tensors[f"policy/{experiment}/{number}/{key}"] = value.contiguous()
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path)
    card = {
        "what": "agents of notebook 05 and their learning curves",
        "regenerate": "python -m rl2lib.experiments.shipped_bandit_lessons",
        "version": VERSION,
        "config": asdict(lessons.config),
        "torch": torch.__version__,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    path.with_suffix(".json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def load(path: Path = SHIPPED) -> BanditLessons:
    """Read what was trained beforehand.

    Raises:
        CheckpointError: it is missing, damaged or of another version.
    """
    try:
        card = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        if card["version"] != VERSION:
            raise CheckpointError(f"{path.name}: version {card['version']}, this library reads {VERSION}")
        if hashlib.sha256(path.read_bytes()).hexdigest() != card["sha256"]:
            raise CheckpointError(f"{path.name}: it is not the file that its card describes")
        lessons = BanditLessons(_config(card["config"]))
        tensors = load_file(path)
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise CheckpointError(f"{path.name}: it cannot be read ({error})") from error
    weights: dict[tuple[str, int], dict[str, Tensor]] = {}
    for name, value in tensors.items():
        kind, _, rest = name.partition("/")
        if kind == "curve":
            lessons.curves[rest] = value
        else:
            experiment, place, key = rest.split("/")
            # cloned into memory of our own: kernels may round differently on either side of an alignment boundary
            weights.setdefault((experiment, int(place)), {})[key] = value.clone()
    for experiment, number in sorted(weights):
        policy = new_policy(experiment, lessons.config, torch.Generator().manual_seed(0))
        policy.load_state_dict(weights[experiment, number])
        lessons.policies.setdefault(experiment, []).append(policy)
    return lessons


def _config(settings: dict[str, Any]) -> BanditLessonsConfig:
    """Read the card's settings; JSON has no tuples and no `Length`."""
    read: dict[str, Any] = {
        key: Length(**value) if isinstance(value, dict) else value for key, value in settings.items()
    }
    read["seeds"] = tuple(settings["seeds"])
    return BanditLessonsConfig(**read)


def load_or_train(path: Path = SHIPPED) -> BanditLessons:
    """Return what is shipped; if it cannot be used say so in one line, and train the short version."""
    try:
        return load(path)
    except CheckpointError as error:
        print(f"{error}. The short training takes its place; its agents have learned next to nothing.")
        return run(SMOKE, progress=False)


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser(description="train what notebook 05 ships")
    parser.add_argument("--folder", type=Path, default=Path("runs") / "bandit_lessons", help="for checkpoints")
    save(run(folder=parser.parse_args().folder, progress=True))
