"""Many submissions -> results.jsonl, grades.csv, feedback/ and gradebook.db, one Result a submission."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from autograder.build import write_if_changed
from autograder.feedback import feedback_html, feedback_markdown
from autograder.grade import Result, grade_file, whole_result
from autograder.gradebook import write_gradebook
from autograder.hidden import fresh_seed
from autograder.source import Notebook, load_course
from rl2lib.lab.course import UnknownName

CSV_COLUMNS = ("student", "notebook", "exercise", "points", "max_points", "status", "reason")


@dataclass(frozen=True)
class Job:
    """One submitted file, waiting."""

    path: Path
    student: str
    notebook: str


def find_jobs(folder: Path, course: list[Notebook]) -> list[Job]:
    """List `folder`/<student>/<notebook>/<notebook>.ipynb; a notebook folder without its file is a job too.

    Raises:
        FileNotFoundError: there is no such folder, or nothing in it that could be graded.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: expected a folder of submissions, <student>/<notebook>/<notebook>.ipynb")
    names = {notebook.name for notebook in course}
    jobs = [
        Job(work / f"{work.name}.ipynb", student.name, work.name)
        for student in sorted(folder.iterdir())
        if student.is_dir() and not student.is_symlink()
        for work in sorted(student.iterdir())
        if work.name in names
    ]
    if not jobs:
        raise FileNotFoundError(f"{folder}: no submission of {', '.join(sorted(names))} in it")
    return jobs


def grade_folder(folder: Path, out: Path, workers: int = 1, only: str | None = None) -> list[Result]:
    """Grade every submission below `folder` and write everything below `out`."""
    course = load_course()
    if only is not None:
        course = [item for item in course if only in (item.number, item.number.lstrip("0"), item.slug, item.name)]
        if not course:
            raise UnknownName(f"there is no notebook {only!r}")
    jobs = find_jobs(folder, course)
    results = sorted(_graded(jobs, course, workers), key=lambda result: (result.student, result.notebook))
    write_results(results, course, out)
    return results


def write_results(results: list[Result], course: list[Notebook], out: Path) -> None:
    """Write the four outputs; all derive from the results."""
    lines = [json.dumps(result.as_dict(), ensure_ascii=False) for result in results]
    write_if_changed(out / "results.jsonl", "\n".join(lines) + "\n")
    write_if_changed(out / "grades.csv", grades_csv(results))
    for result in results:
        place = out / "feedback" / result.student / result.notebook
        write_if_changed(place.with_suffix(".html"), feedback_html(result))
        write_if_changed(place.with_suffix(".md"), feedback_markdown(result))
    write_gradebook(results, course, f"sqlite:///{(out / 'gradebook.db').resolve()}")


def grades_csv(results: list[Result]) -> str:
    """Return one row an exercise; text that a spreadsheet would take for a formula is quoted."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for result in results:
        for item in result.exercises:
            row = (result.student, result.notebook, item.name, item.points, item.max_points, item.status, item.reason)
            writer.writerow([_harmless(value) for value in row])
    return buffer.getvalue()


def _harmless(value: object) -> object:
    text = " ".join(str(value).split()) if isinstance(value, str) else value
    return f"'{text}" if isinstance(text, str) and text[:1] in ("=", "+", "-", "@") else text


def _graded(jobs: list[Job], course: list[Notebook], workers: int) -> Iterator[Result]:
    from tqdm import tqdm

    by_name = {notebook.name: notebook for notebook in course}
    bar = tqdm(total=len(jobs), desc="grading", unit="notebook", disable=None)
    # A worker runs no student code itself; should one die all the same, its jobs are named, not lost.
    with bar, ProcessPoolExecutor(max_workers=workers, mp_context=get_context("spawn"), initializer=_calm) as pool:
        waiting = {pool.submit(grade_file, job.path, job.student, by_name[job.notebook]): job for job in jobs}
        for future in as_completed(waiting):
            job = waiting[future]
            try:
                result = future.result()
            except BrokenProcessPool:
                reason = "the grading process ended unexpectedly; grade this one again"
                result = whole_result(job.student, by_name[job.notebook], fresh_seed(), "ungradable", reason)
            except Exception as error:  # a fault of ours must cost one submission, not the batch
                reason = f"the grader failed on it ({type(error).__name__}: {str(error)[:200]})"
                result = whole_result(job.student, by_name[job.notebook], fresh_seed(), "ungradable", reason)
            bar.update()
            yield result


def _calm() -> None:
    import torch

    torch.set_num_threads(1)
