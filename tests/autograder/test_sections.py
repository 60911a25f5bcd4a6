"""Where to read on: every exercise has a place, and every section that a diagnosis names exists."""

import pytest

from autograder.sections import REFERENCE, contents, exercise_number, where_to_read
from rl2lib.lab import course

EXERCISES = [(notebook, item) for notebook in course.load().notebooks for item in notebook.exercises]


@pytest.mark.parametrize("notebook, exercise", EXERCISES, ids=[item.name for _, item in EXERCISES])
def test_every_diagnosis_leads_somewhere_that_exists(notebook, exercise):
    assert exercise_number(exercise.name).startswith(f"{int(notebook.number)}.")
    assert where_to_read(exercise.name).notebook == notebook.name
    assert exercise.title in where_to_read(exercise.name).heading
    for diagnosis in exercise.diagnoses.values():
        for kind, number in REFERENCE.findall(diagnosis):
            assert (kind.lower(), number) in contents().numbered, (number, diagnosis)
        assert where_to_read(exercise.name, diagnosis) is not None


def test_the_section_that_is_named_comes_before_the_exercise():
    found = where_to_read("mean_trial_return", "You discounted (section 2.1), see notebook 04.")
    assert found.words == "“2.1 Four columns” in 02_input_embedding.ipynb"
    assert found.link == "02_input_embedding.ipynb#2.1-Four-columns"
    assert where_to_read("mean_trial_return", "section 99.9").heading.startswith("Exercise 0.1")


def test_of_an_exercise_that_the_course_has_not_nothing_is_said():
    assert where_to_read("no_such_exercise") is None and exercise_number("no_such_exercise") == ""
