"""What grading costs: a fixed part, the stages of a submission, two workers beside one, memory; stock nbgrader's."""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from benchmarks.measure import Benchmark, Figure, Measurement, Settings, median_seconds
from benchmarks.profile import Stopwatch
from benchmarks.report import number, to_json
from rl2lib.files import write_if_changed, write_whole
from rl2lib.training.loop import torch_threads

ROOT = Path(__file__).resolve().parent.parent
FILE = "bench-grader.json"
MIB = 2**20
ROUNDS = 3
COPIES = 2  # of each kind of submission in the efficiency's class: some 40 s of work
CLASS = 200  # results that the client's seconds are shared by
STOCK = (2, 10)  # submissions; the seconds of the second run less the first's are those of eight

FIXED = {
    "00": Figure("grading: fixed cost of a submission without torch", "s", 0.3, lower_is_better=True),
    "03": Figure("grading: fixed cost of a submission with torch", "s", 1.5, lower_is_better=True),
}
STRETCH = Figure("grading: fixed cost of a submission without torch, the stretch", "s", 0.1, lower_is_better=True)
ROOM = Figure("grading: a sandbox's start, once a worker", "s")
WHOLE = {
    number: Figure(f"grading: one {name}, one answer wrong", "s")
    for number, name in (("02", "02_input_embedding"), ("04", "04_reinforce_with_baseline"))
}
EFFICIENCY = Figure("grading: efficiency at two workers", "x", 0.85)
WORKER_MEMORY = Figure("grading: peak memory of a worker", "MiB")
ROOM_MEMORY = Figure("grading: peak memory of its room", "MiB")
BOX_MEMORY = Figure("grading: peak memory of a box, beyond its room's", "MiB")
BESIDE_STOCK = Figure("grading 00: stock nbgrader / ours, a submission", "x")
FIGURES = (
    *FIXED.values(),
    STRETCH,
    ROOM,
    *WHOLE.values(),
    EFFICIENCY,
    WORKER_MEMORY,
    ROOM_MEMORY,
    BOX_MEMORY,
    BESIDE_STOCK,
)

READ, BOX, CELLS, HIDDEN = "reading", "box and set-up cells", "learner's cells", "hidden checks"
VISIBLE, DIAGNOSIS, REST = "visible checks", "diagnosis", "the rest"
KEPT, PAGES, BOOK = "client: journal", "client: results and feedback", "client: gradebook"
STAGES = (READ, BOX, CELLS, HIDDEN, VISIBLE, DIAGNOSIS, REST, KEPT, PAGES, BOOK)


def grader(settings: Settings) -> list[Measurement]:
    """Measure all of it, one thread a process; keep what is more than a figure in results/bench-grader.json."""
    with torch_threads(1):
        room = _room(settings)
        fixed = _fixed(settings)
        client = _client(settings)
        stages = {number: _stages(number, settings, client) for number in WHOLE}
        box_memory = _box_memory()
    pair = _efficiency(settings)
    stock, ours = _stock(settings), fixed["00, blank and right"] + sum(client.values())
    if settings.results is not None:
        kept = {"fixed_seconds": fixed, "room_seconds": room, "stages_seconds": stages, "client_seconds": client}
        kept |= {"efficiency": pair, "box_bytes": box_memory, "stock_seconds": stock, "our_seconds": ours}
        write_whole(settings.results / FILE, to_json(kept))
    measured = [figure.measured(fixed[name], "a blank release, warm worker") for name, figure in FIXED.items()]
    measured.append(STRETCH.measured(fixed["00"], "the same"))
    measured.append(ROOM.measured(room, "bubblewrap, interpreter and everything that set-up cells import"))
    for name, figure in WHOLE.items():
        total = sum(stages[name].values())
        note = ", ".join(f"{stage} {seconds / total:.0%}" for stage, seconds in stages[name].items())
        measured.append(figure.measured(total, note))
    seconds = ", ".join(f"{one:.0f}/{two:.0f}" for one, two in zip(pair["one"], pair["two"], strict=True))
    note = f"{pair['submissions']} submissions of all notebooks, workers warm, T1 / (2 T2), median; T1/T2 {seconds} s"
    measured.append(EFFICIENCY.measured(pair["efficiency"], note))
    measured.append(WORKER_MEMORY.measured(pair["worker_bytes"] / MIB, "resident, after those submissions"))
    measured.append(ROOM_MEMORY.measured(pair["room_bytes"] / MIB, "resident, the imports; boxes share it"))
    measured.append(BOX_MEMORY.measured(box_memory / MIB, "while a right 04 is graded, sampled"))
    note = f"{number(stock)} and {number(ours)} s a submission, blank and right ones in turn, start-up not counted"
    return [*measured, BESIDE_STOCK.measured(stock / ours, note)]


# --------------------------------------------------------------------------------------- one submission


def _notebook(number: str) -> Any:
    from autograder.source import load_course

    return next(item for item in load_course() if item.number == number)


def _data(number: str, *, blank: bool = False, wrong: bool = False) -> bytes:
    """Return a submission's bytes: the blank release, right answers, or these with one that no mutant explains."""
    from autograder.release import to_text
    from autograder.samples import filled, reference_answers

    notebook = _notebook(number)
    answers = {} if blank else reference_answers(notebook)
    if wrong:
        name = next(item.name for item in notebook.exercises if item.answer.source.startswith("def "))
        answers[name] = f"def {name}(*args, **kwargs):\n    return 17.25"
    return to_text(filled(notebook, answers)).encode()


def _grade(data: bytes, number: str) -> Any:
    from autograder.grade import grade_bytes

    return grade_bytes(data, "ada", _notebook(number), seed=1)


def _room(settings: Settings) -> float:
    """Return the seconds from nothing to a first box."""
    from autograder.grade import course_sandbox

    def start() -> None:
        sandbox = course_sandbox.__wrapped__(True)
        sandbox.open().end()
        sandbox.close()

    (seconds,) = median_seconds(start, repeats=1 if settings.quick else ROUNDS, warm_up=not settings.quick)
    return seconds


def _fixed(settings: Settings) -> dict[str, float]:
    """Return seconds of blank releases, and of 00 the mean of a blank and a right one, in turn."""
    cases = {"00": _data("00", blank=True), "03": _data("03", blank=True), "00, right": _data("00")}
    actions = [lambda data=data, name=name[:2]: _grade(data, name) for name, data in cases.items()]
    repeats = 1 if settings.quick else 4 * settings.repeats
    found = dict(zip(cases, median_seconds(*actions, repeats=repeats), strict=True))
    found["00, blank and right"] = (found["00"] + found.pop("00, right")) / 2
    return found


def _stages(number: str, settings: Settings, client: dict[str, float]) -> dict[str, float]:
    """Return a submission's seconds by stage, every moment given to the innermost; medians of several."""
    from autograder import grade

    timed = [
        (grade, "read_submission", READ),
        (grade._Boxes, "open", BOX),
        (grade._Boxes, "close", BOX),
        (grade._Boxes, "_load", CELLS),
        (grade, "run_hidden", HIDDEN),
        (grade, "run_visible", VISIBLE),
        (grade, "diagnose", DIAGNOSIS),
    ]
    data, rounds = _data(number, wrong=True), []
    for _ in range(1 if settings.quick else settings.repeats + 1):
        watch = Stopwatch()
        with contextlib.ExitStack() as stack:
            for target in timed:
                stack.enter_context(watch.on(*target))
            watch.enter(REST)
            _grade(data, number)
            watch.leave()
        rounds.append(watch.seconds)
    found = {stage: statistics.median(seconds[stage] for seconds in rounds[-settings.repeats :]) for stage in STAGES}
    return found | client


def _client(settings: Settings) -> dict[str, float]:
    """Return the client's seconds for one submission: a class's, divided; making a new database is not counted."""
    from autograder.batch import write_results
    from autograder.gradebook import write_gradebook
    from autograder.journal import Journal
    from autograder.result import Result
    from autograder.source import load_course

    course, size = load_course(), 8 if settings.quick else CLASS
    data = _data("02", wrong=True)
    result = _grade(data, "02")
    results = [replace(result, student=f"student{number:04d}") for number in range(size)]
    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder)) as journal:
        url = f"sqlite:///{folder}/gradebook.db"
        write_gradebook([result], course, url)

        def keep() -> None:
            for item in results:
                sha256(data).hexdigest()
                journal.keep(Result.from_json(item.to_json()))

        watch = Stopwatch()
        with watch.on(sys.modules["autograder.batch"], "write_gradebook", BOOK):
            for action, stage in ((keep, KEPT), (lambda: write_results(results, course, Path(folder), url), PAGES)):
                watch.enter(stage)
                action()
                watch.leave()
    return {stage: watch.seconds[stage] / size for stage in (KEPT, PAGES, BOOK)}


def _box_memory() -> float:
    """Return by how many bytes a box outgrew the room that it was forked from, while a right 04 was graded."""
    from autograder.grade import course_sandbox

    course_sandbox(True).open().end()
    room = [*_below(course_sandbox(True)._room._process.pid)]
    done, most = threading.Event(), [0]

    def anonymous(processes: Iterable[int]) -> int:
        return max((_kib(process, "RssAnon:") for process in processes), default=0)

    def watch() -> None:
        while not done.wait(0.02):
            most[0] = max(most[0], anonymous(_below(room[0])))

    before, watcher = anonymous(room), threading.Thread(target=watch)
    watcher.start()
    try:
        _grade(_data("04"), "04")
    finally:
        done.set()
        watcher.join()
    return 1024.0 * max(0, most[0] - before)


# --------------------------------------------------------------------------------------- processes


def _below(process: int) -> Iterator[int]:
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{process}/task"):
            for child in map(int, Path(f"/proc/{process}/task/{task}/children").read_text().split()):
                yield child
                yield from _below(child)


def _kib(process: int, line: str) -> int:
    """Return a line of a process's status; 0 where it is gone."""
    with contextlib.suppress(OSError):
        for text in Path(f"/proc/{process}/status").read_text().splitlines():
            if text.startswith(line):
                return int(text.split()[1])
    return 0


# --------------------------------------------------------------------------------------- two workers


def _efficiency(settings: Settings) -> dict[str, Any]:
    """Grade the same submissions with one worker and with two, in turn, on clusters that are warm."""
    from autograder.samples import sample_students, write_submission
    from autograder.source import load_course
    from autograder.submission import find_jobs
    from rl2lib.cluster import cluster

    course = [_notebook("00")] if settings.quick else load_course()
    times: dict[int, list[float]] = {1: [], 2: []}
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for copy in range(1 if settings.quick else COPIES):
            for notebook in course:
                for student, content, _ in sample_students(notebook, rounds=1):
                    write_submission(folder / "submitted", f"{student} {copy}", notebook, content)
        # The slowest notebook first: what is left at the end of a large class is small beside it.
        jobs = sorted(find_jobs(folder / "submitted", course)[0], key=lambda job: not job.notebook.startswith("04"))
        clients = {count: stack.enter_context(cluster(count)) for count in times}
        for turn in range(1 + (1 if settings.quick else ROUNDS)):
            for count, client in clients.items():
                seconds = _seconds(jobs, course, client, folder / f"{count}-{turn}")
                if turn:  # the first is to warm up
                    times[count].append(seconds)
        workers = list(clients[2].run(os.getpid).values())
        rooms = [process for worker in workers for process in _below(worker)]
        memory = [1024 * max(_kib(one, "VmHWM:") for one in group) for group in (workers, rooms)]
    ratios = [one / (2 * two) for one, two in zip(times[1], times[2], strict=True)]
    return {
        "submissions": len(jobs),
        "one": times[1],
        "two": times[2],
        "efficiency": statistics.median(ratios),
        "worker_bytes": memory[0],
        "room_bytes": memory[1],
    }


def _seconds(jobs: list[Any], course: list[Any], client: Any, out: Path) -> float:
    from autograder.batch import _Batch
    from autograder.journal import Journal
    from autograder.worker import Grader

    client.run(Grader().ready)
    with Journal(out) as journal, open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
        began = time.perf_counter()
        _Batch(jobs, course, journal, Grader()).run(lambda: contextlib.nullcontext(client))
        return time.perf_counter() - began


# --------------------------------------------------------------------------------------- stock nbgrader


def _stock(settings: Settings) -> float:
    """Return the seconds that `nbgrader autograde` spends on one more submission of 00, without our configuration."""
    from autograder.release import nbgrader_source, to_text

    notebook, sizes = _notebook("00"), (1, 2) if settings.quick else STOCK
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")]),
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
    }
    spent = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            course = Path(folder)
            source = course / "source" / notebook.name / f"{notebook.name}.ipynb"
            write_if_changed(source, to_text(nbgrader_source(notebook)))
            for student in range(size):
                path = course / "submitted" / f"student{student}" / notebook.name / f"{notebook.name}.ipynb"
                write_if_changed(path, _data("00", blank=student % 2 == 0).decode())
            for verb in ("generate_assignment", "autograde"):
                began = time.perf_counter()
                command = [sys.executable, "-W", "ignore", "-m", "nbgrader", verb, notebook.name]
                done = subprocess.run(
                    [*command, f"--course-dir={course}"], cwd=course, env=environment, capture_output=True, text=True
                )
                if done.returncode:
                    raise RuntimeError(f"nbgrader {verb}: {done.stderr.strip().splitlines()[-1]}")
            spent.append(time.perf_counter() - began)
    return (spent[1] - spent[0]) / (sizes[1] - sizes[0])


BENCHMARKS = (Benchmark("grader", "what grading costs, beside stock nbgrader", FIGURES, grader),)
