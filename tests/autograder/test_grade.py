"""One submission, one Result: right answers earn their points, and every failure has a status and a reason."""

import csv
import io
import json
import os
from dataclasses import replace

import pytest

from autograder.batch import CSV_COLUMNS, grade_folder, grades_csv
from autograder.feedback import feedback_html, feedback_markdown
from autograder.grade import grade_file
from autograder.gradebook import write_gradebook
from autograder.hidden import diagnose, run_hidden
from autograder.reference import answer_handle
from autograder.result import ExerciseResult, Result
from autograder.samples import filled, reference_answers, write_submission
from autograder.source import load_course, load_variants
from rl2lib.lab.checking import run_visible


@pytest.fixture(scope="module")
def course():
    return {notebook.number: notebook for notebook in load_course()}


def graded(notebook, tmp_path, answers, **changes):
    content = filled(notebook, answers)
    for change in changes.values():
        change(content)
    return grade_file(write_submission(tmp_path, "ada", notebook, content), "ada", notebook, seed=1)


def test_the_reference_earns_everything_and_the_blank_release_nothing(course, tmp_path):
    notebook = course["01"]
    full = graded(notebook, tmp_path, reference_answers(notebook))
    assert full.points == full.max_points == notebook.points and full.flags == ()
    blank = graded(notebook, tmp_path, {})
    assert blank.points == 0 and {item.status for item in blank.exercises} == {"not_attempted"}


def test_one_mistake_costs_one_exercise_whatever_kind_it_is(course, tmp_path):
    notebook = course["01"]
    hostile = {
        "pull": ("def pull(*args, **kwargs):\n    import os; os._exit(1)", "crashed"),
        "beta_posterior": ("raise RuntimeError('at the top of the cell')", "error"),
        "ucb1": ("from rl2lib.agents.bandit import UCB1 as ucb1", "failed"),
        "regret": ("import sys\nsys.exit()", "error"),
    }
    answers = reference_answers(notebook) | {name: source for name, (source, _) in hostile.items()}
    found = {item.name: item for item in graded(notebook, tmp_path, answers).exercises}
    for name, item in found.items():
        assert item.status == (hostile[name][1] if name in hostile else "passed"), (name, item)
    assert "at the top of the cell" in found["beta_posterior"].reason
    assert "library's own" in found["ucb1"].reason


def test_a_loop_at_the_top_of_a_cell_ends_in_time(course, tmp_path, monkeypatch):
    monkeypatch.setattr("autograder.grade.CALL_SECONDS", 1.0)
    notebook = course["00"]
    (item,) = graded(notebook, tmp_path, {"mean_trial_return": "while True: pass"}).exercises
    assert item.status == "timeout" and "1 s" in item.reason


def test_the_message_is_the_visible_checks_and_the_diagnosis_the_mutants(course, tmp_path):
    notebook = course["00"]
    mutant = next(item for item in load_variants("00") if item.name == "wrong_axis")
    (item,) = graded(notebook, tmp_path, {"mean_trial_return": mutant.source}).exercises
    assert item.status == "failed" and item.misconception == "wrong_axis" and item.diagnosis == mutant.diagnosis
    assert "expected" in item.reason and "[[" in item.reason


def test_another_wrong_answer_is_recognised_by_what_it_gives(course):
    notebook = course["00"]
    same_as_wrong_axis = (
        "def mean_trial_return(rewards):\n    columns = rewards.T\n    return float(np.mean([sum(c) for c in columns]))"
    )
    assert run_visible("mean_trial_return", answer_handle(notebook, same_as_wrong_axis)).mutant == "wrong_axis"
    nothing_known = "def mean_trial_return(rewards):\n    return 17.25"
    assert run_visible("mean_trial_return", answer_handle(notebook, nothing_known)).mutant is None


def test_a_mutant_that_the_visible_check_lets_pass_is_named_by_the_hidden_one(course, monkeypatch):
    notebook, name = course["00"], "mean_trial_return"
    found = {item.name: item for item in load_variants("00") if item.exercise == name}
    hidden = run_hidden(notebook, name, answer_handle(notebook, found["wrong_axis"].source), 5)
    assert diagnose(notebook, name, hidden, 5) is None  # the visible check names it
    unseen = [replace(item, unseen="its inputs are too small") for item in found.values()]
    monkeypatch.setattr("autograder.hidden.load_variants", lambda number: unseen)
    assert diagnose(notebook, name, hidden, 5) == "wrong_axis"
    passed = run_hidden(notebook, name, answer_handle(notebook, reference_answers(notebook)[name]), 5)
    assert diagnose(notebook, name, passed, 5) is None


def test_correct_code_that_warns_and_draws_a_progress_bar_keeps_its_marks(course, tmp_path):
    notebook = course["00"]
    source = reference_answers(notebook)["mean_trial_return"]
    noisy = "import sys, warnings\nfrom tqdm import tqdm\nwarnings.warn('loud')\nprint('x' * 10**6)\n" + source.replace(
        "    ### BEGIN SOLUTION",
        "    warnings.warn('hm')\n    for _ in tqdm(range(5)): print('x', file=sys.stderr)\n",
    )
    assert graded(notebook, tmp_path, {"mean_trial_return": noisy}).points == notebook.points


def test_tampering_with_our_cells_changes_nothing_and_is_flagged(course, tmp_path):
    notebook = course["00"]

    def tamper(content):
        check = next(cell for cell in content.cells if cell.id == "mean_trial_return-check")
        check.source = "print('full marks please')"
        check.metadata.nbgrader.points = 1000
        check.metadata.tags = ["skip-execution"]
        content.cells.append(check.copy())
        setup = next(cell for cell in content.cells if "setup" in cell.metadata.get("tags", []))
        content.cells.remove(setup)

    result = graded(notebook, tmp_path, {}, tamper=tamper)
    assert result.points == 0 and result.max_points == notebook.points
    assert any("2 cells carry this id" in flag for flag in result.flags)
    assert any("deleted" in flag for flag in result.flags)
    fair = graded(notebook, tmp_path, reference_answers(notebook), tamper=tamper)
    assert fair.points == notebook.points


@pytest.mark.slow
def test_every_unreadable_submission_has_its_reason(course, tmp_path):
    notebook = course["00"]
    folder = tmp_path / "submitted"
    write_submission(folder, "corrupt", notebook, "{")
    write_submission(folder, "empty", notebook, "")
    write_submission(folder, "future", notebook, json.dumps({"nbformat": 9, "cells": []}))
    (folder / "missing" / notebook.name).mkdir(parents=True)
    good = write_submission(folder, "good", notebook, filled(notebook, reference_answers(notebook)))
    (folder / "link" / notebook.name).mkdir(parents=True)
    os.symlink(good, folder / "link" / notebook.name / good.name)
    out = tmp_path / "out"
    results = {result.student: result for result in grade_folder(folder, out, workers=2)}
    assert len(results) == 6 and results["good"].points == notebook.points
    reasons = {name: results[name].exercises[0].reason for name in results}
    for name, words in {
        "corrupt": "JSON is broken",
        "empty": "JSON is broken",
        "future": "format 9",
        "missing": "no file",
        "link": "links are not followed",
    }.items():
        assert results[name].exercises[0].status == "ungradable" and words in reasons[name]
    rows = list(csv.DictReader(io.StringIO((out / "grades.csv").read_text())))
    assert tuple(rows[0]) == CSV_COLUMNS and len(rows) == 6
    lines = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    assert {line["student"] for line in lines} == set(results)
    assert len(list((out / "feedback").rglob("*.html"))) == len(list((out / "feedback").rglob("*.md"))) == 6


@pytest.mark.slow
def test_grading_twice_into_the_same_gradebook_keeps_manual_scores(course, tmp_path):
    from nbgrader.api import Gradebook

    notebook = course["00"]
    write_submission(tmp_path / "submitted", "ada", notebook, filled(notebook, reference_answers(notebook)))
    grade_folder(tmp_path / "submitted", tmp_path / "out")
    url = f"sqlite:///{tmp_path / 'out' / 'gradebook.db'}"
    where = ("mean_trial_return-check", notebook.name, notebook.name, "ada")
    with Gradebook(url) as gradebook:
        grade = gradebook.find_grade(*where)
        assert grade.auto_score == grade.max_score == notebook.points
        grade.manual_score = 0.5
        gradebook.db.commit()
    grade_folder(tmp_path / "submitted", tmp_path / "out")
    with Gradebook(url) as gradebook:
        assert gradebook.find_grade(*where).manual_score == 0.5
        assert len(gradebook.assignments) == 1 and len(gradebook.students) == 1


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Object of type")  # nbgrader's own
def test_the_gradebook_is_what_nbgraders_own_methods_make(course, tmp_path):
    """Same rows, so that its formgrader and export see no difference; an exercise that came later gets its row."""
    from nbgrader.api import Comment, Grade, Gradebook, MissingEntry

    notebook = course["02"]
    name, names = notebook.name, [item.name for item in notebook.exercises]
    results = [
        Result(student, name, "1", "f" * 64, "1", 1, tuple(ExerciseResult(e, 1.0, 2.0, "passed", "") for e in names))
        for student in ("ada", "bob", "zoë")
    ]
    url = f"sqlite:///{tmp_path}/gradebook.db"
    write_gradebook(results[:1], [notebook], url)
    with Gradebook(url) as book:
        book.add_student("bob")
        book.add_submission(name, "bob")
        cells = book.find_grade_cell(f"{names[0]}-check", name, name), book.find_solution_cell(names[0], name, name)
        for kind, cell in zip((Grade, Comment), cells, strict=True):
            book.db.query(kind).filter(kind.cell_id == cell.id).delete()
        book.db.commit()
        with pytest.raises(MissingEntry):
            book.find_grade(f"{names[0]}-check", name, name, "bob")
    write_gradebook(results, [notebook], url)
    with Gradebook(url) as book:
        works = {student: book.find_submission_notebook(name, name, student) for student in ("ada", "bob", "zoë")}
        for work in works.values():
            assert sorted(grade.name for grade in work.grades) == sorted(f"{item}-check" for item in names)
            assert sorted(comment.name for comment in work.comments) == sorted(names)
            assert work.score == len(names) and work.max_score == notebook.points and not work.needs_manual_grade
        assert len(book.find_notebook(name, name).source_cells) > len(names)
    before = (tmp_path / "gradebook.db").read_bytes()
    write_gradebook(results, [notebook], url)
    assert (tmp_path / "gradebook.db").read_bytes() == before


def hostile_result() -> Result:
    text = "=HYPERLINK(1)\n<script>alert(1)</script>"
    item = ExerciseResult("ex", 0.0, 2.0, "error", text, None, "")
    return Result("<b>eve</b>", "00_x", "1", "f" * 64, "1", 1, (item,))


def test_feedback_has_no_active_content():
    page = feedback_html(hostile_result())
    assert "<script>" not in page and "<b>eve" not in page and "default-src 'none'" in page
    assert "    <script>" in feedback_markdown(hostile_result())


def test_a_spreadsheet_sees_text_not_a_formula():
    row = next(csv.DictReader(io.StringIO(grades_csv([hostile_result()]))))
    assert row["reason"].startswith("'=HYPERLINK") and "\n" not in row["reason"]
