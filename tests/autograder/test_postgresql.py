"""The gradebook on a real PostgreSQL server, started for the test; skipped where none is installed."""

import glob
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.grade import grade_file
from autograder.gradebook import write_gradebook
from autograder.samples import filled, reference_answers, write_submission
from autograder.source import load_course

ORDINARY = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}


def server_folder() -> str | None:
    """Return where PostgreSQL's server programs lie; Debian keeps them off the path."""
    found = shutil.which("initdb")
    return os.path.dirname(found) if found else next(iter(sorted(glob.glob("/usr/lib/postgresql/*/bin"))), None)


@pytest.fixture
def url(tmp_path) -> Iterator[str]:
    """The address of an empty database; its server refuses to run as root, so it runs as somebody else."""
    programs = server_folder()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt install postgresql)")
    pytest.importorskip("psycopg", reason="psycopg is not installed (pip install 'psycopg[binary]')")
    place = Path("/tmp") / f"rl2-postgresql-{os.getpid()}"  # a socket's path may have no more than 107 characters
    place.mkdir()
    if ORDINARY:
        os.chown(place, ORDINARY["user"], ORDINARY["group"])

    def run(program: str, *arguments: str) -> None:
        command = [f"{programs}/{program}", *arguments]
        ended = subprocess.run(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=place, timeout=60, **ORDINARY
        )
        assert ended.returncode == 0, ended.stderr

    data = str(place / "data")
    try:
        run("initdb", "-D", data, "-U", "grader", "-A", "trust", "-E", "UTF8", "--locale=C")
        options = f"-c listen_addresses= -c unix_socket_directories={place} -c fsync=off"
        run("pg_ctl", "-D", data, "-o", options, "-l", str(place / "log"), "-w", "start")
        try:
            yield f"postgresql+psycopg://grader@/postgres?host={place}"
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(place, ignore_errors=True)


@pytest.mark.slow
def test_a_gradebook_on_postgresql_keeps_grades_comments_and_manual_scores(url, tmp_path):
    from nbgrader.api import Gradebook

    course = load_course()
    notebook = next(item for item in course if item.number == "00")
    name, exercise = notebook.name, notebook.exercises[0].name
    right = reference_answers(notebook)
    odd = {exercise: f"def {exercise}(*_): raise ValueError('\\x00 Ω \\ud800')"}
    results = [
        grade_file(write_submission(tmp_path, student, notebook, filled(notebook, answers)), student, notebook)
        for student, answers in (("ada", right), ("bob", {}), ("zoë", odd))
    ]
    for _ in range(2):
        write_gradebook(results, course, url)
    with Gradebook(url) as book:
        scores = {student: book.find_submission(name, student).score for student in ("ada", "bob", "zoë")}
        assert scores == {result.student: result.points for result in results}
        assert "write your answer" in book.find_comment(exercise, name, name, "bob").comment
        book.find_grade(f"{exercise}-check", name, name, "bob").manual_score = 0.5
        book.db.commit()
    write_gradebook(results, course, url)
    with Gradebook(url) as book:
        assert book.find_submission(name, "bob").score == 0.5
        assert book.find_grade(f"{exercise}-check", name, name, "bob").needs_manual_grade
