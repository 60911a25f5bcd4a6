"""A class of a thousand, one submission in twenty hostile, graded while workers are killed: who gets what they deserve?

`make grade-1000` makes the class below work/, grades it with `autograder grade --workers 2`, kills a worker at two
drawn moments, looks at everything that came out, and writes results/class_of_1000.json and .md. Killed itself, the same
command goes on.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autograder.release import to_text
from autograder.result import Result
from autograder.samples import sample_students
from autograder.source import load_course
from benchmarks.machine import examine
from benchmarks.report import markdown, to_json
from rl2lib.files import write_whole

ROOT = Path(__file__).resolve().parent.parent
SEED = 1000
HOSTILE = 0.05
KILLS, RUNS, WORKERS = 2, 4, 2
SLOW = 6  # attacks that take a call's whole limit, 10 s each
RARE = {"03": 0.5, "04": 0.2}  # their checks take seconds
POLL_SECONDS = 0.2
NAME = "class_of_1000"


@dataclass(frozen=True)
class Submission:
    """One line of expected.json: what a submission is, and exercise -> how it may end."""

    student: str
    notebook: str
    kind: str
    expected: Mapping[str, Sequence[str]]

    @property
    def hostile(self) -> bool:
        """Whether it attacks the grader."""
        return self.kind.startswith("attack: ")


# --------------------------------------------------------------------------------------- the class


def make_class(folder: Path, size: int, seed: int) -> list[Submission]:
    """Write `size` submissions below `folder`/submitted, the same for the same seed; return what they deserve."""
    kept = folder / "expected.json"
    if kept.exists():
        found = json.loads(kept.read_text())
        if (found["size"], found["seed"]) == (size, seed):
            return [Submission(**entry) for entry in found["submissions"]]
    shutil.rmtree(folder, ignore_errors=True)
    rng = np.random.default_rng(seed)
    hostile = _attacks(rng, round(size * HOSTILE))
    honest = _honest(rng, size - len(hostile))
    made = []
    for number, item in enumerate(rng.permutation(size)):
        student = f"student{number:04d}"
        if item < len(hostile):
            attack = hostile[item]
            attack.write(folder / "submitted", student)
            expected = {name: sorted(statuses) for name, statuses in attack.expected.items()}
            made.append(Submission(student, attack.notebook.name, f"attack: {attack.name}", expected))
        else:
            notebook, kind, text, passes = honest[item - len(hostile)]
            place = folder / "submitted" / student / notebook / f"{notebook}.ipynb"
            place.parent.mkdir(parents=True)
            place.write_text(text)
            made.append(Submission(student, notebook, kind, passes))
    kept_lines = [vars(item) for item in made]
    write_whole(kept, to_json({"size": size, "seed": seed, "submissions": kept_lines}))
    return made


def _attacks(rng: np.random.Generator, count: int) -> list[Any]:
    """Draw attacks from the corpus in tests/attacks, few of those that take their time."""
    sys.path.append(str(ROOT / "tests"))
    from attacks.corpus import GROUPS
    from attacks.entry import handed

    attacks = [attack for group in GROUPS.values() for attack in group]
    slow = [attack for attack in attacks if attack.seconds < 10.0]
    quick = [attack for attack in attacks if attack.seconds >= 10.0]
    few = min(SLOW, count // 5)
    drawn = [slow[i] for i in rng.permutation(len(slow))[:few]]
    drawn += [quick[i] for i in rng.permutation(len(quick))[: count - few]]
    drawn += [quick[i] for i in rng.integers(len(quick), size=count - len(drawn))]  # a class larger than the corpus
    return [handed(attack) for attack in drawn]


def _honest(rng: np.random.Generator, count: int) -> list[tuple[str, str, str, dict[str, list[str]]]]:
    """Draw (notebook, kind, text, exercise -> how it may end): right, half done, wrong, otherwise right, and blank."""
    course = load_course()
    share = np.array([RARE.get(notebook.number, 1.0) for notebook in course])
    wanted = Counter(int(i) for i in rng.choice(len(course), size=count, p=share / share.sum()))
    made = []
    for index, notebook in enumerate(course):
        kinds = _kinds(notebook.number)
        for _ in range(wanted[index]):
            kind = str(rng.choice(list(kinds)))
            text, passes = kinds[kind][int(rng.integers(len(kinds[kind])))]
            made.append((notebook.name, kind, text, passes))
    return [made[i] for i in rng.permutation(len(made))]


@functools.cache
def _kinds(number: str) -> dict[str, list[tuple[str, dict[str, list[str]]]]]:
    notebook = next(item for item in load_course() if item.number == number)
    kinds: dict[str, list[tuple[str, dict[str, list[str]]]]] = {}
    for student, content, passes in sample_students(notebook):
        kind = student.rstrip("0123456789").rstrip("-")
        unearned = ["not_attempted"] if kind in ("blank", "half-done") else ["failed", "error", "timeout"]
        ends = {name: ["passed"] if right else unearned for name, right in passes.items()}
        kinds.setdefault(kind, []).append((to_text(content), ends))
    return kinds


# --------------------------------------------------------------------------------------- grading it


def grade_class(folder: Path, size: int, seed: int) -> dict[str, Any]:
    """Run the command until nothing is left to do, killing a worker when the journal reaches each drawn length."""
    state = folder / "state.json"
    told = json.loads(state.read_text()) if state.exists() else {"kills": [], "runs": []}
    moments = sorted(int(i) for i in np.random.default_rng(seed + 1).integers(size // 10, size * 9 // 10, size=KILLS))
    while len(told["runs"]) < RUNS and not _finished(folder, size):
        began, length = time.monotonic(), _length(folder)
        exit_status = _run(folder, moments, told, seed)
        entry = {"from": length, "to": _length(folder), "exit_status": exit_status}
        told["runs"].append(entry | {"seconds": round(time.monotonic() - began, 1)})
        write_whole(state, to_json(told))
        if entry["from"] == entry["to"] and exit_status:
            break  # it cannot even begin: log.txt says why
    return told


def _run(folder: Path, moments: list[int], told: dict[str, Any], seed: int) -> int:
    """Run the command once; note in `told` what was killed, and which of its processes outlived it."""
    temporary = folder / "temporary"
    temporary.mkdir(exist_ok=True)
    command = [sys.executable, "-W", "ignore", "-m", "autograder.cli", "grade", str(folder / "submitted")]
    environment = {**os.environ, "TMPDIR": str(temporary), "OMP_NUM_THREADS": "1"}
    rng = np.random.default_rng([seed, len(told["runs"])])
    seen: set[tuple[int, str]] = set()
    with open(folder / "log.txt", "ab") as log:
        client = subprocess.Popen(
            [*command, "--out", str(folder / "out"), "--workers", str(WORKERS)],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
        )
        try:
            while client.poll() is None:
                family = list(descendants(client.pid))
                seen.update((process, _started(process)) for process in family)
                workers = [process for process in _children(client.pid) if "spawn_main" in _command(process)]
                length, next_kill = _length(folder), len(told["kills"])
                if next_kill < len(moments) and length >= moments[next_kill] and len(workers) == WORKERS:
                    victim = workers[int(rng.integers(len(workers)))]
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(victim, signal.SIGKILL)
                        told["kills"].append({"after_results": length})
                        write_whole(folder / "state.json", to_json(told))
                time.sleep(POLL_SECONDS)
        finally:
            if client.poll() is None:
                client.terminate()
                client.wait()
    time.sleep(1.0)  # what dies with its parent may take a moment
    told["processes_left"] = sum(bool(began) and _started(process) == began for process, began in seen)
    told["files_left"] = sorted(str(path.relative_to(temporary)) for path in _left(temporary))
    return client.returncode


def _left(temporary: Path) -> Iterator[Path]:
    """Yield what a run leaves; not Dask's locks and torch's cache, which are the same few for all runs."""
    for path in temporary.iterdir():
        if path.name == "dask-scratch-space":
            yield from (inner for inner in path.iterdir() if inner.suffix != ".lock")
        elif not path.name.startswith("torchinductor_"):
            yield path


def _length(folder: Path) -> int:
    path = folder / "out" / "journal.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def _finished(folder: Path, size: int) -> bool:
    path = folder / "out" / "results.jsonl"
    if not path.exists():
        return False
    results = [Result.from_json(line) for line in path.read_bytes().splitlines()]
    return len(results) == size and not any(
        "tell your instructor" in item.reason for r in results for item in r.exercises
    )


def descendants(process: int) -> Iterator[int]:
    """Yield the processes below one."""
    for child in _children(process):
        yield child
        yield from descendants(child)


def _children(process: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{process}/task"):
            found += map(int, Path(f"/proc/{process}/task/{task}/children").read_text().split())
    return found


def _started(process: int) -> str:
    """Return when a process was started, "" if it is gone: numbers are given again."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def _command(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_text()
    except OSError:
        return ""


# --------------------------------------------------------------------------------------- looking at it


def judge(submissions: Sequence[Submission], results: Sequence[Result], journal: Sequence[bytes]) -> list[str]:
    """Return what is wrong, one line each: a result too few or too many, a point unearned or lost, a reason missing."""
    worth = {item.name: float(item.points) for notebook in load_course() for item in notebook.exercises}
    wrong = [f"{len(results)} results, expected {len(submissions)}"] * (len(results) != len(submissions))
    lines = Counter((one.student, one.notebook) for one in map(Result.from_json, journal))
    wrong += [f"{student}/{notebook}: {count} lines" for (student, notebook), count in lines.items() if count != 1]
    found = {(one.student, one.notebook): one for one in results}
    for item in submissions:
        result, where = found.get((item.student, item.notebook)), f"{item.student} ({item.kind})"
        if result is None or (item.student, item.notebook) not in lines:
            wrong.append(f"{where}: no result")
            continue
        if [one.name for one in result.exercises] != list(item.expected):
            wrong.append(f"{where}: exercises {[one.name for one in result.exercises]}")
            continue
        for one in result.exercises:
            deserves = item.expected[one.name]
            if one.status not in deserves:
                wrong.append(f"{where}: {one.name}: {one.status}, expected {' or '.join(deserves)}: {one.reason[:200]}")
            if one.points != (worth[one.name] if "passed" in deserves and one.status == "passed" else 0.0):
                wrong.append(f"{where}: {one.name}: {one.points} points for {one.status}")
            if one.status != "passed" and not one.reason:
                wrong.append(f"{where}: {one.name}: {one.status} without a reason")
    return wrong


def judge_outputs(results: Sequence[Result], out: Path) -> list[str]:
    """Return where the gradebook and the feedback differ from the results."""
    from nbgrader.api import Gradebook, SubmittedAssignment

    with Gradebook(f"sqlite:///{out / 'gradebook.db'}") as book:
        scores = {(one.student_id, one.name): one.score for one in book.db.query(SubmittedAssignment)}
    wrong = ["the gradebook's scores are not the results'"]
    wrong *= scores != {(one.student, one.notebook): one.points for one in results}
    for kind in ("html", "md"):
        pages = {(path.parent.name, path.stem) for path in (out / "feedback").rglob(f"*.{kind}")}
        if pages != {(one.student, one.notebook) for one in results}:
            wrong.append(f"feedback: {len(pages)} {kind} pages")
    return wrong


def record(
    submissions: Sequence[Submission], results: Sequence[Result], told: dict[str, Any], wrong: list[str], note: str
) -> dict[str, Any]:
    """Return what is kept of a run."""
    machine = examine(quick=True)
    seconds = sum(run["seconds"] for run in told["runs"])
    hostile = {(item.student, item.notebook) for item in submissions if item.hostile}
    ends: dict[str, Counter[str]] = {"honest": Counter(), "hostile": Counter()}
    for one in results:
        group = "hostile" if (one.student, one.notebook) in hostile else "honest"
        ends[group].update(item.status for item in one.exercises)
    return {
        "submissions": len(submissions),
        "results": len(results),
        "hostile": len(hostile),
        "kinds": dict(sorted(Counter("attack" if item.hostile else item.kind for item in submissions).items())),
        "exercises": {group: dict(sorted(counts.items())) for group, counts in ends.items()},
        "workers": WORKERS,
        "kills": told["kills"],
        "runs": told["runs"],
        "seconds": round(seconds, 1),
        "submissions_per_second": round(len(results) / seconds, 2) if seconds else None,
        "processes_left": told.get("processes_left", 0),
        "files_left": told.get("files_left", []),
        "wrong": wrong,
        "machine": f"{machine.lines()[0]}, Python {platform.python_version()}",
        "note": note,
        "seed": SEED,
        "attacks": sorted(item.kind.removeprefix("attack: ") for item in submissions if item.hostile),
    }


def page(found: dict[str, Any]) -> str:
    """Return the record as Markdown."""
    kills = ", ".join(f"after {kill['after_results']:,} results" for kill in found["kills"]) or "none"
    rows = [
        (
            "results",
            f"{found['results']:,} for {found['submissions']:,} submissions, {found['hostile']} of them hostile",
        ),
        ("wrong", f"{len(found['wrong'])}" + "".join(f"; {line}" for line in found["wrong"][:20])),
        ("workers killed (SIGKILL)", kills),
        ("runs of the command", str(len(found["runs"]))),
        (
            "time",
            f"{found['seconds']:,} s, {found['submissions_per_second']} submissions/s, {found['workers']} workers",
        ),
        ("processes left", str(found["processes_left"])),
        ("files left in the temporary folder", ", ".join(found["files_left"]) or "none"),
        ("machine", found["machine"]),
        *([("note", found["note"])] if found["note"] else []),
    ]
    statuses = sorted({status for counts in found["exercises"].values() for status in counts})
    ends = [(s, *(f"{found['exercises'][group].get(s, 0):,}" for group in ("honest", "hostile"))) for s in statuses]
    kinds = [(kind, f"{count:,}") for kind, count in found["kinds"].items()]
    return (
        "# A class of a thousand\n\n"
        "Written by `make grade-1000` (`benchmarks/class_of_1000.py`): every honest submission must get exactly the\n"
        "points it deserves, every hostile one no point it did not earn and a reason, each one result, whatever is\n"
        "killed meanwhile.\n\n"
        + markdown([("what", "found"), *rows])
        + "\n\nHow exercises ended:\n\n"
        + markdown([("status", "in honest submissions", "in hostile ones"), *ends])
        + "\n\nSubmissions:\n\n"
        + markdown([("kind", "submissions"), *kinds])
        + "\n\nThe attacks: "
        + ", ".join(f"`{name}`" for name in found["attacks"])
        + ".\n"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return 0 if nothing is wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.class_of_1000", description=__doc__)
    parser.add_argument("--size", type=int, default=1000, help="another class: its results are printed, not kept")
    parser.add_argument("--folder", type=Path, default=ROOT / "work" / NAME, help="where the class is made and graded")
    parser.add_argument("--fresh", action="store_true", help="begin anew where a class was graded already")
    parser.add_argument("--note", default="", help="a word on the machine, for the record")
    options = parser.parse_args(arguments)
    folder = options.folder.resolve()
    if options.fresh:
        shutil.rmtree(folder, ignore_errors=True)
    submissions = make_class(folder, options.size, SEED)
    told = grade_class(folder, options.size, SEED)
    out = folder / "out"
    lines = (out / "journal.jsonl").read_bytes().splitlines()
    results = [Result.from_json(line) for line in (out / "results.jsonl").read_bytes().splitlines()]
    wrong = judge(submissions, results, lines) + judge_outputs(results, out)
    wrong += [f"{told['processes_left']} processes outlived the command"] * bool(told["processes_left"])
    wrong += [f"left in the temporary folder: {', '.join(told['files_left'])}"] * bool(told["files_left"])
    wrong += [f"{len(told['kills'])} workers killed, expected {KILLS}"] * (len(told["kills"]) != KILLS)
    found = record(submissions, results, told, wrong, options.note)
    text = page(found)
    print(text)
    if options.size == 1000:
        write_whole(ROOT / "results" / f"{NAME}.json", to_json(found))
        write_whole(ROOT / "results" / f"{NAME}.md", text)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
