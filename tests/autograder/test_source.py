"""The authoring format: what it means, and a mistake's one line with file and line number."""

import pytest

from autograder.build import build
from autograder.source import SourceError, load_course, load_notebook, load_release


def test_a_notebook_is_read_whole(tiny):
    (notebook,) = load_course(tiny)
    assert (notebook.name, notebook.title, notebook.needs) == ("07_doubling", "Doubling", ("00",))
    assert (notebook.minutes, notebook.points) == (8, 2)
    (exercise,) = notebook.exercises
    assert (exercise.name, exercise.title, exercise.points, len(exercise.hints)) == ("double", "twice", 2, 2)
    (quiz,) = notebook.quizzes
    assert [(option.text, option.correct, option.why) for option in quiz.options] == [
        ("three", False, "one too few"),
        ("four", True, "as the sum says"),
    ]


MISTAKES = [
    ('exercise="double" minutes=3', 'exercise="double" minuets=3', 'exercise="', "unknown key 'minuets'"),
    ('exercise="double"', 'exercize="double"', "exercize", "unknown header key"),
    ('exercise="double"', 'exercise="dou ble"', 'exercise="', "identifier"),
    ("minutes=3 ", "", 'exercise="', "minutes=<number> is missing"),
    (" points=2", "", 'check="', "points=<number> is missing"),
    ("### END SOLUTION", "### END", 'exercise="', "without ### END SOLUTION"),
    ("    ### BEGIN SOLUTION\n", "", "### END SOLUTION", "without its partner"),
    ('print("a demonstration")', "### BEGIN SOLUTION # x", "### BEGIN SOLUTION # x", "outside an exercise"),
    ('check("double")', 'check("double") ; print(1)', 'check="', "holds exactly"),
    ('check="double" points', 'check="dobule" points', 'check="', "holds exactly"),
    ('hint="double"\n# Add', 'hint="triple"\n# Add', 'hint="triple', "there is no such exercise"),
    ("- [x] four", "- [ ] four", 'quiz="', "one of them right"),
    ("four :: as", "four as", 'quiz="', "- [ ] text :: explanation"),
    ('# %% [markdown] title="Doubling" reading=5', '# %% [markdown] title="Doubling"', "title=", "reading=30"),
    ('# %% check="double" points=2\ncheck("double")\n', "", 'exercise="', "has no check cell"),
]


@pytest.mark.parametrize(("old", "new", "at", "words"), MISTAKES)
def test_a_mistake_names_file_line_and_what_is_wrong(tiny, old, new, at, words):
    path = tiny / "solutions" / "07_doubling.py"
    text = path.read_text()
    assert old in text
    text = text.replace(old, new)
    path.write_text(text)
    with pytest.raises(SourceError) as caught:
        load_notebook(path)
    line = 1 + next(number for number, content in enumerate(text.splitlines()) if at in content)
    assert str(caught.value).startswith(f"{path}:{line}: ") and words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_exercise_stands_once(tiny):
    path = tiny / "solutions" / "07_doubling.py"
    text = path.read_text()
    answer = text[text.index("# %% exercise") : text.index("# %% check")]
    path.write_text(text + "\n" + answer)
    with pytest.raises(SourceError, match="a second time"):
        load_notebook(path)


def test_the_release_is_what_the_build_wrote(tiny):
    (notebook,) = load_course(tiny)
    build(tiny)
    release = load_release(notebook)
    assert "write your answer here" in next(cell.source for cell in release.cells if cell.id == "double")
    path = tiny / "solutions" / "07_doubling.py"
    path.write_text(path.read_text().replace("What is twice three?", "What is twice four?"))
    assert load_release(load_notebook(path)) == release  # a hint is no part of it


@pytest.mark.parametrize(
    "change, words",
    [
        (("double", "triple"), "other exercises or set-up cells than 07_doubling.py has"),
        (("import numpy as np", "import numpy"), "other exercises or set-up cells than 07_doubling.py has"),
        (None, "the released notebook cannot be read"),
        ("torn", "the released notebook cannot be read"),
    ],
)
def test_a_release_that_is_missing_torn_or_old_is_refused_with_the_command(tiny, change, words):
    build(tiny)
    path = tiny / "solutions" / "07_doubling.py"
    release = tiny / "notebooks" / "07_doubling.ipynb"
    if change is None:
        release.unlink()
    elif change == "torn":
        release.write_bytes(release.read_bytes()[:300])
    else:
        path.write_text(path.read_text().replace(*change))
    with pytest.raises(SourceError) as refused:
        load_release(load_notebook(path))
    told = str(refused.value)
    assert told.startswith(f"{release}:1: {words}") and told.endswith("run `make build`") and "\n" not in told
