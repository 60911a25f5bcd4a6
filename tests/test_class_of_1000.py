"""The class of a thousand: made the same each time, and judged so that no fault goes by."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from autograder.result import ExerciseResult, Result
from autograder.source import load_course
from benchmarks.class_of_1000 import HOSTILE, Submission, judge, make_class, page, record

ROOT = Path(__file__).resolve().parent.parent
COURSE = {notebook.number: notebook for notebook in load_course()}


def result(student: str, statuses: list[str], number: str = "02") -> Result:
    notebook = COURSE[number]
    exercises = tuple(
        ExerciseResult(item.name, float(item.points) * (status == "passed"), float(item.points), status, "why")
        for item, status in zip(notebook.exercises, statuses, strict=True)
    )
    return Result(student, notebook.name, "1", "0" * 64, "1", 1, exercises, (), "a box")


@pytest.fixture
def graded() -> tuple[list[Submission], list[Result]]:
    """A class of two, graded as it deserves: one right, one hostile whose first answer is an attack."""
    names = [item.name for item in COURSE["02"].exercises]
    right = Submission("ada", COURSE["02"].name, "reference", {name: ["passed"] for name in names})
    eve = replace(right, student="eve", kind="attack: loop", expected=right.expected | {names[0]: ["timeout"]})
    rest = ["passed"] * (len(names) - 1)
    return [right, eve], [result("ada", ["passed", *rest]), result("eve", ["timeout", *rest])]


def lines(results: list[Result]) -> list[bytes]:
    return [item.to_json() for item in results]


def test_nothing_is_wrong_with_a_class_that_got_what_it_deserves(graded):
    submissions, results = graded
    assert judge(submissions, results, lines(results)) == []


def test_every_fault_is_seen(graded):
    submissions, (ada, eve) = graded
    rest = ["passed"] * (len(ada.exercises) - 1)
    lost = result("ada", ["failed", *rest])
    assert "ada (reference)" in judge(submissions, [lost, eve], lines([lost, eve]))[0]
    unearned = result("eve", ["passed", *rest])
    assert "points for passed" in judge(submissions, [ada, unearned], lines([ada, unearned]))[1]
    forged = structs.replace(eve, exercises=(structs.replace(eve.exercises[0], points=1.0), *eve.exercises[1:]))
    assert "1.0 points for timeout" in judge(submissions, [ada, forged], lines([ada, forged]))[0]
    mute = structs.replace(eve, exercises=(structs.replace(eve.exercises[0], reason=""), *eve.exercises[1:]))
    assert "without a reason" in judge(submissions, [ada, mute], lines([ada, mute]))[0]
    assert judge(submissions, [ada], lines([ada])) == ["1 results, expected 2", "eve (attack: loop): no result"]
    assert judge(submissions, [ada, eve], lines([ada, eve, eve])) == [f"eve/{eve.notebook}: 2 lines"]


def test_a_class_is_made_once_and_the_same_again(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tests"))
    pytest.importorskip("attacks.corpus", reason="tests/attacks is not here")
    one = make_class(tmp_path / "one", 40, seed=3)
    assert len(one) == 40 and sum(item.hostile for item in one) == round(40 * HOSTILE)
    assert len({item.student for item in one}) == 40
    assert make_class(tmp_path / "two", 40, seed=3) == one
    kept = (tmp_path / "one" / "expected.json").stat().st_mtime_ns
    assert make_class(tmp_path / "one", 40, seed=3) == one
    assert (tmp_path / "one" / "expected.json").stat().st_mtime_ns == kept
    assert make_class(tmp_path / "one", 40, seed=4) != one
    for item in one:
        place = tmp_path / "two" / "submitted" / item.student / item.notebook
        assert item.hostile or (place / f"{item.notebook}.ipynb").exists()


def test_the_page_tells_what_is_wrong(graded):
    submissions, results = graded
    told = {"kills": [{"after_results": 1}], "runs": [{"seconds": 4.0}], "files_left": ["rl2box-x"]}
    found = record(submissions, results, told, ["ada: no result"], "a loaded machine")
    assert found["exercises"]["hostile"]["timeout"] == 1 and found["submissions_per_second"] == 0.5
    assert json.loads(json.dumps(found)) == found
    text = page(found)
    for words in ("1; ada: no result", "after 1 results", "rl2box-x", "a loaded machine", "`loop`"):
        assert words in text
