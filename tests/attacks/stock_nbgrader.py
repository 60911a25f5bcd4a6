"""The corpus once against stock nbgrader: python tests/attacks/stock_nbgrader.py writes the table in docs/.

nbgrader runs without our configuration, in a jail of bubblewrap's: no network, everything read-only but one folder, so
that no attack reaches this machine. A jail a submission, and an honest submission beside it, to be graded after it.
Bombs that the jail does not hold (memory, processes, threads, disk), and attacks that aim at our box and no other
grader, are left out. Attacks that fit any exercise are handed in for notebook 00, whose checks are the cheapest.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import autograder.grade as grading  # noqa: E402
from autograder.release import nbgrader_source, to_text  # noqa: E402
from autograder.samples import filled, reference_answers, write_submission  # noqa: E402
from rl2lib.files import write_whole  # noqa: E402

from attacks.corpus import GROUPS  # noqa: E402
from attacks.entry import COURSE, Attack, Handed, handed  # noqa: E402

NOTEBOOK = COURSE["00"]
EXERCISE = NOTEBOOK.exercises[0].name
EARLY, EVE, HONEST = "abe", "eve", "zoe"  # graded in this order; the first and the last hand in a right answer
CELL_SECONDS, RUN_SECONDS = 10, 100
WORD = "canary5f2c"
TABLE = ROOT / "docs" / "attacks_on_stock_nbgrader.md"
RECORD = ROOT / "results" / "attacks_on_stock_nbgrader.json"


@dataclass(frozen=True)
class Row:
    """What became of one attack."""

    group: str
    name: str
    tries: str
    ours: str
    stock: str

    def line(self) -> str:
        """Return it as a row of the table; what went wrong stands out."""
        no_notebook = "ungradable" in self.ours and self.stock == "ungraded"
        mark = "" if self.stock == "right" or no_notebook else "**"
        return f"| {self.name} | {self.tries} | {self.ours} | {mark}{self.stock}{mark} |"


def attacks() -> list[tuple[str, Attack]]:
    """Return the attacks that may be tried on stock nbgrader, moved to notebook 00."""
    found = []
    for group, members in GROUPS.items():
        for attack in members:
            elsewhere = attack.on and attack.notebook != NOTEBOOK.number
            if attack.stock and not elsewhere:
                found.append((group, replace(attack, notebook=NOTEBOOK.number)))
    return found


# --------------------------------------------------------------------------------------- stock nbgrader


def prepare(folder: Path) -> None:
    """Build the course once, as stock nbgrader builds it: source, release, gradebook."""
    source = nbgrader_source(NOTEBOOK)
    source.cells = [cell for cell in source.cells if "nbgrader" in cell.metadata]
    for cell in source.cells:
        cell.source = cell.source.replace("### BEGIN SOLUTION\n", f"### BEGIN SOLUTION\n    # {WORD}\n")
    path = folder / "source" / NOTEBOOK.name / f"{NOTEBOOK.name}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(to_text(source))
    ended = jailed(folder, "generate_assignment", NOTEBOOK.name)
    if not (folder / "release").is_dir():
        raise SystemExit(f"stock nbgrader did not start: {ended}")
    right = reference_answers(NOTEBOOK)[EXERCISE].replace("trial_returns =", f"# {WORD}\n    trial_returns =")
    content = filled(NOTEBOOK, {EXERCISE: right})
    content.cells = [cell for cell in content.cells if "nbgrader" in cell.metadata]
    write_submission(folder / "submitted", EARLY, NOTEBOOK, content)
    said = jailed(folder, "autograde", NOTEBOOK.name)
    if scores(folder) != {EARLY: float(NOTEBOOK.points)}:
        raise SystemExit(f"stock nbgrader does not grade a right answer: {said}")
    write_submission(folder / "submitted", HONEST, NOTEBOOK, content)


def jailed(folder: Path, *command: str) -> str:
    """Run nbgrader in a jail in which only `folder` can be written; return what it said, or that it did not end."""
    hidden = [Path("/tmp"), Path.home(), Path("/work")]
    needed = [path for path in (Path(sys.prefix), Path(sys.base_prefix), ROOT) if {*path.parents} & {*hidden}]
    jail = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--ro-bind", "/", "/", "--proc", "/proc"]
    jail += ["--dev", "/dev", *(option for path in hidden if path.is_dir() for option in ("--tmpfs", path))]
    jail += [*(option for path in needed for option in ("--ro-bind", path, path))]
    jail += ["--bind", folder, "/mnt", "--chdir", "/mnt"]
    python = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "nbgrader",
        *command,
        "--ExecutePreprocessor.timeout",
        str(CELL_SECONDS),
    ]
    environment = {
        "PATH": os.pathsep.join([os.path.dirname(sys.executable), "/usr/bin", "/bin"]),
        "PYTHONPATH": str(ROOT),
        "HOME": "/tmp",
        "MPLBACKEND": "agg",
        "RL2_PROGRESS": "off",
        "OMP_NUM_THREADS": "1",
        "RL2_SECRET": WORD,
    }
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [*map(str, jail), "--", *python],
            env=environment,
            stdout=said,
            stderr=said,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            process.wait(RUN_SECONDS)
            ended = ""
        except subprocess.TimeoutExpired:
            ended = "did not end"
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        said.seek(0)
        return ended + said.read()[-3000:].decode(errors="replace")


def scores(folder: Path) -> dict[str, float | None]:
    """Return student -> score of the exercise as it stands in nbgrader's gradebook, None where nothing was graded."""
    query = """select student.id, grade.auto_score from grade
        join submitted_notebook on grade.notebook_id = submitted_notebook.id
        join submitted_assignment on submitted_notebook.assignment_id = submitted_assignment.id
        join student on submitted_assignment.student_id = student.id"""
    try:
        with sqlite3.connect(folder / "gradebook.db") as book:
            return dict(book.execute(query).fetchall())
    except sqlite3.Error:
        return {}


def stock(template: Path, item: Handed, folder: Path) -> str:
    """Hand the attack in, let stock nbgrader grade it and the honest one, and say in words what came of it."""
    shutil.copytree(template, folder)
    honest = folder / "submitted" / HONEST / NOTEBOOK.name / f"{NOTEBOOK.name}.ipynb"
    before = honest.read_bytes()
    item.write(folder / "submitted", EVE, slim=True)
    said = jailed(folder, "autograde", NOTEBOOK.name)
    found = scores(folder)
    full = float(NOTEBOOK.points)
    words = []
    if honest.read_bytes() != before:
        words.append("damaged: another's submission")
    for honest_one in (EARLY, HONEST):
        if found.get(honest_one, full) not in (None, full):
            words.append(f"damaged: another's score, {found[honest_one]:g} of {full:g}")
    if found.get(HONEST) is None and not words:
        words.append("ended the batch" + (", which hung" if said.startswith("did not end") else ""))
    graded = list((folder / "autograded" / EVE).rglob("*.ipynb")) if (folder / "autograded" / EVE).is_dir() else []
    if any(leaks(path) for path in graded):
        words.append("leaked")
    statuses = item.expected[EXERCISE]
    deserved = {full if status == "passed" else 0.0 for status in statuses}
    if "ungradable" in statuses and item.attacks[0].answer is None:
        deserved = {0.0, full}  # whoever does run it finds right answers in it
    score = found.get(EVE)
    if score is None:
        words.append("ungraded")
    elif score not in deserved:
        words.append(f"wrong points: {score:g} of {full:g}")
    return "; ".join(words) or "right"


def leaks(path: Path) -> bool:
    """Tell whether what cells printed or raised holds the word that was planted."""
    try:
        cells = json.loads(path.read_text())["cells"]
    except (ValueError, KeyError, OSError):
        return False
    shown = json.dumps([cell.get("outputs") for cell in cells])
    return any(mark in shown for mark in (WORD, "Hidden checks of notebook", "root:x:0:0", f"('{EARLY}',)"))


# --------------------------------------------------------------------------------------- ours, and the table


def ours(item: Handed, folder: Path) -> str:
    """Grade the same submission with our grader and say what came of it."""
    grading.CALL_SECONDS = item.seconds
    path = item.write(folder, EVE, slim=True)
    (exercise,) = grading.grade_file(path, EVE, NOTEBOOK).exercises
    if exercise.status not in item.expected[EXERCISE]:
        return f"wrong: {exercise.status}"
    return f"right: {exercise.status.replace('_', ' ')}, {exercise.points:g} of {exercise.max_points:g}"


def table(rows: list[Row], skipped: int) -> str:
    """Return the page."""
    import nbgrader

    counts: dict[str, int] = {}
    for row in rows:
        for word in row.stock.split("; "):
            kind = word.partition(":")[0].partition(",")[0]
            counts[kind] = counts.get(kind, 0) + 1
    summary = ", ".join(f"{number} {kind}" for kind, number in sorted(counts.items(), key=lambda pair: -pair[1]))
    good = sum(row.ours.startswith("right") for row in rows)
    lines = [
        "# The attack corpus on stock nbgrader, and on this grader",
        "",
        f"Written by `python tests/attacks/stock_nbgrader.py`; nbgrader {nbgrader.__version__} without our configuration, in a",
        "jail. Every submission is graded together with an honest one that comes after it.",
        "",
        f"Of {len(rows)} attacks, ours: {good} right. Stock nbgrader: {summary} (one attack may do several).",
        f"Left out: {skipped} attacks that the jail would not hold, or that aim at our box, at another notebook, or at both.",
        "",
        "*Right* means the points that the answer deserves. *Ungraded*: no score, and no word to the student; where ours says",
        "*ungradable* it gives no points either, and the reason. *Leaked*: what must not be read stands in the outputs of the",
        "graded notebook, which are the student's feedback. *Damaged*: another student's file or score was changed. *Ended the",
        "batch*: the honest submission was not graded any more. Bold: not what should have been.",
    ]
    group = ""
    for row in rows:
        if row.group != group:
            group = row.group
            lines += [
                "",
                f"## {group.replace('_', ' ').capitalize()}",
                "",
                "| attack | tries | ours | stock nbgrader |",
                "|---|---|---|---|",
            ]
        lines.append(row.line())
    return "\n".join(lines) + "\n"


def main() -> None:
    """Try every attack on both and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="a part of the names of the attacks to try; the others stay as recorded")
    only = parser.parse_args().only
    chosen = [(group, attack) for group, attack in attacks() if only is None or only in attack.name]
    known = {row["name"]: Row(**row) for row in json.loads(RECORD.read_text())} if only is not None else {}
    with tempfile.TemporaryDirectory(prefix="stock-nbgrader-") as name:
        root = Path(name)
        prepare(root / "template")
        for group, attack in chosen:
            began, item = time.monotonic(), handed(attack)
            result = stock(root / "template", item, root / "stock" / attack.name)
            shutil.rmtree(root / "stock")
            row = Row(group, attack.name, attack.tries, ours(item, root / "ours" / attack.name), result)
            known[attack.name] = row
            print(f"{time.monotonic() - began:5.1f} s  {row.line()}", flush=True)
    rows = [known[attack.name] for _, attack in attacks() if attack.name in known]
    write_whole(RECORD, json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    write_whole(TABLE, table(rows, sum(map(len, GROUPS.values())) - len(rows)))


if __name__ == "__main__":
    main()
