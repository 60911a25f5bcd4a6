"""`autograder new`: an exercise in all its places, and the linter and the audit say what there is to fill in."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autograder.cli import app
from autograder.scaffold import UNFILLED, ScaffoldError, places, scaffold

SOURCES = {"00": "solutions/00_start_here.py", "08": "solutions/08_again.py"}
LONG = "a_name_of_fifty_letters_the_longest_that_is_taken_"
ROW = re.compile(r"([! ]) \w+? *(stub|reference|mutant|alternative)(?: \w+)? +(\w+) +(\w+)")


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of what an author works in, notebook 00 alone, with a scaffold in it and one in a notebook of its own."""
    root, copy = Path(__file__).resolve().parents[2], tmp_path_factory.mktemp("tree")
    others = shutil.ignore_patterns("__pycache__", "0[1-9]_*", "checkpoints")
    for folder in ("autograder", "notebooks", "rl2lib", "solutions"):
        shutil.copytree(root / folder, copy / folder, ignore=others)
    shutil.copy(root / "pyproject.toml", copy)
    for notebook, name in (("00", "twice_it"), ("08_again", LONG)):
        done = autograder(copy, "new", notebook, name)
        assert done.returncode == 0, done.stderr
    return copy


def run(tree: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(tree)}
    return subprocess.run([sys.executable, *command], cwd=tree, env=environment, capture_output=True, text=True)


def autograder(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(tree, "-m", "autograder.cli", *arguments)


@pytest.mark.slow
def test_the_scaffold_passes_ruff(tree):
    files = [place for number in SOURCES for place in (SOURCES[number], *places(number).values())]
    for command in (("check",), ("format", "--check")):
        done = run(tree, "-m", "ruff", *command, "--force-exclude", *files)
        assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_the_scaffold_is_built(tree):
    stale = autograder(tree, "build", "--check").stdout.splitlines()
    assert [line.partition(":")[0] for line in stale] == [
        "solutions/00_start_here.ipynb",
        "solutions/08_again.ipynb",
    ], "all but the executed solutions is up to date"
    assert 'check(\\"twice_it\\")' in (tree / "notebooks" / "00_start_here.ipynb").read_text()


@pytest.mark.slow
def test_the_linter_lists_every_placeholder_and_nothing_else(tree):
    wanted = {"solutions/08_again.py:1: 0 quiz questions"}
    for number, source in SOURCES.items():
        for place in (source, *places(number).values()):
            lines = (tree / place).read_text().splitlines()
            waiting = {f"{place}:{at}: still to fill in" for at, line in enumerate(lines, 1) if UNFILLED in line}
            assert len(waiting) >= 2, place
            wanted |= waiting
    found = autograder(tree, "lint")
    *problems, total = found.stdout.splitlines()
    assert found.returncode == 1 and total == f"course linter: {len(wanted)} problems"
    assert {re.split(r",|(?<=fill in)", line)[0] for line in problems} == wanted
    assert "solutions/08_again.py:2: still to fill in its title" in problems


@pytest.mark.slow
def test_the_audit_marks_all_but_the_stub(tree):
    found = autograder(tree, "audit", "08")
    rows = [match.groups() for match in map(ROW.match, found.stdout.splitlines()) if match]
    assert rows[0] == (" ", "stub", "not_attempted", "not_attempted")
    assert [row[:2] for row in rows[1:]] == [("!", kind) for kind in ("reference", *["mutant"] * 3, "alternative")]
    assert found.returncode == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("notebook", "name", "message"),
    [
        ("00", "mean_trial_return", "an exercise mean_trial_return already, in solutions/00_start_here.py"),
        ("09", "mean_trial_return", "an exercise mean_trial_return already, in solutions/00_start_here.py"),
        ("00", "np", "set-up cells of 00_start_here call something np already"),
        ("00", "Handle", "rl2lib/lab/checks/nb00.py calls something Handle already"),
        ("00_other", "twice", "notebook 00 is 00_start_here already"),
        ("0", "twice", "two digits"),
        ("../00", "twice", "two digits"),
        ("09_Again", "twice", "two digits"),
        ("00", "class", "identifier, no keyword"),
        ("00", "two words", "identifier, no keyword"),
        ("00", "größe", "identifier, no keyword"),
        ("00", "x" * 51, "at most 50"),
    ],
)
def test_what_there_is_already_and_what_is_no_name_is_refused(tree, notebook, name, message):
    before = {path: path.read_bytes() for path in tree.rglob("*.py")}
    with pytest.raises(ScaffoldError, match=re.escape(message)):
        scaffold(tree, notebook, name)
    assert {path: path.read_bytes() for path in tree.rglob("*.py")} == before


def test_a_refusal_is_one_line_on_the_command_line():
    found = CliRunner().invoke(app, ["new", "00", "mean_trial_return"])
    assert found.exit_code == 2 and found.stdout == "" and len(found.stderr.splitlines()) == 1
    assert found.stderr.startswith("autograder: there is an exercise mean_trial_return already")
