"""The files behind notebook 05: weights and curves of `bandit_lessons`, with a card that says how they were made.

`python -m rl2lib.experiments.shipped_bandit_lessons` makes them again, in about half an hour on one core.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import torch

from rl2lib.experiments import shipped
from rl2lib.experiments.bandit_lessons import SMOKE, BanditLessons, BanditLessonsConfig, new_policy, run
from rl2lib.training.checkpoint import CheckpointError, tensors_under

VERSION = 1  # of the shipped files; raise it when their form or the networks change
PLACE = shipped.FOLDER / "bandit_lessons"


def save(lessons: BanditLessons, place: Path = PLACE) -> None:
    """Write curves and weights, and their card beside them."""
    tensors = {f"curve/{name}": curve.float() for name, curve in lessons.curves.items()}
    for experiment, policies in lessons.policies.items():
        for number, policy in enumerate(policies):
            for key, value in policy.state_dict().items():
                tensors[f"policy/{experiment}/{number}/{key}"] = value
    shipped.save(
        place,
        tensors,
        version=VERSION,
        what="agents of notebook 05 and their learning curves",
        command="python -m rl2lib.experiments.shipped_bandit_lessons",
        config=asdict(lessons.config),
    )


def load(place: Path = PLACE) -> BanditLessons:
    """Read what was trained beforehand.

    Raises:
        CheckpointError: it is missing, damaged or of another version.
    """
    card, tensors = shipped.load(place, VERSION)
    config = shipped.read_config(BanditLessonsConfig, card["config"])
    lessons = BanditLessons(config, curves=tensors_under(tensors, "curve/"))
    weights = tensors_under(tensors, "policy/")
    for experiment, number in sorted({(name.split("/")[0], int(name.split("/")[1])) for name in weights}):
        policy = new_policy(experiment, config, torch.Generator().manual_seed(0))
        policy.load_state_dict(tensors_under(weights, f"{experiment}/{number}/"))
        lessons.policies.setdefault(experiment, []).append(policy)
    return lessons


def load_or_train(place: Path = PLACE) -> BanditLessons:
    """Return what is shipped; if it cannot be used say so in one line, and train the short version."""
    try:
        return load(place)
    except CheckpointError as error:
        print(f"{error}. The short training takes its place; its agents have learned next to nothing.")
    return run(SMOKE, progress=False)


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser(description="train what notebook 05 ships")
    parser.add_argument("--folder", type=Path, default=Path("runs") / "bandit_lessons", help="for checkpoints")
    save(run(folder=parser.parse_args().folder, progress=True))
