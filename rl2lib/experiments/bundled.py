"""The weights, learning curves and table rows that come with the notebooks: a selection of what lies in results/.

`autograder build` copies them, byte for byte the same from the same results; here is what is selected, and who reads
it. NAME.safetensors holds weights, NAME.json the rest. Where a bundle cannot be read, the same runs are trained at
smoke scale: that takes seconds, and what they have learned is next to nothing.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import Tensor

from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.evaluation import rows
from rl2lib.evaluation.rows import Measured, Row
from rl2lib.experiments import model_card
from rl2lib.experiments.catalogue import find
from rl2lib.experiments.history import trials_played
from rl2lib.experiments.plan import Run, Scale
from rl2lib.experiments.reproduce.places import Places
from rl2lib.experiments.reproduce.trained import TrainedRuns, finished, snapshot, train_run
from rl2lib.training.checkpoint import CheckpointError, tensors_from_bytes, tensors_to_bytes, tensors_under
from rl2lib.training.loop import TrainingConfig

VERSION = 2  # of a bundle's files; raise it when their form changes
FOLDER = model_card.FOLDER
SCALE: Scale = "laptop"
FEW = 2  # seeds, at most, of what is trained in a bundle's place


@dataclass(frozen=True)
class Pick:
    """What is taken of one run.

    Attributes:
        experiment: the id of the experiment that owns it.
        run: its name.
        weights: how many seeds' weights, from seed 0.
        curves: how many seeds' learning curves; None: as many as weights.
        metrics: which ones.
    """

    experiment: str
    run: str
    weights: int = 3
    curves: int | None = None
    metrics: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What the run is called in the bundle."""
        return f"{self.experiment}/{self.run}"

    @property
    def num_curves(self) -> int:
        """How many seeds' learning curves are taken."""
        return self.weights if self.curves is None else self.curves


@dataclass(frozen=True)
class Selection:
    """What a bundle is made of.

    Attributes:
        what: a line for a reader.
        picks: of runs.
        tables: experiment and cell of the tables whose rows are taken.
    """

    what: str
    picks: tuple[Pick, ...]
    tables: tuple[tuple[str, str], ...] = ()


RETURN = ("trial_return",)
TWO_ARMS = ("independent", "uniform", "easy", "medium", "hard")
GOAL_RUNS = [
    f"{group}-{kind}"
    for group in ("3_goals_reinforce_long", "3_goals_ppo", "24_goals_ppo")
    for kind in ("recurrent", "feedforward")
]
BUNDLES: dict[str, Selection] = {
    "bandits": Selection(
        "agents of notebook 05 and their learning curves",
        (
            Pick("table1", "gru-n10_k5", metrics=RETURN),
            Pick("ablation", "n10_k5-paid-for-the-last-episode", weights=1),
            Pick("table1", "gru-n100_k10", metrics=RETURN),
            Pick("table1", "imitation-n100_k10"),
            Pick("table1", "equivariant-n100", metrics=RETURN),
            *(
                Pick("dependent-bandits", f"gru-{name}")
                for name in ("independent", "uniform", "easy", "medium", "hard")
            ),
            Pick("eleven-arms", "number", metrics=RETURN),
            Pick("eleven-arms", "imitation", metrics=RETURN),
        ),
    ),
    "goals": Selection(
        "agents of notebook 06 that look for a hidden goal, and their learning curves",
        (
            *(Pick("goal-gridworld", run, metrics=RETURN) for run in GOAL_RUNS),
            *(Pick("goal-gridworld", f"18_goals_{letter}-recurrent") for letter in "abc"),
            Pick("goal-generalisation", "1_goal"),
            Pick("goal-generalisation", "6_goals"),
        ),
    ),
    "beliefs": Selection(
        "RL² and RL¹ of notebook 07, their learning curves, and what they and their relatives score",
        (
            *(Pick("rl1-vs-rl2", f"{agent}-bandit", weights=1, curves=20, metrics=RETURN) for agent in ("rl2", "rl1")),
            *(
                Pick("rl1-vs-rl2", f"{agent}-corridor_d5", weights=1, curves=20, metrics=("steps",))
                for agent in ("rl2", "rl1")
            ),
        ),
        (
            ("rl1-vs-rl2", "bandit"),
            ("rl1-vs-rl2", "corridor_d5"),
            ("belief-input", "corridor_d5"),
            *(("long-corridors", cell) for cell in ("d5", "d10", "d20", "d30")),
        ),
    ),
}
"""By name: what is copied."""


# --------------------------------------------------------------------------------------- reading


class Bundle:
    """What was bundled: weights, learning curves, rows of tables.

    Args:
        card: as `select` writes it.
        tensors: the weights of all runs.
    """

    def __init__(self, card: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        self.card, self.scale, self._tensors = card, card["scale"], tensors

    def policy(self, run: str, seed: int = 0, *, after: int | None = None) -> SoftmaxPolicy:
        """Return a run's policy.

        Args:
            run: "experiment/name".
            seed: which of its trainings.
            after: so many iterations, one of `snapshots`, and 0: untrained; None: all.

        Raises:
            KeyError: if no weights of that run, seed and stage are in the bundle.
        """
        policy = _run(run, self.scale).policy(seed)
        if after != 0:
            weights = tensors_under(self._tensors, f"{run}/{seed}/" if after is None else f"{run}/{seed}-after{after}/")
            if not weights:
                stage = "" if after is None else f" after {after} iterations"
                raise KeyError(f"no weights of {run}, seed {seed}{stage} are in this bundle")
            policy.load_state_dict(weights)
        return policy

    def policies(self, run: str) -> list[SoftmaxPolicy]:
        """Return a run's policies, one a seed."""
        return [self.policy(run, seed) for seed in range(self.card["runs"][run]["weights"])]

    def curves(self, run: str, metric: str = "trial_return") -> Tensor:
        """Return a learning curve of every seed, [seeds, L]; where nothing was noted it is NaN."""
        found: list[list[float | None]] = self.card["runs"][run]["curves"][metric]
        return torch.tensor([[float("nan") if value is None else value for value in seed] for seed in found])

    def trials(self, run: str) -> Tensor:
        """Return how many trials had been played at each point of a run's curves, [L]."""
        return torch.tensor(trials_played(self.card["runs"][run]))

    def snapshots(self, run: str) -> tuple[int, ...]:
        """Return the iterations after which the weights of the first seed are there, beside the last."""
        return tuple(self.card["runs"][run]["snapshots"])

    def training(self, run: str) -> TrainingConfig:
        """Return how long the last stage of a run was, for seed 0."""
        return TrainingConfig(**self.card["runs"][run]["config"]["stages"][-1]["training"])

    def table(self, experiment: str) -> Measured:
        """Return the rows of an experiment's table, of the cells that were selected."""
        return Measured([msgspec.convert(row, Row) for row in self.card["rows"] if row["id"] == experiment])


def load(name: str, folder: Path = FOLDER) -> Bundle:
    """Return a bundle.

    Raises:
        CheckpointError: if it is missing, damaged or of another version.
    """
    return Bundle(*model_card.load(folder / name, VERSION))


@cache  # a notebook and its explorables share one
def load_or_train(name: str, folder: Path = FOLDER) -> Bundle:
    """Return a bundle; if it cannot be used, say so in one line and train its runs at smoke scale."""
    try:
        return load(name, folder)
    except CheckpointError as error:
        print(f"{error}. In its place: the same runs, trained for a few seconds, which have learned next to nothing.")
    with tempfile.TemporaryDirectory() as here:
        places = Places(Path(here) / "results", Path(here) / "running")
        _train_shortly(BUNDLES[name], places)
        card, weights = select(name, places.results, "smoke")
    return Bundle(json.loads(card), tensors_from_bytes(weights))


# --------------------------------------------------------------------------------------- selecting


def select(name: str, results: Path, scale: Scale = SCALE) -> tuple[str, bytes]:
    """Return a bundle's card, as text, and its weights, as the content of a safetensors file.

    Args:
        name: of `BUNDLES`.
        results: the folder that is copied from.
        scale: whose runs and tables; of the smoke scale as many seeds as there are.

    Raises:
        CheckpointError: if a run is missing or damaged, or a table has no rows of a cell; the message is one line.
    """
    selection, places = BUNDLES[name], Places(results, results)
    tensors: dict[str, Tensor] = {}
    runs = {}
    for pick in selection.picks:
        run = _run(pick.key, scale)
        found = [finished(run, scale, seed, places) for seed in range(_seeds(pick, scale))]
        cards = [card for card, _ in found]
        for seed, (_, weights) in enumerate(found[: pick.weights]):
            tensors |= {f"{pick.key}/{seed}/{key}": value for key, value in weights.items()}
        for done in run.snapshots:
            _, weights = snapshot(run, scale, done, places)
            tensors |= {f"{pick.key}/0-after{done}/{key}": value for key, value in weights.items()}
        runs[pick.key] = {
            "weights": min(pick.weights, len(found)),
            "snapshots": list(run.snapshots),
            "config": {"stages": [{"training": stage["training"]} for stage in cards[0]["config"]["stages"]]},
            "curves": {
                metric: [card["history"][metric] for card in cards[: pick.num_curves]] for metric in pick.metrics
            },
        }
    content = tensors_to_bytes(tensors)
    card = {
        "version": VERSION,
        "what": selection.what,
        "regenerate": "autograder build",
        "scale": scale,
        "sha256": hashlib.sha256(content).hexdigest(),
        "runs": runs,
        "rows": [row for table in selection.tables for row in _rows(*table, scale, places)],
    }
    return _text(card), content


def _rows(experiment: str, cell: str, scale: Scale, places: Places) -> list[dict[str, Any]]:
    found = rows.read(places.table(experiment, scale)).cell(cell)
    if not found and (scale == SCALE or cell in find(experiment).cells(scale)):
        raise CheckpointError(
            f"{places.table(experiment, scale)}: it has no rows of {cell}; "
            f"`rl2 reproduce {experiment} --scale {scale}` makes them"
        )
    return [dict(msgspec.to_builtins(row)) for row in found]


def _text(card: dict[str, Any]) -> str:
    """A line a field, and in the long ones a line an entry: readable, and a change is seen."""
    lines = []
    for name, value in card.items():
        if isinstance(value, dict):
            parts = [f"  {json.dumps(key)}: {json.dumps(part, ensure_ascii=False)}" for key, part in value.items()]
            lines.append(f" {json.dumps(name)}: {{\n" + ",\n".join(parts) + "\n }")
        elif isinstance(value, list) and value:
            parts = [f"  {json.dumps(part, ensure_ascii=False)}" for part in value]
            lines.append(f" {json.dumps(name)}: [\n" + ",\n".join(parts) + "\n ]")
        else:
            lines.append(f" {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _run(key: str, scale: Scale) -> Run:
    experiment, name = key.split("/")
    return next(run for run in find(experiment).runs(scale) if run.name == name)


def _seeds(pick: Pick, scale: Scale) -> int:
    wanted = max(pick.weights, pick.num_curves)
    return wanted if scale == SCALE else min(wanted, FEW)


def _train_shortly(selection: Selection, places: Places) -> None:
    for pick in selection.picks:
        for seed in range(_seeds(pick, "smoke")):
            train_run(_run(pick.key, "smoke"), "smoke", seed, places, progress=False)
    for name, cell in selection.tables:
        experiment = find(name)
        if cell not in experiment.cells("smoke"):
            continue
        needed = [run for run in experiment.runs("smoke") if cell in run.cells]
        for run in needed:
            for seed in range(FEW):
                if not places.weights(run, "smoke", seed).with_suffix(model_card.CARD).exists():
                    train_run(run, "smoke", seed, places, progress=False)
        measured = experiment.measure(cell, "smoke", TrainedRuns(needed, "smoke", places, FEW))
        table = places.table(name, "smoke")
        rows.write(table, rows.read(table).with_cell(measured, experiment.cells("smoke")))
