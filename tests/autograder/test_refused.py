"""refusals.json: made anew where something changed, and nowhere else; stale where it was not."""

import json
import shutil

import pytest

from autograder import refused
from autograder.source import course_root

NUMBER = "00"


@pytest.fixture
def copy(tmp_path):
    """The root of a course that has notebook 00 alone, with its mutants and checks."""
    root = course_root()
    for path in ("rl2lib/lab/checks", "autograder/mutants"):
        shutil.copytree(root / path, tmp_path / path)
    for name in ("refusals.json", "refusals.py", "report.py", "checking.py"):
        shutil.copy(root / "rl2lib" / "lab" / name, tmp_path / "rl2lib" / "lab" / name)
    (tmp_path / "solutions").mkdir()
    shutil.copy(root / "solutions" / "00_start_here.py", tmp_path / "solutions")
    refused.build(tmp_path)
    return tmp_path


def test_what_is_committed_is_what_comes_out(copy):
    kept = json.loads((course_root() / refused.GENERATED).read_text())
    made = json.loads((copy / refused.GENERATED).read_text())
    assert made == {"mean_trial_return": kept["mean_trial_return"]}
    assert refused.build(copy) == [] == refused.stale(copy)


@pytest.mark.parametrize("path", ["autograder/mutants/nb00.py", "rl2lib/lab/checks/nb00.py", "rl2lib/lab/report.py"])
def test_a_change_of_mutant_or_check_is_noticed_and_built(copy, path):
    changed = (copy / path).read_text().replace("float(rewards.sum())", "float(2 * rewards.sum())")
    (copy / path).write_text(changed + "\n# changed\n")
    assert refused.stale(copy) == [copy / refused.GENERATED]
    refused.build(copy)
    assert refused.stale(copy) == []
    made = json.loads((copy / refused.GENERATED).read_text())["mean_trial_return"]["mutants"]
    assert made["sum_over_trials"][1] == (14.0 if "mutants" in path else 7.0)


def test_nothing_is_run_where_nothing_changed(copy, monkeypatch):
    def ran(*args):
        raise AssertionError("a mutant was run")

    monkeypatch.setattr(refused, "refusals", ran)
    assert refused.build(copy) == []
    (copy / "rl2lib" / "lab" / "checks" / "nb01.py").write_text("# another notebook's\n")
    assert refused.build(copy) == [] == refused.stale(copy)


def test_an_exercise_that_went_leaves_nothing_behind(copy):
    (copy / "solutions" / "00_start_here.py").unlink()
    assert refused.stale(copy) == [copy / refused.GENERATED]
    refused.build(copy)
    assert json.loads((copy / refused.GENERATED).read_text()) == {}
