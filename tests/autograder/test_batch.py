"""A batch of submissions on a Dask cluster: whoever dies, nothing is lost, nothing is done twice, and the rest goes on.

Grading itself is not the subject here: a submission's bytes say what its grading does, sleep, lie or die.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import dask
import pytest
from distributed import LocalCluster
from msgspec.structs import replace

from autograder import batch, journal, worker
from autograder.batch import grade_folder
from autograder.box.sandbox import SandboxMissing
from autograder.journal import BatchError, Journal
from autograder.result import ExerciseResult, Result
from autograder.source import SourceError, load_course
from autograder.worker import VERSIONS, Grader, GraderFault

ROOT = Path(__file__).resolve().parent.parent.parent
NOTEBOOK = next(item for item in load_course() if item.number == "00")
NAME = NOTEBOOK.name
PASSED = tuple(
    ExerciseResult(item.name, float(item.points), float(item.points), "passed", "") for item in NOTEBOOK.exercises
)


@dataclass(frozen=True)
class Scripted(Grader):
    """Grades by doing what a submission says, and leaves a mark in `marks` each time it begins."""

    marks: str = ""
    problem: Exception | None = None
    versions: tuple[str, str] = VERSIONS

    def ready(self):
        if self.problem:
            raise self.problem
        return self.versions

    def grade(self, data, student, notebook, seed):
        with open(Path(self.marks) / student, "a") as mark:
            mark.write(f"{seed}\n")
        word, _, rest = data.decode().partition(" ")
        if word == "sleep":
            time.sleep(float(rest))
        if word == "die" and (not rest or (Path(self.marks) / student).read_text().count("\n") <= int(rest)):
            os.kill(os.getpid(), signal.SIGKILL)
        if word == "raise":
            raise ValueError("expected 42")
        right = Result(
            student, notebook, VERSIONS[1], sha256(data).hexdigest(), VERSIONS[0], seed, PASSED, (), "none at all"
        )
        return LIES[rest](right) if word == "lie" else right.to_json()


LIES = {
    "student": lambda right: replace(right, student="ada").to_json(),
    "notebook": lambda right: replace(right, notebook="01_tasks_and_trials").to_json(),
    "file": lambda right: replace(right, submission_sha256="0" * 64).to_json(),
    "version": lambda right: replace(right, grader_version="9.9").to_json(),
    "seed": lambda right: replace(right, seed=1).to_json(),
    "exercise": lambda right: replace(right, exercises=(replace(PASSED[0], name="another"),)).to_json(),
    "more": lambda right: replace(right, exercises=(replace(PASSED[0], points=99.0, max_points=99.0),)).to_json(),
    "above": lambda right: replace(right, exercises=(replace(PASSED[0], points=99.0),)).to_json(),
    "none": lambda right: replace(right, exercises=()).to_json(),
    "noise": lambda right: b"\x80\x04\x95",
    "object": lambda right: right,
}


@pytest.fixture(scope="module")
def cluster():
    """Two workers, whose tasks are suspect the first time that one dies."""
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as found,
    ):
        yield found.scheduler_address


class Class:
    """A folder of submissions, the marks of their gradings, and their results."""

    def __init__(self, folder, scheduler=""):
        self.folder, self.out, self.marks = folder / "submitted", folder / "out", folder / "marks"
        self.marks.mkdir()
        self.scheduler = scheduler

    def submit(self, **scripts):
        for student, script in scripts.items():
            path = self.folder / student / NAME / f"{NAME}.ipynb"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(script)

    def grade(self, **options):
        grader = Scripted(marks=str(self.marks), **options.pop("grader", {}))
        found = grade_folder(self.folder, self.out, scheduler=self.scheduler, grader=grader, **options)
        return {result.student: result for result in found}

    def journal(self):
        return [Result.from_json(line) for line in (self.out / "journal.jsonl").read_bytes().splitlines()]

    def gradings(self):
        return Counter({path.name: path.read_text().count("\n") for path in self.marks.iterdir()})


@pytest.fixture(autouse=True)
def gradebook(monkeypatch, request):
    """nbgrader's database takes seconds to make and is another test's subject."""
    if "gradebook" not in request.node.name:
        monkeypatch.setattr(batch, "write_gradebook", lambda results, course, url: None)


@pytest.fixture
def lessons(tmp_path, cluster):
    return Class(tmp_path, cluster)


# --------------------------------------------------------------------------------------- workers


@pytest.mark.slow
def test_workers_that_die_lie_and_fail_cost_nobody_else_anything(lessons):
    good = {f"good{number:02d}": "sleep 0.02" for number in range(20)}
    lies = {f"lie-{name}": f"lie {name}" for name in LIES}
    lessons.submit(**good, **lies, killer="die", unlucky="die 1", fault="raise")
    results = lessons.grade()
    assert set(results) == {*good, *lies, "killer", "unlucky", "fault"}
    for student, result in results.items():
        (item,) = result.exercises
        if student in good or student == "unlucky":
            assert (item.status, item.points) == ("passed", item.max_points), student
        else:
            assert (item.status, item.points) == ("ungradable", 0.0), student
    reasons = {student: result.exercises[0].reason for student, result in results.items()}
    assert "ended the grading process, each time" in reasons["killer"]
    assert "(ValueError)" in reasons["fault"] and "42" not in reasons["fault"]
    for name, words in {
        "student": "student: expected",
        "file": "submission_sha256",
        "version": "grader_version",
    }.items():
        assert words in reasons[f"lie-{name}"]
    assert all("refused" in reasons[lie] for lie in lies)
    gradings = lessons.gradings()
    assert gradings["killer"] == gradings["unlucky"] == 2
    assert set(Path(lessons.marks, "unlucky").read_text().split()) == {str(results["unlucky"].seed)}, "one seed, kept"
    assert Counter(result.student for result in lessons.journal()) == Counter(list(results))

    before = {path: path.read_bytes() for path in lessons.out.rglob("*") if path.is_file()}
    lessons.submit(killer="sleep 0")
    again = lessons.grade()
    assert again.pop("killer").points == 1.0
    assert again == {student: result for student, result in results.items() if student != "killer"}
    gradings.subtract(lessons.gradings())
    assert {student for student, count in gradings.items() if count} == {*lies, "fault", "killer"}, "only what failed"
    lines = (lessons.out / "journal.jsonl").read_bytes()
    assert lines.startswith(before[lessons.out / "journal.jsonl"]) and lines.count(b"\n") == len(results) + 1


@pytest.mark.slow
def test_graded_twice_nothing_is_done_twice(lessons):
    lessons.submit(ada="sleep 0", bob="sleep 0.0", eve="{")
    (lessons.folder / "missing" / NAME).mkdir(parents=True)
    first = lessons.grade()
    assert "no file" in first["missing"].exercises[0].reason and first["missing"].seed == 0
    files = {path: path.stat().st_mtime_ns for path in lessons.out.rglob("*") if path.is_file()}
    lessons.scheduler = "tcp://127.0.0.1:1"  # nobody is asked
    assert lessons.grade() == first
    assert files == {path: path.stat().st_mtime_ns for path in files}
    assert set(lessons.gradings().values()) == {1} and len(lessons.journal()) == 4


def test_a_new_file_a_new_version_and_fresh_are_graded_anew(lessons):
    lessons.submit(ada="sleep 0", bob="sleep 0")
    lessons.grade()
    lessons.submit(ada="sleep 0.01")
    newer = lessons.grade()["ada"]
    assert newer.submission_sha256 == sha256(b"sleep 0.01").hexdigest() and lessons.gradings() == {"ada": 2, "bob": 1}
    lessons.submit(ada="sleep 0")
    older = lessons.grade()["ada"]
    assert lessons.gradings() == {"ada": 2, "bob": 1} and older.submission_sha256 != newer.submission_sha256
    assert json.loads((lessons.out / "results.jsonl").read_text().splitlines()[0])["seed"] == older.seed
    lessons.grade(fresh=True)
    assert lessons.gradings() == {"ada": 3, "bob": 2}
    assert len(lessons.journal()) == 2 and (lessons.out / "journal-1.jsonl").read_bytes().count(b"\n") == 3


def test_what_was_graded_without_a_sandbox_is_graded_again_in_one(lessons):
    lessons.submit(ada="sleep 0")
    lessons.grade()
    lines = (lessons.out / "journal.jsonl").read_bytes().replace(b'"none at all"', b'"none"')
    (lessons.out / "journal.jsonl").write_bytes(lines)
    lessons.grade(grader={"sandboxed": False})
    assert lessons.gradings() == {"ada": 1}
    lessons.grade()
    assert lessons.gradings() == {"ada": 2}


def test_few_submissions_lie_in_memory_at_once(lessons, monkeypatch):
    taken, settled, most = [], [], 0

    def counted(path):
        nonlocal most
        taken.append(path)
        most = max(most, len(taken) - len(settled))
        return path.read_bytes()

    monkeypatch.setattr(batch, "take_file", counted)
    monkeypatch.setattr(Journal, "keep", lambda self, result: settled.append(result))
    lessons.submit(**{f"s{number:02d}": "sleep 0" for number in range(40)})
    lessons.grade()
    assert len(settled) == 40 and most <= 2 * batch.IN_FLIGHT


def test_a_worker_that_cannot_grade_is_named_before_any_grading(lessons):
    lessons.submit(ada="sleep 0")
    for grader, words in (
        ({"versions": ("0.0", "9")}, "has autograder 0.0 and course 9, expected"),
        ({"problem": SandboxMissing("no bubblewrap")}, "no bubblewrap; --unsafe-no-sandbox grades without"),
        ({"problem": ImportError("no torch")}, "cannot grade: ImportError: no torch"),
    ):
        with pytest.raises(BatchError, match=words):
            lessons.grade(grader=grader)
    assert lessons.journal() == [] and not lessons.gradings()


# --------------------------------------------------------------------------------------- names


def test_an_old_release_is_said_before_any_grading(tmp_path, monkeypatch):
    def old(notebook):
        raise SourceError(notebook.release, 1, "run `make build`")

    monkeypatch.setattr(batch, "load_release", old)
    monkeypatch.setattr(worker, "load_release", old)
    lessons = Class(tmp_path)
    lessons.submit(ada="pass")
    with pytest.raises(SourceError, match=f"notebooks/{NAME}.ipynb:1: run `make build`"):
        lessons.grade()
    assert not lessons.out.exists()
    with pytest.raises(GraderFault, match="run `make build`"):  # a worker has files of its own
        Grader().ready()


def test_no_name_gets_out_of_the_output_folder_or_into_markup(lessons, capsys):
    names = ["=HYPERLINK(1)", "<img src=x onerror=alert(1)>", "[red]rich", "Żółć, Anna", "-rf", "{{ 7 * 7 }}", "%2e%2e"]
    lessons.submit(**dict.fromkeys([*names, "a\nb", ".dot", "a\\..\\b", "n" * 150], "sleep 0"))
    (lessons.folder / "ada" / "98_nothing").mkdir(parents=True)
    results = lessons.grade()
    assert set(results) == set(names)
    told = capsys.readouterr().err
    assert told.count("left out: ") == 5 and "there is no notebook" in told and "'a\\nb': a student's name" in told
    assert (lessons.out / "left_out.txt").read_text().count("\n") == 5
    everything = {path.relative_to(lessons.out).parts for path in lessons.out.rglob("*.html")}
    assert everything == {("feedback", name, f"{NAME}.html") for name in names}
    assert set(os.listdir(lessons.out.parent)) == {"submitted", "out", "marks"}
    page = (lessons.out / "feedback" / names[1] / f"{NAME}.html").read_text()
    assert "<img" not in page and "&lt;img" in page
    assert "\n'=HYPERLINK(1)," in (lessons.out / "grades.csv").read_text()


# --------------------------------------------------------------------------------------- clients and schedulers


PROGRAM = """
import sys
from tests.autograder.test_batch import Scripted, batch, worker
if __name__ == "__main__":
    from autograder import cli
    marks = sys.argv.pop()
    worker.Grader = lambda sandboxed: Scripted(sandboxed, marks)
    batch.write_gradebook = lambda results, course, url: None
    cli.run()
"""


@contextmanager
def client(lessons):
    """Run `autograder grade` with a cluster of its own, in a process group of its own."""
    program = lessons.marks.parent / "program.py"
    program.write_text(PROGRAM)
    command = [
        sys.executable,
        str(program),
        "grade",
        str(lessons.folder),
        "--out",
        str(lessons.out),
        str(lessons.marks),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    options = {"cwd": ROOT, "env": environment, "start_new_session": True, "text": True}
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)
    try:
        deadline = time.monotonic() + 600  # a hang ends some time; a busy machine takes its time
        path = lessons.out / "journal.jsonl"
        while not path.exists() or path.read_bytes().count(b"\n") < 3:
            assert running.poll() is None and time.monotonic() < deadline, running.communicate()
            time.sleep(0.02)
        yield running
    finally:
        running.kill()
        running.wait()


COUNT = 120  # more than can be graded while the test looks away


@pytest.mark.slow
def test_a_killed_client_and_an_interrupted_one_go_on_where_they_stopped(tmp_path, cluster, interruptible):
    lessons = Class(tmp_path)
    students = {f"s{number:03d}": "sleep 0.1" for number in range(COUNT)}
    lessons.submit(**students)
    with client(lessons) as killed:
        with pytest.raises(BatchError, match="another `autograder grade` writes there"):
            lessons.grade()
        killed.kill()
        killed.wait()
    held = lessons.journal()
    assert 3 <= len(held) < COUNT
    with client(lessons) as interrupted:
        while len(lessons.journal()) < len(held) + 3:
            time.sleep(0.02)
        os.killpg(interrupted.pid, signal.SIGINT)
        _, told = interrupted.communicate(timeout=60)
    assert interrupted.returncode == 130
    assert told.startswith("autograder: stopped; ") and told.count("\n") == 1, told
    assert (
        f"of {COUNT} submissions are graded and kept in {lessons.out}/journal.jsonl; the same command goes on" in told
    )
    assert lessons.journal()[: len(held)] == held and len(lessons.journal()) < COUNT
    with open(lessons.out / "journal.jsonl", "ab") as file:
        file.write(held[0].to_json()[:-40])  # as if it had died while it wrote
    lessons.scheduler = cluster
    results = lessons.grade()
    assert set(results) == set(students) and {result.points for result in results.values()} == {1.0}
    lines = (lessons.out / "journal.jsonl").read_bytes().splitlines()
    assert (
        len(lines) == COUNT + 1 and len({Result.from_json(line).key for line in lines if line.endswith(b"}")}) == COUNT
    )
    assert all(results[result.student] == result for result in held)
    assert sum(lessons.gradings().values()) <= COUNT + 2 * batch.IN_FLIGHT, "what was under way at the two stops"


CLUSTER = """
import sys, time
from distributed import LocalCluster, Security
if __name__ == "__main__":
    security = Security(require_encryption=True) if sys.argv[1] == "tls" else None
    found = LocalCluster(1, threads_per_worker=1, dashboard_address=None, security=security, protocol=sys.argv[1])
    print(found.scheduler_address, flush=True)
    time.sleep(300)
"""


def tls_settings(folder) -> dict[str, str]:
    """Make a key and say where it lies, in the names of Dask's configuration."""
    key, certificate = str(folder / "key.pem"), str(folder / "certificate.pem")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=rl2"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    found = {"ca-file": certificate}
    for role in ("client", "scheduler", "worker"):
        found |= {f"{role}.cert": certificate, f"{role}.key": key}
    return {f"distributed.comm.tls.{name}": value for name, value in found.items()}


@pytest.mark.slow
def test_a_scheduler_that_is_lost_is_said_and_what_was_graded_is_kept(tmp_path):
    lessons = Class(tmp_path)
    lessons.submit(**{f"s{number:02d}": "sleep 0.1" for number in range(60)})
    (tmp_path / "cluster.py").write_text(CLUSTER)
    protocol = "tls" if shutil.which("openssl") else "tcp"
    settings = tls_settings(tmp_path) if protocol == "tls" else {}
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for name, value in settings.items():
        environment["DASK_" + name.replace(".", "__").replace("-", "_").upper()] = value
    command = [sys.executable, tmp_path / "cluster.py", protocol]
    options = {"cwd": ROOT, "env": environment, "start_new_session": True, "text": True}
    running = subprocess.Popen(command, stdout=subprocess.PIPE, **options)
    try:
        lessons.scheduler = running.stdout.readline().strip()
        assert lessons.scheduler.startswith(f"{protocol}://127.0.0.1:")

        def kill_later():
            while not lessons.out.exists() or len(list(lessons.marks.iterdir())) < 5:
                time.sleep(0.02)
            os.killpg(running.pid, signal.SIGKILL)

        threading.Thread(target=kill_later, daemon=True).start()
        gone = pytest.raises(BatchError, match=r"the Dask scheduler is gone; .* goes on from there")
        with dask.config.set(settings | {"distributed.comm.timeouts.connect": "3s"}), gone:
            lessons.grade()
        assert 0 < len(lessons.journal()) < 60
    finally:
        running.kill()
        running.wait()


def test_an_address_where_nobody_answers_is_named(tmp_path):
    lessons = Class(tmp_path, "tcp://127.0.0.1:1")
    lessons.submit(ada="sleep 0")
    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}):
        with pytest.raises(BatchError, match="no Dask scheduler answers at tcp"):
            lessons.grade()
        lessons.scheduler = "smoke-signals://hill"
        with pytest.raises(BatchError, match="no Dask scheduler answers at smoke"):
            lessons.grade()


# --------------------------------------------------------------------------------------- the journal


def line(student, seed=5):
    return Result(student, NAME, VERSIONS[1], "0" * 64, VERSIONS[0], seed, PASSED, (), "bubblewrap")


def test_a_torn_line_and_a_strangers_are_passed_over(tmp_path, capsys):
    with Journal(tmp_path) as kept:
        kept.keep(line("ada"))
        kept.keep(line("bob"))
        kept.keep(line("bob"))
        kept.keep(line("ada", seed=6))
    whole = kept.path.read_bytes()
    assert whole.count(b"\n") == 3
    for end in range(0, len(whole), 7):
        kept.path.write_bytes(whole[:end])
        with Journal(tmp_path) as torn:
            complete = whole[: end + 1].count(b"}\n") or (whole[:end] + b"\n").count(b"}]}\n")
            assert len(torn) <= 2 and (len(torn) > 0) == (complete > 0)
            torn.keep(line("eve"))
        with Journal(tmp_path) as mended:
            assert mended.find(line("eve").key) == line("eve")
    kept.path.write_bytes(b'{"schema_version": 1}\n\xff\n' + whole)
    capsys.readouterr()
    with Journal(tmp_path) as strange:
        assert strange.find(line("ada").key).seed == 6 and len(strange) == 2
    assert "2 lines cannot be read; what they held is graded again" in capsys.readouterr().err


def test_a_disk_that_is_full_or_closed_is_said(tmp_path, monkeypatch):
    with Journal(tmp_path) as kept:
        monkeypatch.setattr(journal.os, "write", lambda handle, data: len(data) - 1)
        with pytest.raises(BatchError, match="No space left"):
            kept.keep(line("ada"))
        assert kept.find(line("ada").key) is None
    (tmp_path / "file").write_text("")
    with pytest.raises(BatchError, match="cannot be written"):
        Journal(tmp_path / "file" / "below")


@pytest.mark.slow
def test_a_gradebook_that_is_not_to_be_had_is_said_when_all_else_is_written(lessons):
    lessons.submit(ada="sleep 0")
    with pytest.raises(BatchError, match=r"the gradebook cannot be written .* everything else is in"):
        lessons.grade(gradebook=f"sqlite:///{lessons.out}/no/such/folder/gradebook.db")
    assert (lessons.out / "grades.csv").exists() and len(lessons.journal()) == 1
    lessons.grade(gradebook=f"sqlite:///{lessons.out.parent}/elsewhere.db")
    assert (lessons.out.parent / "elsewhere.db").exists() and not (lessons.out / "gradebook.db").exists()


class InterruptedWhileItGoes:
    """Python drops what is raised in a finaliser; Dask's futures have one, which runs after every result."""

    def __del__(self):
        signal.raise_signal(signal.SIGINT)


@pytest.fixture
def interruptible():
    """Interrupts as in a terminal; a shell starts what it runs in the background with interrupts ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_in_a_finaliser_stops_the_batch_too(tmp_path, cluster, monkeypatch, capsys, interruptible):
    lessons = Class(tmp_path)
    lessons.submit(**{f"s{number}": "" for number in range(6)})
    lessons.scheduler = cluster
    settle = batch._Batch._settle

    def settled(self, job, result):
        settle(self, job, result)
        if len(lessons.journal()) == 2:
            InterruptedWhileItGoes()

    monkeypatch.setattr(batch._Batch, "_settle", settled)
    with pytest.raises(BatchError, match="stopped; 2 of 6 submissions"):
        lessons.grade()
    assert "ignored" not in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
