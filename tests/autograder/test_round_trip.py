"""nbgrader's own commands, for real: generate_assignment, autograde, generate_feedback, export; and our own grader.

The class is the reference, the blank release, a half-done notebook, one that talks on stderr, one whose cells are all
tagged to be skipped, and two submissions each of mutants and of alternatives (test_audit.py has them all). It is
graded by a copy of the autograder in which every line of every hidden check ends in a canary, so that whatever shows a
line of a check, a traceback say, shows the canary: no feedback may. One test class a notebook, so that test processes
share the work.
"""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from autograder.release import nbgrader_source, to_text
from autograder.samples import filled, reference_answers, sample_students, write_submission
from autograder.source import load_course
from rl2lib.files import write_if_changed

ROOT = Path(__file__).resolve().parent.parent.parent
COURSE = {notebook.number: notebook for notebook in load_course()}
CANARY = "canary5f2c"


@dataclass
class Class:
    """A class's folder, the planted checkout that grades it, and what each submission should earn."""

    number: str
    folder: Path
    checkout: Path
    expected: dict[str, dict[str, bool]]

    def run(self, *command: str, cwd: Path | None = None) -> None:
        """Run a command of the planted checkout."""
        environment = {
            **os.environ,
            "RL2_COURSE": str(self.folder),
            "PATH": os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]]),
            "PYTHONPATH": os.pathsep.join([str(self.checkout), str(ROOT)]),
            "OMP_NUM_THREADS": "1",
        }
        command = (sys.executable, "-W", "ignore", "-m", *command)
        found = subprocess.run(
            command, capture_output=True, text=True, cwd=cwd or self.checkout, env=environment, timeout=900
        )
        assert found.returncode == 0, found.stdout[-3000:] + found.stderr[-3000:]

    def points(self, student: str) -> int:
        """What a submission should earn."""
        worth = {exercise.name: exercise.points for exercise in COURSE[self.number].exercises}
        return sum(worth[name] for name, passes in self.expected[student].items() if passes)


def planted_checkout(folder: Path) -> Path:
    """Copy what grading needs, with the canary behind every line of every hidden check."""
    shutil.copytree(ROOT / "autograder", folder / "autograder", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "solutions", folder / "solutions", ignore=shutil.ignore_patterns("*.ipynb"))
    shutil.copytree(ROOT / "notebooks", folder / "notebooks")
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    for path in (folder / "autograder" / "checks").glob("nb*.py"):
        lines = path.read_text().splitlines()
        ends = {
            token.start[0]
            for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline)
            if token.type in (tokenize.NEWLINE, tokenize.NL) and token.line.strip()
        }
        marked = [line + f"  # {CANARY}" if number in ends else line for number, line in enumerate(lines, 1)]
        path.write_text("\n".join(marked) + "\n")
        compile(path.read_text(), str(path), "exec")
        assert path.read_text().count(CANARY) > 20
    return folder


def noisy(source: str) -> str:
    """Make a right answer talk on every channel while it works."""
    loud = (
        "{0}import logging, os, sys, warnings\n{0}logging.basicConfig()\n{0}warnings.warn('loud')\n"
        "{0}logging.warning('louder')\n{0}print('loudest', file=sys.stderr)\n{0}os.write(2, b'below python')\n"
    )
    before, marker, after = source.partition("### BEGIN SOLUTION\n")
    indent = " " * (len(before) - len(before.rstrip(" ")))
    return before.rstrip(" ") + loud.format(indent) + indent + marker + after


@pytest.fixture(scope="class")
def graded(request, tmp_path_factory) -> Iterator[Class]:
    """A notebook's class, through nbgrader."""
    notebook = COURSE[request.cls.number]
    folder = tmp_path_factory.mktemp(f"class-{notebook.number}")
    checkout = planted_checkout(tmp_path_factory.mktemp(f"checkout-{notebook.number}"))
    found = Class(notebook.number, folder, checkout, {})
    for student, content, passes in sample_students(notebook, rounds=2):
        write_submission(folder / "submitted", student, notebook, content)
        found.expected[student] = passes
    right = reference_answers(notebook)
    loud = filled(notebook, {name: noisy(source) for name, source in right.items()})
    write_submission(folder / "submitted", "noisy", notebook, loud)
    found.expected["noisy"] = dict.fromkeys(right, True)
    skipping = filled(notebook, {})
    for cell in skipping.cells:
        cell.metadata["tags"] = [*cell.metadata.get("tags", []), "skip-execution"]
    write_submission(folder / "submitted", "skipping", notebook, skipping)
    found.expected["skipping"] = dict.fromkeys(right, False)
    write_if_changed(folder / "source" / notebook.name / f"{notebook.name}.ipynb", to_text(nbgrader_source(notebook)))
    found.run("nbgrader", "generate_assignment", notebook.name)
    found.run("nbgrader", "autograde", notebook.name)
    found.run("nbgrader", "generate_feedback", notebook.name)
    found.run("nbgrader", "export", f"--to={folder / 'grades.csv'}")
    yield found


class RoundTrip:
    """What must hold for every notebook; `number` says which."""

    number: str

    def test_nbgrader_gives_every_submission_what_it_deserves(self, graded):
        rows = {row["student_id"]: float(row["score"]) for row in csv.DictReader((graded.folder / "grades.csv").open())}
        assert rows == {student: graded.points(student) for student in graded.expected}

    def test_nbgraders_release_is_the_one_that_is_committed(self, graded):
        name = COURSE[graded.number].name
        generated = json.loads((graded.folder / "release" / name / f"{name}.ipynb").read_text())
        assert generated == json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text())

    def test_nbgraders_feedback_tells_what_is_wrong_and_shows_no_hidden_check(self, graded):
        pages = {page.parent.parent.name: page.read_text() for page in (graded.folder / "feedback").rglob("*.html")}
        assert set(pages) == set(graded.expected)
        assert not [student for student, page in pages.items() if CANARY in page]
        assert "write your answer here" in pages["blank"]

    def test_our_grader_agrees_and_shows_no_hidden_check(self, graded):
        out = graded.folder / "out"
        graded.run("autograder.cli", "grade", str(graded.folder / "submitted"), "--out", str(out))
        results = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
        for result in results:
            passed = {item["name"]: item["status"] == "passed" for item in result["exercises"]}
            assert passed == graded.expected[result["student"]], result["student"]
            assert all(item["reason"] for item in result["exercises"] if item["status"] != "passed")
        assert {result["student"] for result in results} == set(graded.expected)
        for path in out.rglob("*"):
            assert path.is_dir() or CANARY.encode() not in path.read_bytes()


@pytest.mark.slow
class TestNotebook00(RoundTrip):
    number = "00"


@pytest.mark.slow
class TestNotebook01(RoundTrip):
    number = "01"


@pytest.mark.slow
class TestNotebook02(RoundTrip):
    number = "02"


@pytest.mark.slow
class TestNotebook03(RoundTrip):
    number = "03"


@pytest.mark.slow
class TestNotebook04(RoundTrip):
    number = "04"


@pytest.mark.slow
class TestNotebook05(RoundTrip):
    number = "05"


@pytest.mark.slow
class TestNotebook06(RoundTrip):
    number = "06"


@pytest.mark.slow
class TestNotebook07(RoundTrip):
    number = "07"


@pytest.mark.slow
def test_stock_nbgrader_without_our_configuration_still_grades(tmp_path):
    """In the student's own kernel, where whoever shares it can tamper; right and blank answers get what they should."""
    notebook = COURSE["00"]
    school = Class("00", tmp_path, ROOT, {})
    for student, content, passes in sample_students(notebook, rounds=0):
        write_submission(tmp_path / "submitted", student, notebook, content)
        school.expected[student] = passes
    write_if_changed(tmp_path / "source" / notebook.name / f"{notebook.name}.ipynb", to_text(nbgrader_source(notebook)))
    for command in (("generate_assignment", notebook.name), ("autograde", notebook.name)):
        school.run("nbgrader", *command, f"--course-dir={tmp_path}", cwd=tmp_path)
    school.run(
        "nbgrader", "export", f"--db=sqlite:///{tmp_path}/gradebook.db", f"--to={tmp_path}/grades.csv", cwd=tmp_path
    )
    rows = {row["student_id"]: float(row["score"]) for row in csv.DictReader((tmp_path / "grades.csv").open())}
    assert rows == {student: school.points(student) for student in school.expected}


def test_every_notebook_has_its_round_trip():
    assert {item.number for item in RoundTrip.__subclasses__()} == set(COURSE)


@pytest.mark.slow
def test_late_penalties_and_manual_marks_outlive_grading_again(tmp_path):
    """What an instructor does by hand in nbgrader, with grading in a box."""
    from nbgrader.api import Gradebook

    notebook = COURSE["00"]
    name, exercise = notebook.name, notebook.exercises[0].name
    school = Class("00", tmp_path, ROOT, {})
    right = filled(notebook, reference_answers(notebook))
    for student, content in (("late", right), ("early", right), ("helped", filled(notebook, {}))):
        path = write_submission(tmp_path / "submitted", student, notebook, content)
        path.with_name("timestamp.txt").write_text(
            "2026-01-02 00:00 UTC" if student == "late" else "2025-12-31 00:00 UTC"
        )
    write_if_changed(tmp_path / "source" / name / f"{name}.ipynb", to_text(nbgrader_source(notebook)))
    school.run("nbgrader", "generate_assignment", name)
    school.run("nbgrader", "db", "assignment", "add", name, "--duedate=2026-01-01 00:00 UTC")
    grade = ("nbgrader", "autograde", name, "--force", "--LateSubmissionPlugin.penalty_method=zero")
    school.run(*grade)
    with Gradebook(f"sqlite:///{tmp_path}/gradebook.db") as book:
        book.find_grade(f"{exercise}-check", name, name, "helped").manual_score = 0.5
        book.find_comment(exercise, name, name, "helped").manual_comment = "see me"
        book.db.commit()
    school.run(*grade)
    school.run("nbgrader", "export", f"--to={tmp_path / 'grades.csv'}")
    rows = {row["student_id"]: row for row in csv.DictReader((tmp_path / "grades.csv").open())}
    worth = float(notebook.points)
    assert {student: float(row["raw_score"]) for student, row in rows.items()} == {
        "late": worth,
        "early": worth,
        "helped": 0.5,
    }
    assert float(rows["late"]["score"]) == 0.0 and float(rows["early"]["score"]) == worth
    with Gradebook(f"sqlite:///{tmp_path}/gradebook.db") as book:
        assert book.find_grade(f"{exercise}-check", name, name, "helped").needs_manual_grade
        assert book.find_comment(exercise, name, name, "helped").comment == "see me"
