"""Many submissions, graded by a Dask cluster -> journal.jsonl, and all other outputs from that.

The client, this process, takes files' bytes, hands them out, checks what comes back, and alone writes. The workers,
here or on other machines, get bytes and return bytes.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from autograder.box.sandbox import SandboxMissing
from autograder.feedback import feedback_html, feedback_markdown
from autograder.grade import ungradable
from autograder.gradebook import write_gradebook
from autograder.hidden import fresh_seed
from autograder.journal import BatchError, Journal
from autograder.result import Key, Result, ResultError
from autograder.shown_text import csv_table
from autograder.source import Notebook, find_notebook, load_course, load_release
from autograder.submission import TWIN, Job, Ungradable, find_jobs, take_file
from autograder.worker import VERSIONS, Grader, GraderFault
from rl2lib.cluster import ClusterError, cluster, finished
from rl2lib.files import write_if_changed

if TYPE_CHECKING:
    from distributed import Client

CSV_COLUMNS = ("student", "notebook", "exercise", "points", "max_points", "status", "reason")
# Enough that no worker waits for the client, and few enough that 100,000 submissions never lie in its memory.
IN_FLIGHT = 4
MAX_LINES = 20


@dataclass(frozen=True)
class Task:
    """A job with its file's bytes and the seed of its hidden inputs: the same ones should a worker die over it."""

    job: Job
    data: bytes
    seed: int


# --------------------------------------------------------------------------------------- the batch


def grade_folder(
    folder: Path,
    out: Path,
    workers: int = 1,
    only: str | None = None,
    *,
    scheduler: str = "",
    gradebook: str = "",
    fresh: bool = False,
    grader: Grader | None = None,
) -> list[Result]:
    """Grade every submission below `folder` that `out`/journal.jsonl does not hold yet, and write everything below it.

    Args:
        folder: the submissions.
        out: where everything goes; open to one process at a time.
        workers: processes that grade side by side on this machine.
        only: a notebook's number or name.
        scheduler: the address of a Dask cluster that grades instead of this machine.
        gradebook: the URL of nbgrader's database; "" for one below `out`.
        fresh: grade everything anew; the old journal is kept beside the new one.
        grader: what the workers do; None to lock student code away.

    Returns:
        The results of what `folder` holds now, by student and notebook.

    Raises:
        BatchError: it was stopped, or `out` or the cluster is not to be had; what was graded is kept.
        FileNotFoundError: there is nothing to grade.
        SourceError: a released notebook is missing or old.
        UnknownName: there is no notebook `only`.
    """
    course = load_course()
    names = [notebook.name for notebook in course]
    if only is not None:
        course = [find_notebook(only)]
    for notebook in course:
        load_release(notebook)
    jobs, left_out = find_jobs(folder, course, names)
    with Journal(out, fresh) as journal:
        results = _Batch(jobs, course, journal, grader or Grader()).run(lambda: cluster(workers, scheduler))
        write_if_changed(out / "left_out.txt", "".join(f"{line}\n" for line in left_out))
        for line in left_out[:MAX_LINES]:
            print(f"left out: {line}", file=sys.stderr)
        if len(left_out) > MAX_LINES:
            print(f"left out: {len(left_out) - MAX_LINES} more, all in {out}/left_out.txt", file=sys.stderr)
        write_results(results, course, out, gradebook)
    return results


class _Batch:
    """Brings every job to a result: from the journal, or by way of a worker."""

    def __init__(self, jobs: list[Job], course: list[Notebook], journal: Journal, grader: Grader):
        self._jobs = jobs
        self._notebooks = {notebook.name: notebook for notebook in course}
        self._journal = journal
        self._grader = grader
        self._results: list[Result] = []
        self._outcomes: Counter[str] = Counter()

    def run(self, cluster: Callable[[], contextlib.AbstractContextManager[Client]]) -> list[Result]:
        """Return all results, sorted; no cluster is started when all are known.

        Raises:
            BatchError: it was stopped.
        """
        from tqdm import tqdm

        with tqdm(total=len(self._jobs), desc="grading", unit="notebook", disable=None) as self._bar:
            try:
                tasks = self._unknown()
                for first in tasks:
                    with cluster() as client:
                        self._make_ready(client)
                        suspects = self._pass(client, itertools.chain([first], tasks), IN_FLIGHT)
                        self._pass(client, iter(suspects), 0)
            except KeyboardInterrupt:
                raise BatchError(f"stopped; {self._kept()}", 130) from None
            except ClusterError as error:
                raise BatchError(str(error)) from None
            except (CancelledError, OSError):  # the connection's: take_file and Journal name their own
                raise BatchError(f"the Dask scheduler is gone; {self._kept()}") from None
        return sorted(self._results, key=lambda result: (result.student, result.notebook))

    def _kept(self) -> str:
        done = f"{len(self._results)} of {len(self._jobs)} submissions are graded and kept in {self._journal.path}"
        return f"{done}; the same command goes on from there"

    def _unknown(self) -> Iterator[Task]:
        """Yield what a worker must grade, one by one as it is asked for; settle the rest on the way."""
        for job in self._jobs:
            try:
                data = take_file(job.path)
            except Ungradable as error:
                reason = "; ".join([str(error), *(flag for flag in job.flags if flag != TWIN)])
                self._settle(job, ungradable(job.student, self._notebooks[job.notebook], reason))
                continue
            known = self._journal.find(Key(job.student, job.notebook, sha256(data).hexdigest(), *VERSIONS))
            if known is not None and (known.isolation != "none" or not self._grader.sandboxed):
                self._settle(job, known)
            else:
                yield Task(job, data, fresh_seed())

    def _make_ready(self, client: Client) -> None:
        """Have every worker that is there make ready.

        Raises:
            BatchError: one cannot, or is of another version.
        """
        client.wait_for_workers(1)
        for address, told in client.run(self._grader.ready, on_error="return").items():
            if isinstance(told, SandboxMissing):
                words = "--unsafe-no-sandbox grades without, and says so in every result"
                raise BatchError(f"student code cannot be locked away on {address}: {told}; {words}")
            if isinstance(told, Exception) and not isinstance(told, OSError):  # an OSError: it has died meanwhile
                raise BatchError(f"the worker {address} cannot grade: {type(told).__name__}: {told}")
            if isinstance(told, tuple) and told != VERSIONS:
                has, needs = (f"autograder {grader} and course {course}" for grader, course in (told, VERSIONS))
                raise BatchError(f"the worker {address} has {has}, expected {needs}")

    def _pass(self, client: Client, tasks: Iterator[Task], in_flight: int) -> list[Task]:
        """Grade all tasks, `in_flight` a worker at a time, or one alone where it is 0; return those to try alone.

        When a worker dies, Dask suspects every task that it was given. Tried alone, a task answers for itself.
        """
        from distributed import KilledWorker, as_completed

        flying: dict[Any, Task] = {}
        arrived = as_completed()
        suspects = []

        def fill() -> None:
            room = max(1, in_flight * len(client.nthreads())) - len(flying)
            for task in itertools.islice(tasks, max(0, room)):
                # The bytes go by way of the scheduler, which has them still when a worker is lost.
                arguments = (task.data, task.job.student, task.job.notebook, task.seed)
                future = client.submit(self._grader.grade, *arguments, pure=False)
                flying[future.key] = task
                arrived.add(future)

        fill()
        for future in finished(arrived):
            task = flying.pop(future.key)
            try:
                self._settle(task.job, self._checked(task, future.result()))
            except KilledWorker:
                if in_flight:
                    suspects.append(task)
                else:
                    self._refuse(task, "its grading ended the grading process, each time")
            except ResultError as error:
                self._refuse(task, f"the worker's answer was refused ({error})")
            except GraderFault as error:
                self._refuse(task, str(error))
            except (BatchError, CancelledError):
                raise
            except Exception as error:
                self._refuse(task, f"the worker could not run the grader ({type(error).__name__})")
            fill()
        return suspects

    def _checked(self, task: Task, payload: bytes) -> Result:
        """Read a worker's answer.

        Raises:
            ResultError: it is none, or one to something else.
        """
        result = Result.from_json(payload)
        notebook = self._notebooks[task.job.notebook]
        asked = Key(task.job.student, notebook.name, sha256(task.data).hexdigest(), *VERSIONS)
        for name, expected, got in zip(Key._fields, asked, result.key, strict=True):
            if got != expected:
                raise ResultError(f"{name}: expected {expected}, got {got}")
        worth = [(item.name, float(item.points)) for item in notebook.exercises]
        if [(item.name, item.max_points) for item in result.exercises] != worth:
            raise ResultError(f"exercises: expected those of {notebook.name} with their points")
        if result.seed != (task.seed if result.isolation else 0):
            raise ResultError("seed: expected the one that was sent")
        return result

    def _refuse(self, task: Task, reason: str) -> None:
        """Settle what no worker graded; as no file's hash is kept with it, the next run tries again."""
        notebook, reason = self._notebooks[task.job.notebook], f"{reason}; tell your instructor"
        self._settle(task.job, ungradable(task.job.student, notebook, reason))

    def _settle(self, job: Job, result: Result) -> None:
        self._journal.keep(result)
        self._results.append(replace(result, flags=result.flags + job.flags))
        self._outcomes.update(item.status for item in result.exercises)
        self._bar.set_postfix(self._outcomes, refresh=False)
        self._bar.update()


# --------------------------------------------------------------------------------------- what comes of it


def write_results(results: list[Result], course: list[Notebook], out: Path, gradebook: str = "") -> None:
    """Write the four outputs, each whole or not at all; all derive from the results.

    Raises:
        BatchError: the gradebook is not to be had; the other three are written.
    """
    from sqlalchemy.exc import SQLAlchemyError

    write_if_changed(out / "results.jsonl", "".join(f"{result.to_json().decode()}\n" for result in results))
    write_if_changed(out / "grades.csv", grades_csv(results))
    for result in results:
        place = out / "feedback" / result.student / result.notebook
        write_if_changed(place.with_suffix(".html"), feedback_html(result))
        write_if_changed(place.with_suffix(".md"), feedback_markdown(result))
    try:
        write_gradebook(results, course, gradebook or f"sqlite:///{(out / 'gradebook.db').resolve()}")
    except (SQLAlchemyError, ImportError) as error:  # no such database, no right to it, no driver for it
        words = f"the gradebook cannot be written ({type(error).__name__}: {str(error).splitlines()[0]})"
        raise BatchError(f"{words}; everything else is in {out}, and the same command tries again") from None


def grades_csv(results: list[Result]) -> str:
    """Return one row an exercise."""
    return csv_table(
        CSV_COLUMNS,
        (
            (result.student, result.notebook, item.name, item.points, item.max_points, item.status, item.reason)
            for result in results
            for item in result.exercises
        ),
    )
