"""The kill matrix of every notebook is as it should be, and as results/audit.json has it."""

import pytest

from autograder.audit import BOX_SEEDS, SEED, Line, audit_exercise, read_record
from autograder.source import course_root, load_course
from rl2lib.lab import refusals
from rl2lib.lab.checking import Outcome

COURSE = load_course()
RECORD = read_record(course_root())
NAMES = {item.name for notebook in COURSE for item in notebook.exercises}


@pytest.mark.slow
@pytest.mark.parametrize("notebook", COURSE, ids=[notebook.number for notebook in COURSE])
class TestNotebook:
    """One group a notebook, so that test processes share the work."""

    def test_every_answer_gets_what_it_deserves_as_recorded(self, notebook):
        for exercise in notebook.exercises:
            lines = audit_exercise(notebook, exercise, SEED)
            assert [line for line in lines if not line.as_it_should] == []
            told = "run `autograder audit --write` and commit results/audit.*"
            assert [line.as_row() for line in lines] == RECORD["rows"].get(exercise.name), told
            seen = {line.variant: line.visible.refusal for line in lines if line.kind == "mutant"}
            kept = refusals.load()[exercise.name]
            assert [name for name in seen if not refusals.alike(seen[name], {name: kept[name]})] == [], "run make build"


@pytest.mark.parametrize(
    ("visible", "hidden", "unseen", "right"),
    [
        ("failed", "failed", "", True),
        ("error", "error", "", True),
        ("passed", "failed", "", False),
        ("passed", "failed", "only many pulls tell it apart", True),
        ("failed", "failed", "only many pulls tell it apart", False),
        ("failed", "passed", "", False),
    ],
)
def test_a_mutant_is_refused_by_both_checks_or_says_why_not(visible, hidden, unseen, right):
    line = Line("pull", "mutant", "inverted", Outcome("pull", visible), Outcome("pull", hidden), None, unseen)
    assert line.as_it_should is right


def test_every_exercise_was_graded_with_many_seeds_and_never_wrongly():
    assert set(RECORD["rows"]) == set(RECORD["regraded"]) == NAMES
    for name, counts in RECORD["regraded"].items():
        assert counts["reference"]["graded"] >= 1000 and counts["through a box"]["graded"] >= BOX_SEEDS, name
        assert all(count["wrongly"] == 0 for count in counts.values()), (name, counts)
