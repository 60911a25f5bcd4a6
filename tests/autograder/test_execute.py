"""Executed notebooks go stale by their own source and by nothing else."""

import nbformat
import pytest

from autograder import build as building
from autograder import execute as executing
from autograder import release
from autograder.execute import execute_solutions, stale_solutions


@pytest.fixture
def two(tiny, monkeypatch):
    """A course of two notebooks, both executed; no kernel is started."""
    first = tiny / "solutions" / "07_doubling.py"
    (tiny / "solutions" / "08_again.py").write_text(first.read_text().replace("double", "twice"))
    monkeypatch.setattr(executing, "execute", lambda notebook, cwd, work: notebook)
    execute_solutions(tiny)
    assert stale_solutions(tiny) == []
    return tiny


def test_a_new_exercise_in_one_notebook_leaves_the_others_as_they_are(two, capsys):
    path = two / "solutions" / "07_doubling.py"
    path.write_text(path.read_text().replace('title="Doubling" reading=5', 'title="Doublings" reading=9'))
    assert stale_solutions(two) == [path.with_suffix(".ipynb")]
    capsys.readouterr()
    execute_solutions(two)
    assert capsys.readouterr().out.startswith("executed 07_doubling in") and stale_solutions(two) == []


def test_a_new_version_of_the_course_makes_no_executed_notebook_stale(two, monkeypatch):
    kept = (two / "solutions" / "07_doubling.ipynb").read_text()
    monkeypatch.setattr(release, "course_version", "99.0.0")
    assert stale_solutions(two) == []
    execute_solutions(two, "07")
    assert (two / "solutions" / "07_doubling.ipynb").read_text() == kept
    building.build(two)
    assert "99.0.0" in (two / "notebooks" / "07_doubling.ipynb").read_text()


def test_a_missing_executed_notebook_and_one_of_unknown_origin_are_stale(two):
    gone, unknown = (two / "solutions" / name for name in ("07_doubling.ipynb", "08_again.ipynb"))
    gone.unlink()
    notebook = nbformat.read(unknown, as_version=4)
    del notebook.metadata["rl2"]
    nbformat.write(notebook, unknown)
    assert stale_solutions(two) == [gone, unknown]
