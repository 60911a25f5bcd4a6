"""The learner's files: copies, resets, submissions, answer cells, and the command line around them."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time

import pytest

from rl2lib.lab import course, terminal, workbook
from rl2lib.lab.store import Store
from rl2lib.lab.workbook import WorkbookError

NAME = "mean_trial_return"
RIGHT = f"def {NAME}(rewards):\n    return float(rewards.sum(axis=1).mean())"


def rl2(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rl2lib.cli", *args]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=120)


def write_answer(source: str, index: int = 0) -> None:
    path = workbook.copy_path(course.load().notebook("00"))
    data = json.loads(path.read_text())
    [cell for cell in data["cells"] if cell.get("id") == NAME][index]["source"] = source
    path.write_text(json.dumps(data))


def test_learn_copies_once_and_never_overwrites(work):
    (path,) = workbook.start("0")
    path.write_text("mine")
    assert workbook.start("00_start_here") == [path] and path.read_text() == "mine"
    assert len(workbook.start()) == len(course.load().notebooks)


def test_reset_keeps_every_backup(work):
    (path,) = workbook.start("0")
    for text in ("first", "second"):
        path.write_text(text)
        backup = workbook.reset("0")
        assert backup is not None and backup.read_text() == text
    assert len(list(backup.parent.iterdir())) == 2
    assert path.read_text() == workbook.release_path(course.load().notebook("0")).read_text()


def test_submit_lays_the_file_where_the_grader_looks(work):
    workbook.start("0")
    write_answer(RIGHT)
    words = workbook.submit("0", "ada lovelace/../x")
    place = work.parent / "submitted" / "ada_lovelace_.._x" / "00_start_here" / "00_start_here.ipynb"
    assert place.exists() and "1 of 1 exercises answered" in words


def test_submitting_nothing_or_garbage_is_refused(work):
    with pytest.raises(WorkbookError, match="nothing to submit"):
        workbook.submit("0")
    (path,) = workbook.start("0")
    path.write_text("{")
    with pytest.raises(WorkbookError, match="JSON is broken"):
        workbook.submit("0")
    assert not (work.parent / "submitted").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "JSON is broken"),
        ("[]", "no nbformat number"),
        ('{"nbformat": 5, "cells": []}', "format 5, expected 4"),
        ('{"nbformat": 4}', "format 4, expected 4"),
        ("[" * 100_000, "JSON is broken"),
    ],
)
def test_broken_files_get_one_line(tmp_path, text, words):
    path = tmp_path / "x.ipynb"
    path.write_text(text)
    with pytest.raises(WorkbookError, match=words) as caught:
        workbook.read_notebook(path)
    assert "\n" not in str(caught.value)


def test_an_old_format_is_upgraded(tmp_path):
    path = tmp_path / "x.ipynb"
    cell = {"cell_type": "code", "input": RIGHT, "outputs": [], "language": "python", "metadata": {}}
    path.write_text(json.dumps({"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": [cell]}]}))
    cells = workbook.learner_cells(workbook.read_notebook(path), {"cells": []}, [NAME])
    assert [cell.exercise for cell in cells] == [NAME]


def release():
    return workbook.read_notebook(workbook.release_path(course.load().notebook("00")))


def answers(data):
    return [cell for cell in workbook.learner_cells(data, release(), [NAME]) if cell.exercise]


def test_answers_are_found_by_metadata_and_without_it_by_definition():
    data = release()
    for cell in data["cells"]:
        if cell["id"] == NAME:
            cell["source"] = RIGHT
    assert [cell.source for cell in answers(data)] == [RIGHT]
    for cell in data["cells"]:
        cell.pop("id")
        cell["metadata"] = {}
    assert [cell.source for cell in answers(data)] == [RIGHT]


def test_only_the_learners_cells_are_taken():
    data = release()
    added = {"cell_type": "code", "id": "mine", "source": ["x = 1\n", "%matplotlib inline"], "metadata": {}}
    data["cells"].append(added)
    cells = workbook.learner_cells(data, release(), [NAME])
    assert [(cell.exercise, cell.source) for cell in cells if not cell.exercise] == [("", "x = 1\npass")]


def test_of_a_copied_cell_the_stub_does_not_undo_the_answer():
    data = release()
    stub = next(cell for cell in data["cells"] if cell["id"] == NAME)
    data["cells"].insert(0, {**stub, "id": "copy", "source": RIGHT})
    assert [cell.source for cell in answers(data)] == [RIGHT]


@pytest.mark.slow
def test_terminal_check_ends_every_exercise_of_a_hostile_notebook(work, tmp_path):
    notebook = course.load().notebook("01")
    data = workbook.read_notebook(workbook.release_path(notebook))
    hostile = {
        "pull": "def pull(*args, **kwargs):\n    while True: pass",
        "beta_posterior": "import os\ndef beta_posterior(*args, **kwargs):\n    os._exit(7)",
        "ucb1": "raise KeyError('at the top')",
        "regret": "while True: pass",
    }
    for cell in data["cells"]:
        if cell["id"] in hostile:
            cell["source"] = hostile[cell["id"]]
    path = tmp_path / "hostile.ipynb"
    path.write_text(json.dumps(data))
    found = {item.exercise: item for item in terminal.check_notebook("01", path, seconds=1.5)}
    assert found["pull"].status == "timeout"
    assert found["beta_posterior"].status == "crashed"
    assert found["ucb1"].status == "error" and "at the top" in found["ucb1"].reason
    assert found["regret"].status == "error" and "1.5 s" in found["regret"].reason
    assert found["thompson_sampling"].status == "not_attempted"
    assert len(found) == len(notebook.exercises)


@pytest.mark.slow
def test_exit_codes_and_one_clear_line(work):
    assert rl2("learn", "0", "--no-open").returncode == 0
    blank = rl2("check", "0")
    assert blank.returncode == 1 and "not attempted" in blank.stdout
    write_answer(RIGHT)
    assert rl2("check", "0").returncode == 0
    for bad in (["check", "42"], ["check", "0", "pul"], ["hint", "mean_trail"], ["reset", "nope"], ["submit", "x"]):
        found = rl2(*bad)
        assert found.returncode == 2 and len(found.stderr.strip().splitlines()) == 1 and "Traceback" not in found.stderr
    assert "did you mean 'mean_trial_return'" in rl2("hint", "mean_trail_return").stderr
    assert "1/1" in rl2("progress").stdout


@pytest.mark.slow
def test_doctor_finds_nothing_here_and_names_a_fix_where_writing_fails(work, tmp_path):
    assert rl2("doctor").returncode == 0
    blocked = tmp_path / "file"
    blocked.write_text("")
    found = rl2("doctor", RL2_WORK=str(blocked / "below"))
    assert found.returncode == 1 and "set RL2_WORK" in found.stdout


def _write_many(folder, count):
    for index in range(count):
        Store(folder).record_attempt(f"exercise{index}", "passed")


def test_two_writers_at_once_lose_nothing(tmp_path):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_many, args=(tmp_path, 40)) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sum(Store(tmp_path).attempts().values()) == 80


def test_progress_survives_a_kill(tmp_path):
    code = f"""
from pathlib import Path
from rl2lib.lab.store import Store
store = Store(Path({str(tmp_path)!r}))
while True: store.record_attempt("exercise", "passed"); print("one", flush=True)
"""
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    seen = 0
    until = time.monotonic() + 1.0
    while time.monotonic() < until:
        seen += bool(child.stdout.readline())
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert Store(tmp_path).attempts()["exercise"] >= seen > 0
    Store(tmp_path).record_attempt("exercise", "failed")
    assert Store(tmp_path).passed() == {"exercise"}


def test_the_hint_ladder_climbs_and_stays_on_top(tmp_path):
    store = Store(tmp_path)
    assert [store.next_hint("x", 3) for _ in range(5)] == [0, 1, 2, 2, 2]
