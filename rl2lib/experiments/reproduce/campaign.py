"""From a plan to results: train what is missing, measure what is not measured, write what has changed.

Jobs go to this process or to a Dask cluster, training before the measurement that needs it, cells in the plan's order.
A job is named by strings and numbers alone: a worker looks its plan up by itself, and goes on from the checkpoints
that it finds. Only this process writes tables and pages.
"""

from __future__ import annotations

import json
import platform
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

import torch

from rl2lib.cluster import ClusterError, cluster, finished
from rl2lib.evaluation import rows
from rl2lib.evaluation.rows import Measured
from rl2lib.experiments.papers.catalogue import find
from rl2lib.experiments.reproduce.cost import costs
from rl2lib.experiments.reproduce.pages import write_page, write_summary
from rl2lib.experiments.reproduce.plan import Experiment, Run, Scale
from rl2lib.experiments.reproduce.trained import (
    VERSION,
    Places,
    Trained,
    finished,
    forget,
    is_finished,
    num_seeds,
    train_run,
)
from rl2lib.files import write_whole
from rl2lib.tasks.by_id import nearest_hint
from rl2lib.training.checkpoint import CheckpointError
from rl2lib.training.loop import DivergenceError, current_commit, torch_threads

if TYPE_CHECKING:
    from distributed import Client

ALONE = Lock()  # a worker of several threads does one job after the other: they would play in one environment
LIVES = 3  # workers that may die over one job before it is given up; each leaves its checkpoints to the next


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


def reproduce(ids: list[str], order: Order) -> list[str]:
    """Reproduce experiments; return a line for everything that failed, after all else was done.

    Raises:
        UnknownExperiment: an unknown id.
        ReproduceError: an unknown cell, a device that is not there, or results that are damaged or of another version.
        CheckpointError: a finished run that is damaged, or that another plan made.
        ClusterError: no scheduler answers, or it is gone; what was done is kept.
    """
    experiments = [find(name) for name in ids]
    cells = {experiment.id: _cells(experiment, order) for experiment in experiments}
    _check_version(experiments, order.places)
    _check_device(order)
    needed = {
        Measuring(experiment.id, cell): _trainings(experiment, cell, order)
        for experiment in experiments
        for cell in cells[experiment.id]
    }
    if order.fresh:
        _forget(experiments, needed, order)
    # every training once, whichever experiments measure it, and before the first measurement that needs it
    jobs: dict[Job, list[Training]] = {}
    planned: dict[Path, Training] = {}
    for measuring, trainings in needed.items():
        once = [planned.setdefault(_weights(training, order), training) for training in trainings]
        missing = [training for training in once if training in jobs or not _done(training, order)]
        jobs |= {training: [] for training in missing}
        if missing or not _measured(measuring, trainings, order):
            jobs[measuring] = missing
    failed: list[str] = []
    with _journal(len(jobs)) as tell:
        for job, outcome in _carried_out(jobs, order):
            try:
                if isinstance(outcome, Exception):
                    raise outcome
                if isinstance(job, Measuring):
                    _record(find(job.experiment), job.cell, outcome, order)
                    with suppress(Exception):  # what is wrong with a page is told at the end, when it is whole
                        _write_page(find(job.experiment), order)
            except Exception as error:  # one job's failure, or a full disk under its table, must not cost the others
                failed.append(f"{job}: {_said(error)}")
            tell(job, failed)
    for experiment in experiments:
        try:
            _write_page(experiment, order)
        except Exception as error:
            failed.append(f"{experiment.id}: its page: {_said(error)}")
    return failed


def print_plan(ids: list[str], order: Order) -> None:
    """Time a few trials of everything that would be trained; print the cost, and keep it as plan-SCALE.json."""
    found = costs([find(name) for name in ids], order.scale, order.seeds)
    for cost in found:
        print(
            f"{cost.owner:<22}{cost.run:<28}{cost.seeds:>3} seeds{cost.env_steps:>18,} steps{cost.core_hours:>10.2f} h"
        )
    steps, hours = sum(cost.env_steps for cost in found), sum(cost.core_hours for cost in found)
    longest = max(cost.core_hours / cost.seeds for cost in found)
    print(
        f"{steps:,} steps, {hours:,.1f} hours of one core; one run of one seed takes up to {longest:,.1f}, so a "
        f"hundred cores need {max(longest, hours / 100):,.1f}"
    )
    book = {
        "scale": order.scale,
        "machine": machine_class(),
        "commit": current_commit(),
        "env_steps": steps,
        "core_hours": hours,
        "longest_run_hours": longest,
        "runs": [asdict(cost) for cost in found],
    }
    write_whole(order.places.results / f"plan-{order.scale}.json", json.dumps(book, indent=1) + "\n")


def carry_out(job: Job, order: Order, progress: bool | None = None) -> Any:
    """Do one job here, on one thread; return a training's card, or a measurement with its provenance."""
    experiment = find(job.experiment)
    began = time.perf_counter()
    with torch_threads(1):
        if isinstance(job, Training):
            run = _run(experiment, job.run, order.scale)
            # asked again when a worker is lost with the answer: the weights are there all the same
            if is_finished(run, order.scale, job.seed, order.places):
                return finished(run, order.scale, job.seed, order.places)[0]
            return train_run(run, order.scale, job.seed, order.places, device=order.device, progress=progress)
        trained = Trained(experiment, order.scale, order.places, order.seeds)
        measured = experiment.measure(job.cell, order.scale, trained)
    return measured, {
        "commit": current_commit(),
        "seconds": round(time.perf_counter() - began, 1),
        "machine": machine_class(),
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "trained": {
            str(training): _summary(experiment, training, order) for training in _trainings(experiment, job.cell, order)
        },
    }


def machine_class() -> str:
    """Return what kind of machine this is, without naming it."""
    import os

    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    return f"{os.cpu_count()} cores, {name}"


# --------------------------------------------------------------------------------------- what there is to do


def _cells(experiment: Experiment, order: Order) -> tuple[str, ...]:
    cells = experiment.cells(order.scale)
    if order.cell is None:
        return cells
    if order.cell not in cells:
        hint = nearest_hint(order.cell, cells)
        raise ReproduceError(f"{experiment.id} has no cell {order.cell!r} at {order.scale} scale; {hint}")
    return (order.cell,)


def _trainings(experiment: Experiment, cell: str, order: Order) -> list[Training]:
    return [
        Training(experiment.id, run.name, seed)
        for run in experiment.runs(order.scale)
        if cell in run.cells
        for seed in range(num_seeds(run, order.scale, order.seeds))
    ]


def _run(experiment: Experiment, name: str, scale: Scale) -> Run:
    return next(run for run in experiment.runs(scale) if run.name == name)


def _weights(training: Training, order: Order) -> Path:
    run = _run(find(training.experiment), training.run, order.scale)
    return order.places.weights(run, order.scale, training.seed)


def _done(training: Training, order: Order) -> bool:
    run = _run(find(training.experiment), training.run, order.scale)
    return is_finished(run, order.scale, training.seed, order.places)


def _measured(measuring: Measuring, trainings: list[Training], order: Order) -> bool:
    """Whether a cell was measured with the weights that are there now."""
    table = order.places.table(measuring.experiment, order.scale)
    book = _provenance(table) or {"cells": {}}
    if order.fresh or order.remeasure or measuring.cell not in book["cells"] or not table.exists():
        return False
    try:
        there = rows.read(table)
    except ValueError as error:
        raise ReproduceError(str(error)) from error
    if measuring.cell not in {row.cell for row in there.rows} | {point.cell for point in there.points}:
        return False
    experiment = find(measuring.experiment)
    now = {str(training): _summary(experiment, training, order)["sha256"] for training in trainings}
    return now == {name: card["sha256"] for name, card in book["cells"][measuring.cell]["trained"].items()}


def _forget(experiments: list[Experiment], needed: dict[Measuring, list[Training]], order: Order) -> None:
    asked = {experiment.id for experiment in experiments}
    for training in {training for trainings in needed.values() for training in trainings}:
        run = _run(find(training.experiment), training.run, order.scale)
        if run.owner in asked:  # what another experiment owns is its own to forget
            forget(run, order.scale, training.seed, order.places)


def _summary(experiment: Experiment, training: Training, order: Order) -> dict[str, Any]:
    run = _run(experiment, training.run, order.scale)
    card, _ = finished(run, order.scale, training.seed, order.places)
    return {name: card[name] for name in ("sha256", "env_steps", "seconds", "precision", "device", "commit")}


# --------------------------------------------------------------------------------------- how it is done


def _carried_out(jobs: dict[Job, list[Training]], order: Order) -> Iterator[tuple[Job, Any]]:
    """Yield every job with its result, or with the exception that it failed by."""
    if not jobs:
        return
    if order.workers == 1 and not order.scheduler:
        for job in jobs:
            try:
                yield job, carry_out(job, order)
            except Exception as error:
                yield job, error
        return
    with cluster(order.workers, order.scheduler, allowed_failures=LIVES) as client:
        yield from _on_cluster(client, jobs, order)


def _on_cluster(client: Client, jobs: dict[Job, list[Training]], order: Order) -> Iterator[tuple[Job, Any]]:
    from concurrent.futures import CancelledError

    from distributed import as_completed

    futures: dict[Job, Any] = {}
    campaign = uuid4().hex  # a scheduler takes jobs of one key for one job, whoever asks
    for number, (job, needs) in enumerate(jobs.items()):
        waits = [futures[need] for need in needs if need in futures]
        futures[job] = client.submit(
            _after, waits, job, order, key=f"{type(job).__name__} {job} {campaign}", priority=-number, pure=False
        )
    named = {future.key: job for job, future in futures.items()}
    for future in finished(as_completed(futures.values())):
        try:
            outcome = future.result()
        except CancelledError:  # by nobody here: the connection is lost
            raise ClusterError(
                "the Dask scheduler is gone; what was done is kept, and the same command goes on from there"
            ) from None
        except Exception as error:
            outcome = error
        yield named[future.key], outcome
        future.release()


def _after(_: list[Any], job: Job, order: Order) -> Any:
    """What a worker does; the first argument makes it wait for the trainings that a measurement needs."""
    with ALONE:
        return carry_out(job, order, progress=False)


@contextmanager
def _journal(total: int) -> Iterator[Callable[[Job, list[str]], None]]:
    """Show how far everything is, and a line for every job that is done."""
    from tqdm import tqdm

    with tqdm(total=total, unit="job", disable=None) as bar:

        def tell(job: Job, failed: list[str]) -> None:
            bar.write(failed[-1] if failed and failed[-1].startswith(f"{job}: ") else f"done: {job}")
            bar.set_postfix_str(f"{len(failed)} failed" if failed else "", refresh=False)
            bar.update()

        yield tell


# --------------------------------------------------------------------------------------- what comes of it


def _record(experiment: Experiment, cell: str, outcome: tuple[Measured, dict[str, Any]], order: Order) -> None:
    """Put a cell into the experiment's table, then its provenance beside it: a kill between has it measured again."""
    fresh, provenance = outcome
    table = order.places.table(experiment.id, order.scale)
    measured = rows.read(table).with_cell(fresh, experiment.cells(order.scale))
    rows.write(table, measured)
    book = _provenance(table) or {"version": VERSION, "scale": order.scale, "cells": {}}
    book["cells"][cell] = provenance
    write_whole(table.with_suffix(".json"), json.dumps(book, indent=1, ensure_ascii=False) + "\n")


def _write_page(experiment: Experiment, order: Order) -> None:
    table = order.places.table(experiment.id, order.scale)
    book = _provenance(table)
    if book is not None:
        write_page(experiment, order.scale, rows.read(table), book, table)
        write_summary(order.places.results)


def _check_device(order: Order) -> None:
    if order.scheduler:
        return  # it is the workers' device that is meant
    try:
        torch.zeros(1, device=order.device)
    except (RuntimeError, AssertionError) as error:  # torch without CUDA fails by an assertion
        reason = str(error).partition("\n")[0]
        raise ReproduceError(f"nothing can be trained on the device {order.device!r}: {reason}") from None


def _check_version(experiments: list[Experiment], places: Places) -> None:
    for experiment in experiments:
        for path in (places.results / experiment.id).glob("*.json"):
            book = _provenance(path) or {}
            if book.get("version") != VERSION:
                raise ReproduceError(
                    f"{path}: expected results of version {VERSION}, got {book.get('version')}; "
                    "name another folder with --out, or remove this one"
                )


def _provenance(table: Path) -> dict[str, Any] | None:
    path = table.with_suffix(".json")
    try:
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None
    except (ValueError, TypeError) as error:
        raise CheckpointError(f"{path}: it cannot be read ({error})") from error


def _said(error: Exception) -> str:
    """One line of what went wrong, and where, unless the message was written for a reader."""
    said = f"{type(error).__name__}: {error}"
    if isinstance(error, (CheckpointError, DivergenceError, OSError)):
        return said
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if "rl2lib" in Path(frame.filename).parts]
    return f"{said} ({Path(ours[-1].filename).name}, line {ours[-1].lineno})" if ours else said
