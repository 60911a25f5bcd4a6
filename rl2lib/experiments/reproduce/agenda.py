"""What there is to do: an order, the jobs that it comes to, and everything asked for planned once.

A job is named by strings and numbers alone, so that it can go to another machine, which makes its own plan of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from rl2lib.experiments.plan import Experiment, Run, Scale
from rl2lib.experiments.reproduce.ledger import Ledger
from rl2lib.experiments.reproduce.places import Places
from rl2lib.experiments.reproduce.trained import TrainedRuns, finished_card, forget, num_seeds
from rl2lib.tasks.by_id import nearest_hint


class ReproduceError(RuntimeError):
    """Something stands in the way of reproducing an experiment; the message says what, and what to do."""


@dataclass(frozen=True)
class Order:
    """What to reproduce, and how.

    Attributes:
        places: where results and unfinished runs lie.
        scale: how much of it.
        cell: only this one; None: all.
        seeds: of every run; None: the plan's own number.
        device: what networks are trained on; measuring is done on the CPU.
        workers: processes of this machine; 1 is this one.
        scheduler: a Dask cluster's address, which is asked instead.
        fresh: forget what is there.
        remeasure: measure again what was measured with the same weights before.
    """

    places: Places
    scale: Scale = "laptop"
    cell: str | None = None
    seeds: int | None = None
    device: str = "cpu"
    workers: int = 1
    scheduler: str = ""
    fresh: bool = False
    remeasure: bool = False


class Training(NamedTuple):
    """A job: train one run of one seed."""

    experiment: str
    run: str
    seed: int

    def __str__(self) -> str:
        return f"{self.experiment}: {self.run}, seed {self.seed}"


class Measuring(NamedTuple):
    """A job: play everybody of one cell."""

    experiment: str
    cell: str

    def __str__(self) -> str:
        return f"{self.experiment}: {self.cell}"


Job = Training | Measuring


class Agenda:
    """What an order asks for: each experiment is asked once for its runs, and each card is read once.

    Args:
        experiments: in the order in which they are done.
        order: which cells, at which scale.

    Raises:
        ReproduceError: if one has no such cell.
    """

    def __init__(self, experiments: Sequence[Experiment], order: Order) -> None:
        self.order = order
        self.experiments = {experiment.id: experiment for experiment in experiments}
        self.cells = {experiment.id: experiment.cells(order.scale) for experiment in experiments}
        self.runs = {
            experiment.id: {run.name: run for run in experiment.runs(order.scale)} for experiment in experiments
        }
        self.measurings = [
            Measuring(experiment.id, cell) for experiment in experiments for cell in self._asked(experiment.id)
        ]
        self._cards: dict[Path, dict[str, Any] | None] = {}

    def _asked(self, experiment: str) -> tuple[str, ...]:
        cell, cells = self.order.cell, self.cells[experiment]
        if cell is None:
            return cells
        if cell not in cells:
            hint = nearest_hint(cell, cells)
            raise ReproduceError(f"{experiment} has no cell {cell!r} at {self.order.scale} scale; {hint}")
        return (cell,)

    def run(self, training: Training) -> Run:
        """Return the run that is trained."""
        return self.runs[training.experiment][training.run]

    def trainings(self, measuring: Measuring) -> list[Training]:
        """Return what a cell's measurement needs."""
        return [
            Training(measuring.experiment, run.name, seed)
            for run in self.runs[measuring.experiment].values()
            if measuring.cell in run.cells
            for seed in range(num_seeds(run, self.order.scale, self.order.seeds))
        ]

    def trained(self, experiment: str) -> TrainedRuns:
        """Return an experiment's finished runs, to be played."""
        return TrainedRuns(self.runs[experiment].values(), self.order.scale, self.order.places, self.order.seeds)

    def card(self, training: Training) -> dict[str, Any] | None:
        """Return a finished training's card; None if there is none.

        Raises:
            CheckpointError: if it is damaged, or was made by another plan.
        """
        place = self._weights(training)
        if place not in self._cards:
            order = self.order
            self._cards[place] = finished_card(self.run(training), order.scale, training.seed, order.places)
        return self._cards[place]

    def forget(self) -> None:
        """Remove what the order's cells need, but for what belongs to an experiment that is not asked for."""
        for training in {training for measuring in self.measurings for training in self.trainings(measuring)}:
            run = self.run(training)
            if run.owner in self.experiments:
                forget(run, self.order.scale, training.seed, self.order.places)

    def jobs(self, ledger: Ledger) -> dict[Job, list[Training]]:
        """Return what is not done yet, each job with the trainings that it waits for.

        Every training is there once, whichever experiments measure it, before the first measurement that needs it.

        Args:
            ledger: of what has been measured.

        Raises:
            CheckpointError: if a finished run is damaged, or was made by another plan.
            ReproduceError: if a table is damaged.
        """
        jobs: dict[Job, list[Training]] = {}
        planned: dict[Path, Training] = {}
        for measuring in self.measurings:
            needed = self.trainings(measuring)
            once = [planned.setdefault(self._weights(training), training) for training in needed]
            missing = [training for training in once if training in jobs or self.card(training) is None]
            jobs |= {training: [] for training in missing}
            if missing or not self._measured(measuring, needed, ledger):
                jobs[measuring] = missing
        return jobs

    def _weights(self, training: Training) -> Path:
        return self.order.places.weights(self.run(training), self.order.scale, training.seed)

    def _measured(self, measuring: Measuring, trainings: list[Training], ledger: Ledger) -> bool:
        """Whether a cell was measured with the weights that are there now."""
        order, experiment = self.order, measuring.experiment
        book = ledger.provenance(experiment, order.scale) or {"cells": {}}
        whole = order.places.table(experiment, order.scale).exists()  # points alone are half of what was measured
        if order.fresh or order.remeasure or measuring.cell not in book["cells"] or not whole:
            return False
        try:
            there = ledger.measured(experiment, order.scale)
        except ValueError as error:
            raise ReproduceError(str(error)) from error
        if measuring.cell not in {row.cell for row in there.rows} | {point.cell for point in there.points}:
            return False
        now = {str(training): (self.card(training) or {}).get("sha256") for training in trainings}
        return now == {name: card["sha256"] for name, card in book["cells"][measuring.cell]["trained"].items()}
