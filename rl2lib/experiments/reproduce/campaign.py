"""From an agenda to results: train what is missing, measure what is not measured, write what has changed.

Jobs go to this process or to a Dask cluster, training before the measurement that needs it, cells in the plan's order.
A worker is sent a job's name and goes on from the checkpoints that it finds. Only this process writes tables and pages.
"""

from __future__ import annotations

import json
import platform
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import torch

from rl2lib.cluster import ClusterError, cluster, finished
from rl2lib.experiments.plan import Experiment
from rl2lib.experiments.reproduce.agenda import Agenda, Job, Measuring, Order, ReproduceError, Training
from rl2lib.experiments.reproduce.cost import costs
from rl2lib.experiments.reproduce.ledger import Ledger
from rl2lib.experiments.reproduce.pages import write_page, write_summary
from rl2lib.experiments.reproduce.places import VERSION
from rl2lib.experiments.reproduce.trained import train_run
from rl2lib.files import write_whole
from rl2lib.training.checkpoint import CheckpointError
from rl2lib.training.loop import DivergenceError, current_commit, torch_threads

if TYPE_CHECKING:
    from distributed import Client

ALONE = Lock()  # a worker of several threads does one job after the other: they would play in one environment
LIVES = 3  # workers that may die over one job before it is given up; each leaves its checkpoints to the next

Catalogue = Callable[[], Mapping[str, Experiment]]
"""A module's function, which a worker is sent by its name: returns every experiment that there is, by its id."""


def reproduce(experiments: Sequence[Experiment], order: Order, catalogue: Catalogue) -> list[str]:
    """Reproduce experiments; return a line for everything that failed, after all else was done.

    Args:
        experiments: which ones.
        order: how much of them, and how.
        catalogue: of all experiments: for the page that shows them side by side, and for workers.

    Raises:
        ReproduceError: an unknown cell, a device that is not there, or results that are damaged or of another version.
        CheckpointError: a finished run that is damaged, or that another plan made.
        ClusterError: no scheduler answers, or it is gone; what was done is kept.
    """
    agenda, ledger = Agenda(experiments, order), Ledger(order.places)
    _check_versions(experiments, ledger)
    _check_device(order)
    if order.fresh:
        agenda.forget()
    jobs = agenda.jobs(ledger)
    failed: list[str] = []
    with _journal(len(jobs)) as tell:
        for job, outcome in _carried_out(jobs, agenda, catalogue):
            try:
                if isinstance(outcome, Exception):
                    raise outcome
                if isinstance(job, Measuring):
                    ledger.record(job.experiment, order.scale, job.cell, outcome, agenda.cells[job.experiment])
                    with suppress(Exception):  # what is wrong with a page is told at the end, when it is whole
                        _write_page(job.experiment, agenda, ledger, catalogue)
            except Exception as error:  # one job's failure, or a full disk under its table, must not cost the others
                failed.append(f"{job}: {_said(error)}")
            tell(job, failed)
    for experiment in agenda.experiments:
        try:
            _write_page(experiment, agenda, ledger, catalogue)
        except Exception as error:
            failed.append(f"{experiment}: its page: {_said(error)}")
    return failed


def print_plan(experiments: Sequence[Experiment], order: Order) -> None:
    """Time a few trials of everything that would be trained; print the cost, and keep it as plan-SCALE.json."""
    found = costs(experiments, order.scale, order.seeds)
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


def carry_out(job: Job, agenda: Agenda, progress: bool | None = None) -> Any:
    """Do one job here, on one thread; return a training's card, or a measurement with its provenance."""
    order = agenda.order
    began = time.perf_counter()
    with torch_threads(1):
        if isinstance(job, Training):
            # asked again when a worker is lost with the answer: the weights are there all the same
            if card := agenda.card(job):
                return card
            return train_run(
                agenda.run(job), order.scale, job.seed, order.places, device=order.device, progress=progress
            )
        trained = agenda.trained(job.experiment)
        measured = agenda.experiments[job.experiment].measure(job.cell, order.scale, trained)
    return measured, {
        "commit": current_commit(),
        "seconds": round(time.perf_counter() - began, 1),
        "machine": machine_class(),
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "trained": {
            str(training): {name: trained.cards(training.run)[training.seed][name] for name in TOLD_OF_A_CARD}
            for training in agenda.trainings(job)
        },
    }


TOLD_OF_A_CARD = ("sha256", "env_steps", "seconds", "precision", "device", "commit")


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


# --------------------------------------------------------------------------------------- how it is done


def _carried_out(jobs: dict[Job, list[Training]], agenda: Agenda, catalogue: Catalogue) -> Iterator[tuple[Job, Any]]:
    """Yield every job with its result, or with the exception that it failed by."""
    if not jobs:
        return
    order = agenda.order
    if order.workers == 1 and not order.scheduler:
        for job in jobs:
            try:
                yield job, carry_out(job, agenda)
            except Exception as error:
                yield job, error
        return
    with cluster(order.workers, order.scheduler, allowed_failures=LIVES) as client:
        yield from _on_cluster(client, jobs, order, catalogue)


def _on_cluster(
    client: Client, jobs: dict[Job, list[Training]], order: Order, catalogue: Catalogue
) -> Iterator[tuple[Job, Any]]:
    from concurrent.futures import CancelledError

    from distributed import as_completed

    futures: dict[Job, Any] = {}
    campaign = uuid4().hex  # a scheduler takes jobs of one key for one job, whoever asks
    for number, (job, needs) in enumerate(jobs.items()):
        waits = [futures[need] for need in needs if need in futures]
        futures[job] = client.submit(
            _after,
            waits,
            job,
            order,
            catalogue,
            key=f"{type(job).__name__} {job} {campaign}",
            priority=-number,
            pure=False,
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


def _after(_: list[Any], job: Job, order: Order, catalogue: Catalogue) -> Any:
    """What a worker does; the first argument makes it wait for the trainings that a measurement needs."""
    with ALONE:
        return carry_out(job, Agenda([catalogue()[job.experiment]], order), progress=False)


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


def _write_page(experiment: str, agenda: Agenda, ledger: Ledger, catalogue: Catalogue) -> None:
    scale, runs = agenda.order.scale, agenda.runs[experiment].values()
    book = ledger.provenance(experiment, scale)
    if book is not None:
        measured, table = ledger.measured(experiment, scale), ledger.places.table(experiment, scale)
        write_page(agenda.experiments[experiment], runs, scale, measured, book, table)
        write_summary(catalogue().values(), ledger)


def _check_device(order: Order) -> None:
    if order.scheduler:
        return  # it is the workers' device that is meant
    try:
        torch.zeros(1, device=order.device)
    except (RuntimeError, AssertionError) as error:  # torch without CUDA fails by an assertion
        reason = str(error).partition("\n")[0]
        raise ReproduceError(f"nothing can be trained on the device {order.device!r}: {reason}") from None


def _check_versions(experiments: Sequence[Experiment], ledger: Ledger) -> None:
    for experiment in experiments:
        for path, version in ledger.versions(experiment.id).items():
            if version != VERSION:
                command = f"rl2 reproduce {experiment.id} --scale {path.stem} --out FOLDER"
                raise ReproduceError(
                    f"{path}: expected results of version {VERSION}, got {version}; "
                    f"`{command}` makes them again elsewhere"
                )


def _said(error: Exception) -> str:
    """One line of what went wrong, and where, unless the message was written for a reader."""
    said = f"{type(error).__name__}: {error}"
    if isinstance(error, (CheckpointError, DivergenceError, OSError)):
        return said
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if "rl2lib" in Path(frame.filename).parts]
    return f"{said} ({Path(ours[-1].filename).name}, line {ours[-1].lineno})" if ours else said
